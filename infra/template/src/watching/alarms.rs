//! The alarms: what the functions' own metrics say by their table, and what AWS measures of everything that there is.
//!
//! The thresholds are where to begin, chosen and not measured. Each alarm's description is its line in the runbook.

use serde_json::{Value, json};
use tidings_manifest::{Function, QueueName};
use tidings_metrics::{Alarm as Threshold, METRICS, Metric, MetricRow, Unit};
use tidings_tables::{LOG, TABLES};

use super::metric::{Measured, text};
use super::runbook::{self, Line};
use crate::document::{Named, Resource, Section};
use crate::intrinsics::{named, reference};
use crate::parameters::{MAILS_ALARMS, WATCHED};
use crate::{names, throttles};

/// Where alarms ring.
pub(crate) const TOPIC: &str = "AlarmTopic";

/// Calls of a function that end without an answer, in five minutes. A single one can be a machine of AWS that was lost.
const ERRORS_MAX: u32 = 5;

/// How long a record may wait in a queue, in seconds. People wait for fan-out, and it is read as soon as there is a
/// worker.
const FAN_OUT_AGE_MAX_S: u32 = 60;

/// What is tried again waits on purpose, up to a minute a try, and hides for some minutes where its worker died.
const OTHER_AGE_MAX_S: u32 = 300;

/// Refused reads and writes of a table in five minutes. The SDK tries each again, and a burst passes.
const TABLE_THROTTLES_MAX: u32 = 50;

/// Failures of DynamoDB itself, over all tables in five minutes. The SDK tries each again.
const TABLE_ERRORS_MAX: u32 = 20;

/// From which part of the quota of new connections on somebody should know, in percent: a higher one takes days to get.
const CONNECTION_RATE_PERCENT: u32 = 80;

/// Failures between the socket and the functions in five minutes. A ticket that is used twice is one, too, and after a
/// loss of connection there are some.
const SOCKET_ERRORS_MAX: u32 = 100;

/// Answers with 5xx of the HTTP API in five minutes: as many as [`Metric::Unavailable`] allows.
const API_ERRORS_MAX: u32 = 20;

/// The cost of a message is looked at over a day: at night devices ping, and nobody talks.
const COST_PERIOD_S: u32 = 24 * 60 * 60;

/// Messages in a day below which their cost says nothing.
const COST_SENDS_MIN: u32 = 1_000;

/// Gateway messages a sent message. In a lively conversation it is 3 (infra/README.md). A device that is always on makes
/// 160 pings a day, and 14 syncs with their answers; with 20 messages a day that is 9 each. This is twice the sum.
const MESSAGES_PER_SEND_MAX: u32 = 25;

/// Write units of the log a sent message: one a kilobyte of text, and one for each attempt at a place that was taken.
const LOG_UNITS_PER_SEND_MAX: u32 = 3;

/// How an alarm makes one number of what it looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Combined {
    /// There is one metric.
    Alone,
    /// All of them together.
    Sum,
    /// The worst of them.
    Worst,
    /// The first for each of the others together, if those are more than so many.
    Per { more_than: u32 },
    /// A query of Metrics Insights, which finds what it looks at by itself.
    Found { query: String },
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What it is called, after the stage.
    pub(crate) name: String,
    /// Its line in the runbook.
    pub(crate) line: Line,
    measured: Vec<Measured>,
    combined: Combined,
    above: u32,
    unit: &'static str,
    periods: u32,
    period_s: u32,
}

impl Alarm {
    fn new(name: &str, line: Line, measured: Vec<Measured>, above: u32, periods: u32) -> Self {
        let combined = if measured.len() == 1 { Combined::Alone } else { Combined::Sum };
        let (name, unit, period_s) = (name.to_owned(), "", Threshold::PERIOD_S);
        Self { name, line, measured, combined, above, unit, periods, period_s }
    }

    /// One of several of a kind: which one is the end of its name.
    fn of(which: &str, line: Line, measured: Vec<Measured>, above: u32, periods: u32) -> Self {
        let name = format!("{}-{which}", line.key);
        Self::new(&name, line, measured, above, periods)
    }

    /// The only one of its kind.
    fn only(line: Line, measured: Vec<Measured>, above: u32, periods: u32) -> Self {
        let name = line.key.clone();
        Self::new(&name, line, measured, above, periods)
    }

