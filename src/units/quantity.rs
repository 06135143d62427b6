//! The quantities: one newtype each over its base unit, from one macro.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{QuantityError, number, significant};

/// A physical quantity with a base unit: what it is called, which units it is written in, how it is made.
pub trait Quantity: Copy + Sized {
    /// The name that the JSON Schema carries as `x-quantity`.
    const KIND: &'static str;
    /// What it is called in a message: `bandwidth in bytes per second`.
    const NAME: &'static str;
    /// The units it may be written in, with their size in base units. The first that fits is used for printing.
    const UNITS: &'static [(&'static str, f64)];
    /// One well-formed value.
    const EXAMPLE: &'static str;
    /// From base units.
    fn new(base: f64) -> Self;
    /// In base units.
    fn base(self) -> f64;
}

/// Reads a quantity, or says what is wrong with it.
pub(super) fn parse<Q: Quantity>(text: &str) -> Result<Q, QuantityError> {
    let (value, digits, unit) = number::split(text)?;
    if unit.is_empty() {
        return Err(QuantityError::without_unit(digits, Q::NAME, &unit_list::<Q>(), Q::EXAMPLE));
    }
    let Some((_, size)) = Q::UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(wrong_unit::<Q>(digits, unit));
    };
    let base = value * size;
    if base == 0.0 && NEVER_ZERO.contains(&Q::KIND) {
        return Err(QuantityError::new(format!("`{text}` is zero"))
            .with_hint("write more than that, or leave the key out if it is not known"));
    }
    if base > MOST || (base > 0.0 && base < LEAST) {
        let how = if base > 1.0 { "large" } else { "small" };
        return Err(QuantityError::new(format!("`{text}` is too {how} to be meant")));
    }
    if Q::KIND == Share::KIND && base > 1.0 {
        return Err(QuantityError::new(format!("`{text}` is more than all of it")).with_hint("write at most `100 %`"));
    }
    if Q::KIND == Nodes::KIND && base.fract() != 0.0 {
        return Err(QuantityError::new(format!("`{text}` is not a whole number of nodes"))
            .with_hint(format!("write `{} nodes`", base.ceil())));
    }
    Ok(Q::new(base))
}

/// Bounds in base units. They are far outside of what exists, and near enough that products of several quantities stay
/// finite: no file makes a result infinite.
const LEAST: f64 = 1e-30;
const MOST: f64 = 1e30;

/// Kinds that are divided by, or of which none is as good as no entry.
const NEVER_ZERO: [&str; 9] = [
    "bytes",
    "bytes-per-second",
    "bits-per-second",
    "flop-per-second",
    "frequency",
    "power",
    "tokens",
    "nodes",
    "temperature-rise",
];

fn unit_list<Q: Quantity>() -> String {
    Q::UNITS.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Names the confusion when there is one: bits for bytes, a decimal letter in the wrong case, energy for power.
fn wrong_unit<Q: Quantity>(digits: &str, unit: &str) -> QuantityError {
    let message = format!("`{unit}` is not a unit of {}", Q::NAME);
    let among = |wanted: &str| Q::UNITS.iter().find(|(name, _)| *name == wanted);
    let swapped: String = unit.replacen('b', "B", 1);
    let to_bits: String = unit.replacen('B', "b", 1);
    if among(&swapped).is_some() && swapped != unit {
        return QuantityError::new(format!("`{unit}` counts bits: {} is counted in bytes", Q::NAME))
            .with_hint(format!("8 bits are a byte: write `{digits} {swapped}` if bytes were meant, or divide by 8"));
    }
    if among(&to_bits).is_some() && to_bits != unit {
        return QuantityError::new(format!("`{unit}` counts bytes: {} is counted in bits", Q::NAME))
            .with_hint(format!("a byte is 8 bits: write `{digits} {to_bits}` if bits were meant, or multiply by 8"));
    }
    if let Some((name, _)) = Q::UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        return QuantityError::new(message).with_hint(format!("letter case matters: write `{digits} {name}`"));
    }
    // `15T` for `15T tokens`.
    if let Some((name, _)) = Q::UNITS.iter().find(|(name, _)| name.split_once(' ').is_some_and(|(first, _)| first == unit)) {
        return QuantityError::new(message).with_hint(format!("write `{digits} {name}`"));
    }
    let message = match measured_in(unit) {
        Some(other) => format!("`{unit}` is a unit of {other}, not of {}", Q::NAME),
        None => message,
    };
    QuantityError::new(message).with_hint(format!("write it as in `{}` (units: {})", Q::EXAMPLE, unit_list::<Q>()))
}

