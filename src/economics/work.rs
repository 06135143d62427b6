//! What work costs: from FLOP to GPU-hours, from tokens a second to money per million.

use crate::units::{Flop, FlopPerSecond, GpuHours, HourlyPrice, Money, Seconds};

/// GPU-hours that `work` takes on GPUs of a dense peak, of which `mfu` is used.
#[must_use]
pub fn gpu_hours(work: Flop, peak: FlopPerSecond, mfu: f64) -> GpuHours {
    let time: Seconds = work / (peak * mfu);
    time.on_gpus(1)
}

/// A million tokens at a GPU's rate: `price x 10^6 / (3600 x tokens per second per GPU)`, as `InferenceX` has it.
#[must_use]
pub fn per_million_tokens(price: HourlyPrice, tokens_per_s_per_gpu: f64) -> Money {
    price.per_unit() * (1e6 / (3600.0 * tokens_per_s_per_gpu))
}

/// Numbers of public-claims.md, section 3.
#[cfg(test)]
mod tests {
    use super::*;

    const H100: FlopPerSecond = FlopPerSecond::new(989e12);

    fn price(text: &str) -> HourlyPrice {
        text.parse().unwrap()
    }

    #[test]
    fn a_model_of_a_hundred_trillion_parameters() {
        // T4: at 20 tokens a parameter 1.2e30 FLOP, 8.4e11 GPU-hours, 1.7 trillion USD at 2 USD an hour.
        let work = Flop::new(6.0 * 1e14 * 20.0 * 1e14);
        assert!((work.get() / 1.2e30 - 1.0).abs() < 1e-12);
        let hours = gpu_hours(work, H100, 0.4);
        assert!((hours.get() / 3600.0 / 8.4e11 - 1.0).abs() < 5e-3);
        assert!(((hours * price("2 USD/GPU-h")).amount() / 1.7e12 - 1.0).abs() < 0.01);
        // Billions only with far fewer tokens: 6e26 FLOP are 0.84 billion USD, 6e27 take 100,000 GPUs 4.8 years.
        let less = gpu_hours(Flop::new(6e26), H100, 0.4) * price("2 USD/GPU-h");
        assert!((less.amount() / 0.84e9 - 1.0).abs() < 5e-3);
        let years = gpu_hours(Flop::new(6e27), H100, 0.4).get() / 1e5 / Seconds::YEAR.get();
        assert!((years - 4.8).abs() < 0.02, "{years}");
    }

    #[test]
    fn gpt_3_then_and_now() {
        // T11: 3.546 M V100-hours at 0.55 to 3.38 USD are 2.0 to 12.0 M USD; on H100 220,000 hours and 0.44 M USD.
        let work = Flop::new(3.14e23);
        let then = gpu_hours(work, FlopPerSecond::new(24.6e12), 1.0);
        assert!((then.get() / 3600.0 / 3.546e6 - 1.0).abs() < 1e-3);
        let cost = |hours: GpuHours, text| (hours * price(text)).amount() / 1e6;
        assert!((cost(then, "0.55 USD/GPU-h") - 2.0).abs() < 0.06 && (cost(then, "3.38 USD/GPU-h") - 12.0).abs() < 0.02);
        let now = gpu_hours(work, H100, 0.4);
        assert!((now.get() / 3600.0 / 220_000.0 - 1.0).abs() < 5e-3);
        assert!((cost(now, "2 USD/GPU-h") - 0.44).abs() < 2e-3);
    }

    #[test]
    fn credits_in_gpu_years() {
        // H11: 13 and 4 billion USD at 2 USD an hour are 742,000 and 228,000 GPU-years.
        for (money, wanted) in [(13e9, 742_000.0), (4e9, 228_000.0)] {
            let years = money / (price("2 USD/GPU-h").per_unit().amount() * 8766.0);
            assert!((years / wanted - 1.0).abs() < 1e-3, "{years}");
        }
    }

    #[test]
    fn a_million_tokens() {
        let tokens = per_million_tokens(price("1.41 USD/GPU-h"), 1000.0);
        assert!((tokens.amount() - 1.41 / 3.6).abs() < 1e-12);
    }
}
