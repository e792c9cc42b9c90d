//! A metric in CloudWatch, as alarms and dashboards name it.

use serde_json::{Value, json};
use tidings_metrics::{FUNCTION, MetricRow, NAMESPACE};

use crate::intrinsics::sub;
use crate::names;
use crate::socket::STAGE;

/// A metric with a statistic. `${...}` in its dimensions is filled in when the stack is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    namespace: &'static str,
    name: &'static str,
    dimensions: Vec<(&'static str, String)>,
    statistic: &'static str,
}

impl Measured {
    /// What a function of ours writes.
    pub(crate) fn written(row: &MetricRow, function: &str, statistic: &'static str) -> Self {
        let dimensions = vec![(FUNCTION, stage_name(function))];
        Self { namespace: NAMESPACE, name: row.name, dimensions, statistic }
    }

    /// What AWS measures of a function.
    pub(crate) fn function(name: &'static str, function: &str, statistic: &'static str) -> Self {
        let dimensions = vec![("FunctionName", stage_name(function))];
        Self { namespace: "AWS/Lambda", name, dimensions, statistic }
    }

    /// Of a queue, by its short name. A queue is asked for a level, so that it is the highest of a period.
    pub(crate) fn queue(name: &'static str, queue: &str) -> Self {
        let dimensions = vec![("QueueName", stage_name(queue))];
        Self { namespace: "AWS/SQS", name, dimensions, statistic: "Maximum" }
    }

    /// Of a table.
    pub(crate) fn table(name: &'static str, table: &str) -> Self {
        let dimensions = vec![("TableName", format!("${{{}}}", names::table(table)))];
        Self { namespace: "AWS/DynamoDB", name, dimensions, statistic: "Sum" }
    }

    /// Of the socket's API.
    pub(crate) fn socket(name: &'static str) -> Self {
        Self::api(name, "SocketApi", STAGE)
    }

    /// Of the HTTP API.
    pub(crate) fn http(name: &'static str) -> Self {
        Self::api(name, "HttpApi", "$default")
    }

    fn api(name: &'static str, api: &str, stage: &str) -> Self {
        let dimensions = vec![("ApiId", format!("${{{api}}}")), ("Stage", stage.to_owned())];
        Self { namespace: "AWS/ApiGateway", name, dimensions, statistic: "Sum" }
    }

    /// As an alarm names it.
    pub(crate) fn for_alarm(&self, id: &str, period_s: u32, is_it: bool) -> Value {
        let dimensions: Vec<_> =
            self.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": text(value) })).collect();
        json!({
            "Id": id,
            "MetricStat": {
                "Metric": { "Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions },
                "Period": period_s,
                "Stat": self.statistic,
            },
            "ReturnData": is_it,
        })
    }

    /// As a dashboard names it, with what the dashboard is to do with it.
    pub(crate) fn for_dashboard(&self, mut options: Value) -> Value {
        options["stat"] = json!(self.statistic);
        let mut all = vec![json!(self.namespace), json!(self.name)];
        all.extend(self.dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]));
        all.push(options);
        Value::Array(all)
    }
}

/// What something is called in this stage; `${Stage}` is to be filled in.
fn stage_name(what: &str) -> String {
    format!("tidings-${{Stage}}-{what}")
}

/// A text in which there may be something to fill in.
pub(crate) fn text(text: &str) -> Value {
    if text.contains("${") { sub(text) } else { json!(text) }
}
