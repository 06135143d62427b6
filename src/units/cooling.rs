//! Heat that a flow of air or water carries away.

use super::{AirFlow, TemperatureRise, WaterFlow, Watts};

/// Joules that a cubic metre of air takes up per kelvin, at sea level and room temperature: the 1.08 BTU an hour per CFM and
/// degree Fahrenheit of the trade, in SI units.
const AIR: f64 = 1.08 / 3412.0 * 1000.0 / (0.028_316_846_592 / 60.0) * 9.0 / 5.0;

/// Joules that a cubic metre of water takes up per kelvin: 4.186 kJ for each of 1,000 kg.
const WATER: f64 = 4.186e6;

impl Watts {
    /// The air that carries this much heat away and gets warmer by `rise`: `CFM = kW * 3412 / (1.08 * degrees Fahrenheit)`.
    #[must_use]
    pub fn cooled_by_air(self, rise: TemperatureRise) -> AirFlow {
        AirFlow::new(self.get() / (AIR * rise.get()))
    }

    /// The water that carries this much heat away and gets warmer by `rise`: `L/min = kW * 60 / (4.186 * kelvin)`.
    #[must_use]
    pub fn cooled_by_water(self, rise: TemperatureRise) -> WaterFlow {
        WaterFlow::new(self.get() / (WATER * rise.get()))
    }
}

impl AirFlow {
    /// How much warmer the air gets that carries `heat` away.
    #[must_use]
    pub fn rise(self, heat: Watts) -> TemperatureRise {
        TemperatureRise::new(heat.get() / (AIR * self.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cfm(flow: AirFlow) -> f64 {
        flow / "1 CFM".parse::<AirFlow>().unwrap()
    }

    /// A rack of 120 kW would need 18,956 CFM at a rise of 20 F: not practical. A DGX H100 moves 1,105 CFM, 108 CFM a kW, which
    /// gets about 29 F warmer (RACKULA-DGX).
    #[test]
    fn air_of_racks() {
        let rise: TemperatureRise = "20 F".parse().unwrap();
        assert_eq!(cfm(Watts::new(120e3).cooled_by_air(rise)).round(), 18_956.0);
        let dgx = "1105 CFM".parse::<AirFlow>().unwrap().rise(Watts::new(10.2e3));
        assert!((dgx.get() * 9.0 / 5.0 - 29.0).abs() < 0.5, "{dgx}");
        assert_eq!(cfm(Watts::new(1e3).cooled_by_air("29 F".parse().unwrap())).round(), 109.0);
    }

    /// 120 kW into water that gets 10 K warmer: 120 * 60 / (4.186 * 10) = 172 L/min.
    #[test]
    fn water_of_racks() {
        assert_eq!(Watts::new(120e3).cooled_by_water(TemperatureRise::new(10.0)).to_string(), "172 L/min");
    }
}
