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

/// What the gateway says of an error: quoted by itself, whatever is in it.
pub(crate) const ERROR: &str = "$context.error.messageString";

/// A stage's `AccessLogSettings`: the fields by the names that they get in the line.
pub(crate) fn settings(group: &str, fields: &[(&str, &str)]) -> Value {
    let field = |(name, variable): &(&str, &str)| match *variable {
        ERROR => format!("\"{name}\":{ERROR}"),
        variable => format!("\"{name}\":\"{variable}\""),
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    only(ACCESS_LOGS, json!({ "DestinationArn": arn(group), "Format": format!("{{{}}}", fields.join(",")) }))
}
