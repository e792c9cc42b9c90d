//! A line for each request of a gateway: what came, and what became of it. Not who and not from where, so that the log
//! is no record of who talks when.

use serde_json::{Value, json};

use crate::document::Resource;
use crate::intrinsics::{arn, only, reference, sub};
use crate::parameters::ACCESS_LOGS;

/// The log group for an API. Its name begins as those that services write themselves must: otherwise each API adds to a
/// policy of the account that has little room.
pub(crate) fn group(api: &str) -> Resource {
    let properties = json!({
        "LogGroupName": sub(format!("/aws/vendedlogs/tidings-${{Stage}}/{api}")),
        "RetentionInDays": reference("LogRetentionDays"),
    });
    Resource::new("AWS::Logs::LogGroup", properties).when(ACCESS_LOGS)
}

/// A stage's `AccessLogSettings`: the fields by the names that they get in the line.
pub(crate) fn settings(group: &str, fields: &[(&str, &str)]) -> Value {
    let fields: Vec<_> = fields.iter().map(|(name, variable)| format!("\"{name}\":\"{variable}\"")).collect();
    only(ACCESS_LOGS, json!({ "DestinationArn": arn(group), "Format": format!("{{{}}}", fields.join(",")) }))
}