/// Prints with the largest unit of `units` that keeps the number at 1 or more.
fn print(f: &mut fmt::Formatter<'_>, base: f64, units: &[(&str, f64)]) -> fmt::Result {
    let fits = units.iter().filter(|(_, size)| base.abs() >= *size * 0.9995).max_by(|a, b| a.1.total_cmp(&b.1));
    let smallest = units.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let base_unit = units.iter().find(|(_, size)| *size == 1.0).or(smallest);
    let chosen = if base == 0.0 { base_unit } else { fits.or(smallest) };
    let (name, size) = chosen.copied().unwrap_or(("", 1.0));
    write!(f, "{} {name}", significant(base / size, f.precision().and_then(|digits| u32::try_from(digits).ok()).unwrap_or(3)))
}

macro_rules! quantities {
    ($(
        $(#[$doc:meta])*
        $name:ident($kind:literal, $called:literal, $example:literal) {
            print: [$(($shown:literal, $shown_size:expr)),+ $(,)?],
            $(binary: [$(($bin:literal, $bin_size:expr)),+ $(,)?],)?
            also: [$(($unit:literal, $size:expr)),* $(,)?] $(,)?
        }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
            pub struct $name(f64);

            impl $name {
                /// Nothing of it.
                pub const ZERO: Self = Self(0.0);

                /// From base units.
                #[must_use]
                pub const fn new(base: f64) -> Self { Self(base) }

                /// In base units.
                #[must_use]
                pub const fn get(self) -> f64 { self.0 }

                /// The larger of two.
                #[must_use]
                pub fn max(self, other: Self) -> Self { Self(self.0.max(other.0)) }

                /// The smaller of two.
                #[must_use]
                pub fn min(self, other: Self) -> Self { Self(self.0.min(other.0)) }
            }

            impl Quantity for $name {
                const KIND: &'static str = $kind;
                const NAME: &'static str = $called;
                const UNITS: &'static [(&'static str, f64)] =
                    &[$(($shown, $shown_size),)+ $($(($bin, $bin_size),)+)? $(($unit, $size),)*];
                const EXAMPLE: &'static str = $example;
                fn new(base: f64) -> Self { Self(base) }
                fn base(self) -> f64 { self.0 }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    $(if f.alternate() { return print(f, self.0, &[$(($bin, $bin_size)),+]); })?
                    print(f, self.0, &[$(($shown, $shown_size)),+])
                }
            }

            impl FromStr for $name {
                type Err = QuantityError;
                fn from_str(text: &str) -> Result<Self, QuantityError> { parse(text) }
            }

            impl Add for $name { type Output = Self; fn add(self, other: Self) -> Self { Self(self.0 + other.0) } }
            impl AddAssign for $name { fn add_assign(&mut self, other: Self) { self.0 += other.0; } }
            impl Sub for $name { type Output = Self; fn sub(self, other: Self) -> Self { Self(self.0 - other.0) } }
            impl Mul<f64> for $name { type Output = Self; fn mul(self, by: f64) -> Self { Self(self.0 * by) } }
            impl Mul<$name> for f64 { type Output = $name; fn mul(self, by: $name) -> $name { $name(self * by.0) } }
            impl Div<f64> for $name { type Output = Self; fn div(self, by: f64) -> Self { Self(self.0 / by) } }
            impl Div for $name { type Output = f64; fn div(self, by: Self) -> f64 { self.0 / by.0 } }
            impl Sum for $name { fn sum<I: Iterator<Item = Self>>(all: I) -> Self { Self(all.map(|q| q.0).sum()) } }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_f64(self.0) }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    from.deserialize_any(super::quantity::Text(std::marker::PhantomData::<Self>))
                }
            }

            impl schemars::JsonSchema for $name {
                fn inline_schema() -> bool { true }
                fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({ "type": "string", "x-quantity": $kind, "examples": [$example] })
                }
            }
        )+

        /// What a unit measures.
        fn measured_in(unit: &str) -> Option<&'static str> {
            $(if $name::UNITS.iter().any(|(name, _)| *name == unit) { return Some($name::NAME); })+
            None
        }

        pub(super) fn check(kind: &str, text: &str) -> Option<Result<(), QuantityError>> {
            match kind {
                $($kind => Some(parse::<$name>(text).map(|_| ())),)+
                _ => None,
            }
        }
    };
}