    /// The logical id.
    pub(crate) fn id(&self) -> String {
        format!("{}Alarm", names::camel(&self.name))
    }

    /// How many metrics it names. CloudWatch bills each.
    pub(crate) fn metrics(&self) -> usize {
        self.measured.len()
    }

    /// When it rings, in words.
    pub(crate) fn rings(&self) -> String {
        let Self { above, unit, periods, period_s, .. } = self;
        let one = match period_s {
            60 => "a minute".to_owned(),
            &COST_PERIOD_S => "a day".to_owned(),
            seconds => format!("{} minutes", seconds / 60),
        };
        let row = if *periods == 1 { String::new() } else { format!(", {periods} times in a row") };
        format!("above {above}{unit} in {one}{row}")
    }

    fn queries(&self) -> Vec<Value> {
        let id = |index: usize| format!("m{index}");
        let ids = (0..self.measured.len()).map(id);
        // A function that wrote nothing would otherwise leave nothing of the others' sum.
        let filled = |ids: &mut dyn Iterator<Item = String>| {
            ids.map(|id| format!("FILL({id}, 0)")).collect::<Vec<_>>().join(", ")
        };
        let expression = match &self.combined {
            Combined::Alone => None,
            Combined::Sum => Some(format!("SUM([{}])", filled(&mut ids.into_iter()))),
            Combined::Worst => Some(format!("MAX([{}])", filled(&mut ids.into_iter()))),
            Combined::Per { more_than } => Some(format!("IF(FILL(m1, 0) > {more_than}, FILL(m0, 0) / FILL(m1, 1), 0)")),
            Combined::Found { query } => Some(query.clone()),
        };
        let metric =
            |(index, measured): (usize, &Measured)| measured.for_alarm(&id(index), self.period_s, expression.is_none());
        let mut queries: Vec<_> = self.measured.iter().enumerate().map(metric).collect();
        if let Some(expression) = expression {
            let mut query = json!({ "Id": "all", "Expression": text(&expression), "ReturnData": true });
            if matches!(self.combined, Combined::Found { .. }) {
                query["Period"] = json!(self.period_s);
            }
            queries.push(query);
        }
        queries
    }

    fn resource(&self) -> Resource {
        let properties = json!({
            "AlarmName": named(&self.name),
            "AlarmDescription": self.line.description(),
            "Metrics": self.queries(),
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": self.above,
            "EvaluationPeriods": self.periods,
            // A stage in which nobody talks measures nothing.
            "TreatMissingData": "notBreaching",
            "AlarmActions": [reference(TOPIC)],
            "OKActions": [reference(TOPIC)],
        });
        Resource::new("AWS::CloudWatch::Alarm", properties).when(WATCHED)
    }
}

/// The topic and all alarms.
pub(crate) fn section(functions: &[Function], shards: u32) -> Section {
    let mut resources = Named::default();
    // Not encrypted with SNS's own key: CloudWatch may not use that. What is said are names and numbers.
    let topic = Resource::new("AWS::SNS::Topic", json!({ "TopicName": named("alarms") }));
    resources.add(TOPIC, topic.when(WATCHED));
    let mail = json!({ "TopicArn": reference(TOPIC), "Protocol": "email", "Endpoint": reference("AlarmEmail") });
    resources.add("AlarmMail", Resource::new("AWS::SNS::Subscription", mail).when(MAILS_ALARMS));
    for alarm in all(functions, shards) {
        resources.add(alarm.id(), alarm.resource());
    }
    Section { title: "Alarms, each with a line in infra/runbook.md, and the topic at which they ring", resources }
}

/// All alarms.
pub(crate) fn all(functions: &[Function], shards: u32) -> Vec<Alarm> {
    let mut all: Vec<_> = METRICS.iter().filter_map(|row| Some(written(row, row.alarm?))).collect();
    for Function { name, .. } in functions {
        let errors = Measured::function("Errors", name, "Sum");
        all.push(Alarm::of(name, runbook::errors(), vec![errors], ERRORS_MAX, 1));
        let throttles = Measured::function("Throttles", name, "Sum");
        all.push(Alarm::of(name, runbook::throttles(), vec![throttles], 0, 1));
    }
    for kind in QueueName::ALL {
        all.extend(kind.queues(shards).iter().flat_map(|queue| of_queue(kind, queue)));
    }
    all.extend(of_tables());
    all.extend(of_gateways());
    all.extend(of_costs());
    all
}

