//! Uninterruptible power supplies.

use super::item::{Group, Item};
use crate::catalog::Catalog;
use crate::spec::{Power, Redundancy};
use crate::units::Watts;

/// Units that stand behind a load: N is `ceil(load / unit)`.
#[must_use]
pub fn ups_units(load: Watts, unit: Watts, redundancy: Redundancy) -> u32 {
    let needed = (load / unit).ceil().clamp(0.0, 1e6) as u32;
    match redundancy {
        _ if needed == 0 => 0,
        Redundancy::N => needed,
        Redundancy::NPlusOne => needed + 1,
        Redundancy::TwoN => 2 * needed,
    }
}

/// The units that the cluster file asks for, behind all of the IT load.
pub(super) fn items(power: &Power, load: Watts, catalog: &Catalog) -> Vec<Item> {
    let Some(redundancy) = power.ups else { return Vec::new() };
    let unit = power.ups_unit.value;
    let count = ups_units(load, unit, redundancy);
    let rule = match redundancy {
        Redundancy::N => "N",
        Redundancy::NPlusOne => "N+1",
        Redundancy::TwoN => "2N",
    };
    let why = format!("{rule} of units of {unit} behind {load}");
    let item = Item::part(Group::RacksAndPower, "uninterruptible power supplies", "ups", catalog, u64::from(count), why);
    if count > 0 { vec![item] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N+1 is one more than needed, 2N twice as many.
    #[test]
    fn redundancy() {
        let units = |redundancy| ups_units(Watts::new(1.405e6), Watts::new(500e3), redundancy);
        assert_eq!((units(Redundancy::N), units(Redundancy::NPlusOne), units(Redundancy::TwoN)), (3, 4, 6));
        assert_eq!(ups_units(Watts::ZERO, Watts::new(500e3), Redundancy::NPlusOne), 0);
    }
}