/// Reads a quantity from the text of a YAML scalar; a bare number is refused because it has no unit.
pub(super) struct Text<T>(pub std::marker::PhantomData<T>);

impl<T: FromStr<Err = QuantityError>> serde::de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number with its unit, as text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}

const KI: f64 = 1024.0;
const HOUR: f64 = 3600.0;
/// A cubic foot in cubic metres.
const CUBIC_FOOT: f64 = 0.028_316_846_592;
const DAY: f64 = 86_400.0;
/// 365.25 days, the year in which Epoch and this planner count 8,766 hours.
const YEAR: f64 = 365.25 * DAY;

quantities! {
    /// An amount of data or memory, in bytes. `{}` prints decimal units (GB), `{:#}` binary ones (GiB).
    Bytes("bytes", "memory or data in bytes", "80 GiB") {
        print: [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("PB", 1e15), ("EB", 1e18)],
        binary: [("B", 1.0), ("KiB", KI), ("MiB", KI * KI), ("GiB", KI * KI * KI), ("TiB", KI * KI * KI * KI),
                 ("PiB", KI * KI * KI * KI * KI)],
        also: [],
    }
    /// An amount of data, in bits.
    Bits("bits", "data in bits", "400 Gb") {
        print: [("b", 1.0), ("kb", 1e3), ("Mb", 1e6), ("Gb", 1e9), ("Tb", 1e12)],
        also: [("bit", 1.0), ("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9), ("Tbit", 1e12)],
    }
    /// A rate of data, in bytes per second, in one direction.
    BytesPerSecond("bytes-per-second", "bandwidth in bytes per second", "3.35 TB/s") {
        print: [("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9), ("TB/s", 1e12)],
        also: [("KiB/s", KI), ("MiB/s", KI * KI), ("GiB/s", KI * KI * KI), ("TiB/s", KI * KI * KI * KI)],
    }
    /// A line rate, in bits per second, in one direction.
    BitsPerSecond("bits-per-second", "line rate in bits per second", "400 Gb/s") {
        print: [("b/s", 1.0), ("kb/s", 1e3), ("Mb/s", 1e6), ("Gb/s", 1e9), ("Tb/s", 1e12)],
        also: [("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("Tbit/s", 1e12),
               ("kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9), ("Tbps", 1e12)],
    }
    /// Floating-point (or integer) operations.
    Flop("flop", "work in FLOP", "6e24 FLOP") {
        print: [("FLOP", 1.0), ("MFLOP", 1e6), ("GFLOP", 1e9), ("TFLOP", 1e12), ("PFLOP", 1e15), ("EFLOP", 1e18),
                ("ZFLOP", 1e21), ("YFLOP", 1e24)],
        also: [],
    }
    /// Operations per second; dense, not sparse.
    FlopPerSecond("flop-per-second", "throughput in FLOP/s", "989 TFLOP/s") {
        print: [("FLOP/s", 1.0), ("GFLOP/s", 1e9), ("TFLOP/s", 1e12), ("PFLOP/s", 1e15), ("EFLOP/s", 1e18)],
        also: [("GOP/s", 1e9), ("TOP/s", 1e12), ("POP/s", 1e15)],
    }
    /// A time, in seconds. A year is 365.25 days (8,766 hours).
    Seconds("time", "time", "54 days") {
        print: [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", HOUR), ("days", DAY),
                ("years", YEAR)],
        also: [("µs", 1e-6), ("second", 1.0), ("seconds", 1.0), ("minute", 60.0), ("minutes", 60.0), ("hour", HOUR),
               ("hours", HOUR), ("day", DAY), ("d", DAY), ("week", 7.0 * DAY), ("weeks", 7.0 * DAY), ("year", YEAR)],
    }
    /// A clock frequency.
    Hertz("frequency", "clock frequency", "1830 MHz") {
        print: [("Hz", 1.0), ("MHz", 1e6), ("GHz", 1e9)],
        also: [("kHz", 1e3)],
    }
    /// Power, in watts.
    Watts("power", "power", "10.2 kW") {
        print: [("W", 1.0), ("kW", 1e3), ("MW", 1e6), ("GW", 1e9)],
        also: [],
    }
    /// Energy, in joules; written in watt-hours.
    Energy("energy", "energy", "450 MWh") {
        print: [("Wh", HOUR), ("kWh", 1e3 * HOUR), ("MWh", 1e6 * HOUR), ("GWh", 1e9 * HOUR), ("TWh", 1e12 * HOUR)],
        also: [("J", 1.0), ("kJ", 1e3), ("MJ", 1e6), ("GJ", 1e9)],
    }
    /// A mass of CO2 equivalent, in grams.
    Carbon("carbon", "a mass of CO2 equivalent", "173 t") {
        print: [("g", 1.0), ("kg", 1e3), ("t", 1e6), ("kt", 1e9)],
        also: [],
    }
    /// CO2 equivalent per electrical energy, in grams per joule; written in g/kWh.
    CarbonIntensity("carbon-intensity", "carbon intensity", "384 g/kWh") {
        print: [("g/kWh", 1.0 / (1e3 * HOUR))],
        also: [("gCO2/kWh", 1.0 / (1e3 * HOUR)), ("gCO2e/kWh", 1.0 / (1e3 * HOUR)), ("kg/MWh", 1.0 / (1e3 * HOUR)),
               ("kg/kWh", 1e3 / (1e3 * HOUR))],
    }
    /// Tokens of training data.
    Tokens("tokens", "tokens", "15T tokens") {
        print: [("tokens", 1.0), ("k tokens", 1e3), ("M tokens", 1e6), ("B tokens", 1e9), ("T tokens", 1e12)],
        also: [("token", 1.0), ("ktokens", 1e3), ("Mtokens", 1e6), ("Btokens", 1e9), ("Ttokens", 1e12),
               ("Ki tokens", KI), ("Mi tokens", KI * KI)],
    }
    /// Tokens per second.
    TokensPerSecond("tokens-per-second", "tokens per second", "400 k tokens/s") {
        print: [("tokens/s", 1.0), ("k tokens/s", 1e3), ("M tokens/s", 1e6), ("B tokens/s", 1e9)],
        also: [],
    }
    /// A count of model parameters.
    Parameters("parameters", "a number of parameters", "70.6B") {
        print: [("k", 1e3), ("M", 1e6), ("B", 1e9), ("T", 1e12)],
        also: [],
    }
    /// Failures per node and second; written per (1000) node-days.
    FailureRate("failure-rate", "failures per node-day", "4 /1000 node-days") {
        print: [("/1000 node-days", 1.0 / (1000.0 * DAY))],
        also: [("/node-day", 1.0 / DAY), ("/1000-node-days", 1.0 / (1000.0 * DAY)), ("per 1000 node-days", 1.0 / (1000.0 * DAY)),
               ("per node-day", 1.0 / DAY), ("per node-year", 1.0 / YEAR)],
    }
    /// GPUs times the time they are held, in GPU-seconds; written in GPU-hours.
    GpuHours("gpu-hours", "GPU-hours", "1022362 GPU-h") {
        print: [("GPU-h", HOUR), ("k GPU-h", 1e3 * HOUR), ("M GPU-h", 1e6 * HOUR)],
        also: [("GPU-hours", HOUR), ("GPU-hour", HOUR)],
    }
    /// A difference of temperature, in kelvin: what air or water gains on its way through a rack.
    TemperatureRise("temperature-rise", "a rise of temperature", "11 K") {
        print: [("K", 1.0)],
        also: [("F", 5.0 / 9.0)],
    }
    /// A flow of cooling air, in cubic metres per second; written in cubic feet per minute.
    AirFlow("air-flow", "a flow of air", "1105 CFM") {
        print: [("CFM", CUBIC_FOOT / 60.0)],
        also: [("m3/s", 1.0), ("m3/h", 1.0 / HOUR)],
    }
    /// A flow of cooling water, in cubic metres per second; written in litres per minute.
    WaterFlow("water-flow", "a flow of water", "150 L/min") {
        print: [("L/min", 1e-3 / 60.0)],
        also: [("L/s", 1e-3), ("m3/h", 1.0 / HOUR)],
    }
    /// A part of a whole, such as a residual value; written in percent, at most all of it.
    Share("share", "a share in percent", "80 %") {
        print: [("%", 0.01)],
        also: [("percent", 0.01)],
    }
    /// A change or a charge each year, as a part of what it is on; written in percent.
    YearlyRate("yearly-rate", "a share per year", "10 %/year") {
        print: [("%/year", 0.01)],
        also: [("%", 0.01), ("% a year", 0.01), ("percent/year", 0.01)],
    }
    /// A count of nodes.
    Nodes("nodes", "a number of nodes", "32 nodes") {
        print: [("nodes", 1.0)],
        also: [("node", 1.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<Q: FromStr<Err = QuantityError>>(text: &str) -> String {
        match text.parse::<Q>() {
            Ok(_) => panic!("`{text}` was accepted"),
            Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
        }
    }

    #[test]
    fn bits_and_bytes_do_not_mix() {
        assert!(refused::<Bytes>("80 Gb").contains("counts bits"));
        assert!(refused::<BytesPerSecond>("3.35 Tb/s").contains("`3.35 TB/s`"));
        assert!(refused::<BitsPerSecond>("400 GB/s").contains("counts bytes"));
        assert!(refused::<Bytes>("80 gb").contains("letter case") || refused::<Bytes>("80 gb").contains("counts bits"));
    }

    #[test]
    fn decimal_and_binary_differ() {
        let decimal: Bytes = "80 GB".parse().unwrap();
        let binary: Bytes = "80 GiB".parse().unwrap();
        assert_eq!(decimal.get(), 80e9);
        assert_eq!(binary.get(), 80.0 * 1_073_741_824.0);
        assert_eq!(format!("{binary}"), "85.9 GB");
        assert_eq!(format!("{binary:#}"), "80.0 GiB");
    }

    #[test]
    fn a_bare_number_is_refused_with_the_units() {
        let error = "3.35".parse::<BytesPerSecond>().unwrap_err();
        assert!(error.needs_unit());
        assert!(error.hint().unwrap().contains("`3.35 TB/s`"));
    }

    #[test]
    fn power_is_not_energy() {
        assert!(refused::<Watts>("10 kWh").contains("a unit of energy, not of power"));
        assert!(refused::<Energy>("10 kW").contains("a unit of power, not of energy"));
        assert!(refused::<Watts>("10 hp").contains("`hp` is not a unit of power"));
    }

    #[test]
    fn what_would_be_divided_by_or_overflow_is_refused() {
        assert!(refused::<BytesPerSecond>("0 TB/s").contains("is zero"));
        assert!(refused::<Watts>("1e308 kW").contains("too large"));
        assert!(refused::<FlopPerSecond>("1e-300 FLOP/s").contains("too small"));
        assert!(refused::<Nodes>("2.5 nodes").contains("write `3 nodes`"));
        assert!(refused::<Share>("125 %").contains("more than all"));
        assert_eq!("0 g/kWh".parse(), Ok(CarbonIntensity::ZERO));
    }

    #[test]
    fn counts_with_a_multiplier() {
        assert_eq!("15T tokens".parse::<Tokens>().unwrap().get(), 15e12);
        assert_eq!("4M tokens".parse::<Tokens>().unwrap().to_string(), "4.00 M tokens");
        assert!(refused::<Tokens>("15T").contains("write `15 T tokens`"));
    }

    #[test]
    fn printing_picks_the_unit() {
        assert_eq!(Seconds::new(13.75).to_string(), "13.8 s");
        assert_eq!(Seconds::new(1.9e6).to_string(), "22.0 days");
        assert_eq!(Seconds::new(0.0).to_string(), "0 s");
        assert_eq!(Watts::new(1_295_400.0).to_string(), "1.30 MW");
        assert_eq!("4 /1000 node-days".parse::<FailureRate>().unwrap().to_string(), "4.00 /1000 node-days");
        assert_eq!("384 g/kWh".parse::<CarbonIntensity>().unwrap().to_string(), "384 g/kWh");
    }
}
