//! Schedules of published traces, to the last digit that independent simulators agree on.

#[path = "fleet/anchors.rs"]
mod anchors;
#[path = "fleet/failures.rs"]
mod failures;
#[path = "fleet/fit.rs"]
mod fit;
#[path = "fleet/oracle.rs"]
mod oracle;
#[path = "fleet/speeds.rs"]
mod speeds;
#[path = "fleet/year.rs"]
mod year;
