//! Schedules of published traces, to the last digit that independent simulators agree on.

#[path = "fleet/anchors.rs"]
mod anchors;
#[path = "fleet/failures.rs"]
mod failures;
#[path = "fleet/oracle.rs"]
mod oracle;
