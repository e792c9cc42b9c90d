//! What tells people how a stage does: alarms with a runbook, a dashboard, and saved queries of the logs.

pub(crate) mod alarms;
pub(crate) mod dashboard;
mod metric;
pub(crate) mod queries;
pub mod runbook;
