//! Which products and quotients of quantities exist. A law that is not written here does not compile.

use super::quantity::{
    Bits, BitsPerSecond, Bytes, BytesPerSecond, Carbon, CarbonIntensity, Energy, FailureRate, Flop, FlopPerSecond, GpuHours,
    Nodes, Seconds, Tokens, TokensPerSecond, Watts,
};
use super::{EnergyPrice, GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, YearlyPrice, YearlyRate};
use std::ops::{Div, Mul};

/// `$rate * $time = $amount`, and the two quotients that follow.
macro_rules! law {
    ($rate:ident * $time:ident = $amount:ident) => {
        impl Mul<$time> for $rate {
            type Output = $amount;
            fn mul(self, by: $time) -> $amount {
                $amount::new(self.get() * by.get())
            }
        }
        impl Mul<$rate> for $time {
            type Output = $amount;
            fn mul(self, by: $rate) -> $amount {
                $amount::new(self.get() * by.get())
            }
        }
        impl Div<$rate> for $amount {
            type Output = $time;
            fn div(self, by: $rate) -> $time {
                $time::new(self.get() / by.get())
            }
        }
        impl Div<$time> for $amount {
            type Output = $rate;
            fn div(self, by: $time) -> $rate {
                $rate::new(self.get() / by.get())
            }
        }
    };
}

law!(BytesPerSecond * Seconds = Bytes);
law!(BitsPerSecond * Seconds = Bits);
law!(FlopPerSecond * Seconds = Flop);
law!(Watts * Seconds = Energy);
law!(TokensPerSecond * Seconds = Tokens);
law!(CarbonIntensity * Energy = Carbon);

impl Bits {
    /// Eight bits are a byte.
    #[must_use]
    pub fn to_bytes(self) -> Bytes {
        Bytes::new(self.get() / 8.0)
    }
}

impl BitsPerSecond {
    /// Eight bits are a byte.
    #[must_use]
    pub fn to_bytes(self) -> BytesPerSecond {
        BytesPerSecond::new(self.get() / 8.0)
    }
}

impl Bytes {
    /// A byte is eight bits.
    #[must_use]
    pub fn to_bits(self) -> Bits {
        Bits::new(self.get() * 8.0)
    }
}

impl Seconds {
    /// 365.25 days: 8,766 hours.
    pub const YEAR: Self = Self::new(365.25 * 86_400.0);

    /// In years.
    #[must_use]
    pub fn years(self) -> f64 {
        self / Self::YEAR
    }

    /// The time that `gpus` GPUs are held for.
    #[must_use]
    pub fn on_gpus(self, gpus: u64) -> GpuHours {
        GpuHours::new(self.get() * gpus as f64)
    }
}

impl FailureRate {
    /// Failures in 1,000 days of one node.
    #[must_use]
    pub fn per_thousand_node_days(count: f64) -> Self {
        Self::new(count / (1000.0 * 86_400.0))
    }

    /// Mean time between the failures of `nodes` nodes.
    #[must_use]
    pub fn mean_time(self, nodes: Nodes) -> Seconds {
        Seconds::new(1.0 / (self.get() * nodes.get()))
    }
}

const KILOWATT_HOUR: f64 = 3.6e6;

impl Mul<EnergyPrice> for Energy {
    type Output = Money;
    fn mul(self, price: EnergyPrice) -> Money {
        price.per_unit() * (self.get() / KILOWATT_HOUR)
    }
}

impl Mul<HourlyPrice> for GpuHours {
    type Output = Money;
    fn mul(self, price: HourlyPrice) -> Money {
        price.per_unit() * (self.get() / 3600.0)
    }
}

/// Hours of a year.
const HOURS_PER_YEAR: f64 = 8766.0;

impl Mul<PowerPrice> for Watts {
    type Output = Money;
    fn mul(self, price: PowerPrice) -> Money {
        price.per_unit() * self.get()
    }
}

impl Mul<PowerMonthPrice> for Watts {
    type Output = YearlyPrice;
    fn mul(self, price: PowerMonthPrice) -> YearlyPrice {
        YearlyPrice::new(price.per_unit() * (self.get() / 1e3 * 12.0))
    }
}

impl Mul<YearlyRate> for Money {
    type Output = YearlyPrice;
    fn mul(self, rate: YearlyRate) -> YearlyPrice {
        YearlyPrice::new(self * rate.get())
    }
}

impl Mul<YearlyRate> for GpuPrice {
    type Output = GpuYearPrice;
    fn mul(self, rate: YearlyRate) -> GpuYearPrice {
        GpuYearPrice::new(self.per_unit() * rate.get())
    }
}

impl GpuPrice {
    /// Of `gpus` GPUs that cost `all` together.
    #[must_use]
    pub fn each_of(all: Money, gpus: u32) -> Self {
        Self::new(all * (1.0 / f64::from(gpus.max(1))))
    }
}

impl GpuYearPrice {
    /// Of each of `gpus` GPUs that cost `all` in a year.
    #[must_use]
    pub fn each_of(all: YearlyPrice, gpus: u32) -> Self {
        Self::new(all.per_unit() * (1.0 / f64::from(gpus.max(1))))
    }

    /// Over the hours of a year, used or not.
    #[must_use]
    pub fn hourly(self) -> HourlyPrice {
        HourlyPrice::new(self.per_unit() * (1.0 / HOURS_PER_YEAR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_takes_bytes_over_bandwidth() {
        let time = Bytes::new(1e9) / BytesPerSecond::new(50e9);
        assert_eq!(time, Seconds::new(0.02));
    }

    #[test]
    fn a_line_rate_becomes_bytes_by_eight() {
        assert_eq!("400 Gb/s".parse::<BitsPerSecond>().unwrap().to_bytes(), BytesPerSecond::new(50e9));
    }

    #[test]
    fn energy_of_gpt3_by_llmcarbon() {
        // public-claims E2: 3.546 M V100-hours at 330 W and PUE 1.1 are 1,287 MWh.
        let hours: Seconds = "3545600 h".parse().unwrap();
        let energy = "330 W".parse::<Watts>().unwrap() * hours * 1.1;
        assert_eq!(format!("{energy:.4}"), "1.287 GWh");
    }
}
