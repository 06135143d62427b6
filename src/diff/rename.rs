//! Which old pair is which new one: by name, and where files or jobs were renamed, by what they say.

use serde_json::Value;

use super::estimated::{Estimated, Places};

/// An old pair with the new one, either of which may be missing.
pub(super) type Couple = (Option<Estimated>, Option<(Estimated, Places)>);

/// Puts old and new pairs together.
pub(super) fn couples(old: Vec<Estimated>, new: Vec<(Estimated, Places)>) -> Vec<Couple> {
    let mut old: Vec<Option<Estimated>> = old.into_iter().map(Some).collect();
    let mut take =
        |fits: &dyn Fn(&Estimated) -> bool| old.iter_mut().find(|one| one.as_ref().is_some_and(fits)).and_then(Option::take);
    let mut couples: Vec<Couple> = Vec::new();
    let mut left = Vec::new();
    for one in new {
        match take(&|other| other.pair == one.0.pair) {
            Some(same) => couples.push((Some(same), Some(one))),
            None => left.push(one),
        }
    }
    for one in left {
        couples.push((take(&|other| renamed(other, &one.0)), Some(one)));
    }
    couples.extend(old.into_iter().flatten().map(|gone| (Some(gone), None)));
    couples
}

/// Whether a pair is another under a new name: the same files elsewhere, or the same job under another name.
fn renamed(old: &Estimated, new: &Estimated) -> bool {
    let (a, b) = (&old.pair, &new.pair);
    let cluster = a.cluster == b.cluster || old.cluster == new.cluster || alike(&old.inputs.cluster, &new.inputs.cluster);
    let same_job = alike(&old.inputs.job, &new.inputs.job);
    let job = (a.workload == b.workload && a.job == b.job) || same_job;
    cluster && job
}

/// Whether two files say the same but for their names.
fn alike(a: &Value, b: &Value) -> bool {
    let nameless = |value: &Value| {
        let mut value = value.clone();
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|key, _| key != "name" && key != "description");
        }
        value
    };
    nameless(a) == nameless(b)
}