/// What the table of metrics wants to be rung for.
fn written(row: &MetricRow, alarm: Threshold) -> Alarm {
    let line = Line::new(&kebab(row.name), alarm.means, alarm.look, alarm.act);
    let statistic = row.unit.statistic();
    let measured: Vec<_> = row.functions.iter().map(|function| Measured::written(row, function, statistic)).collect();
    let mut rings = Alarm::only(line, measured, alarm.above, alarm.periods);
    if row.unit == Unit::Milliseconds {
        rings.unit = " ms (p99)";
        if rings.combined == Combined::Sum {
            rings.combined = Combined::Worst;
        }
    }
    rings
}

fn of_queue(kind: QueueName, queue: &str) -> [Alarm; 2] {
    let dead = Measured::queue("ApproximateNumberOfMessagesVisible", &format!("{queue}-dlq"));
    let dead = Alarm::of(queue, runbook::dead_letters(), vec![dead], 0, 1);
    let oldest = Measured::queue("ApproximateAgeOfOldestMessage", queue);
    let age_s = if kind == QueueName::Fanout { FAN_OUT_AGE_MAX_S } else { OTHER_AGE_MAX_S };
    let mut late = Alarm::of(queue, runbook::queue_age(), vec![oldest], age_s, 3);
    late.unit = " s";
    [dead, late]
}

fn of_tables() -> Vec<Alarm> {
    let refused = TABLES.iter().map(|table| {
        let both = ["ReadThrottleEvents", "WriteThrottleEvents"].map(|name| Measured::table(name, table.name));
        Alarm::of(table.name, runbook::table_throttles(), both.into(), TABLE_THROTTLES_MAX, 3)
    });
    let mut all: Vec<_> = refused.collect();
    // It is measured by table and operation, and not at all until something fails: a query finds what there is.
    let tables: Vec<_> =
        TABLES.iter().map(|table| format!("TableName = '${{{}}}'", names::table(table.name))).collect();
    let query = format!(
        "SELECT SUM(SystemErrors) FROM SCHEMA(\"AWS/DynamoDB\", TableName, Operation) WHERE {}",
        tables.join(" OR ")
    );
    let mut failing = Alarm::only(runbook::table_errors(), Vec::new(), TABLE_ERRORS_MAX, 3);
    failing.combined = Combined::Found { query };
    all.push(failing);
    all
}

fn of_gateways() -> Vec<Alarm> {
    let mut all = Vec::new();
    let quota = throttles::SOCKET.iter().find(|throttle| throttle.route == "$connect");
    if let Some(quota) = quota {
        let a_minute = quota.per_s * 60 * CONNECTION_RATE_PERCENT / 100;
        let connects = Measured::socket("ConnectCount");
        let rate = Alarm::only(runbook::connection_rate(), vec![connects], a_minute, 3);
        all.push(Alarm { period_s: 60, ..rate });
    }
    let failures = ["IntegrationError", "ExecutionError"].map(Measured::socket);
    all.push(Alarm::only(runbook::socket_errors(), failures.into(), SOCKET_ERRORS_MAX, 3));
    all.push(Alarm::only(runbook::api_errors(), vec![Measured::http("5xx")], API_ERRORS_MAX, 3));
    all
}

/// What a message costs: most of the bill is gateway messages and write units.
fn of_costs() -> [Alarm; 2] {
    let costs = [
        (runbook::messages_per_send(), Measured::socket("MessageCount"), MESSAGES_PER_SEND_MAX),
        (
            runbook::log_units_per_send(),
            Measured::table("ConsumedWriteCapacityUnits", LOG.name),
            LOG_UNITS_PER_SEND_MAX,
        ),
    ];
    costs.map(|(line, spent, above)| {
        let alarm = Alarm::only(line, vec![spent, sends()], above, 1);
        Alarm {
            combined: Combined::Per { more_than: COST_SENDS_MIN },
            unit: " for each message",
            period_s: COST_PERIOD_S,
            ..alarm
        }
    })
}

/// Messages that were acknowledged.
pub(super) fn sends() -> Measured {
    Measured::written(Metric::Sends.row(), "send", "Sum")
}

/// `FanOutLag` as `fan-out-lag`.
fn kebab(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
