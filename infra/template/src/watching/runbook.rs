//! The runbook, `infra/runbook.md`: a line for each kind of alarm. An alarm's description says the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tidings_manifest::{Function, RECEIVES};

use super::alarms::{self, Alarm};
use super::queries;

/// Where it lies, from the repository's root.
pub const PATH: &str = "infra/runbook.md";

/// How many shards the count of alarms is for, where nothing else is said.
fn counted_shards() -> u32 {
    crate::default_shards().unwrap_or(1)
}

/// What CloudWatch takes for a metric that an alarm looks at, in cents a month. Source: CloudWatch pricing, standard
/// resolution.
const CENTS_PER_METRIC: usize = 10;

/// What to do about a kind of alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is called; where there are several, the beginning of what each is called.
    pub key: String,
    /// What it means.
    pub means: &'static str,
    /// What to look at first.
    pub look: &'static str,
    /// What to do.
    pub act: &'static str,
}

impl Line {
    pub(super) fn new(key: &str, means: &'static str, look: &'static str, act: &'static str) -> Self {
        Self { key: key.to_owned(), means, look, act }
    }

    /// What an alarm of this kind says of itself.
    pub fn description(&self) -> String {
        format!("{} Look first at: {} Do: {} ({PATH}, {})", self.means, self.look, self.act, self.key)
    }
}

pub(super) fn errors() -> Line {
    Line::new(
        "errors",
        "A function crashed, ran out of time or did not start; who asked got no answer, and records come again.",
        "The saved query on errors, and the function's duration beside its time-out.",
        "After a deployment: deploy the version before it. Out of time: as for table-throttles.",
    )
}

pub(super) fn throttles() -> Line {
    Line::new(
        "throttles",
        "Lambda refused calls: the account runs as many at once as it may.",
        "The chart At once on the dashboard, and which function grew.",
        "Ask for a higher quota (Service Quotas, Lambda, Concurrent executions). Clients try again by themselves.",
    )
}

pub(super) fn dead_letters() -> Line {
    // The text says what the constant is; a change of it shall come by here.
    const { assert!(RECEIVES == 5) };
    Line::new(
        "dead-letters",
        "Records failed five times. They lie in the dead-letter queue for 14 days, and the messages that they tell of wait \
         for their devices' next sync.",
        "The saved query on what fails most, for deliver; then a record itself (aws sqs receive-message).",
        "Mend the cause, then aws sqs start-message-move-task --source-arn ARN, with the dead-letter queue's ARN: a job \
         that is done twice does no harm.",
    )
}

pub(super) fn queue_age() -> Line {
    Line::new(
        "queue-age",
        "Records wait in a queue: workers are too few, fail, or do not run.",
        "Errors and throttles of deliver; then whether the queue's event source mapping is enabled.",
        "As for fan-out-lag where deliver works, as for errors where it does not.",
    )
}

pub(super) fn table_throttles() -> Line {
    Line::new(
        "table-throttles",
        "DynamoDB refuses reads or writes of a table. The alarm may outlast it: CloudWatch leaves those of DynamoDB as they \
         are while nothing is measured.",
        "The table's units on the dashboard: a table on demand doubles within half an hour and begins at 4,000 writes.",
        "All of the table: a higher warm throughput (parameters WarmReads, WarmWrites). Few units: one conversation or one \
         person is the partition, and it passes.",
    )
}

pub(super) fn table_errors() -> Line {
    Line::new(
        "table-errors",
        "DynamoDB itself fails. Functions try again, and answer that they are unavailable.",
        "The AWS Health Dashboard of the region.",
        "Wait: what was acknowledged is stored, and clients send the rest again.",
    )
}

pub(super) fn connection_rate() -> Line {
    Line::new(
        "connection-rate",
        "Devices connect nearly as fast as the account may: everybody comes back at once, or there are that many.",
        "New connections on the dashboard: a peak that falls within the hour, or a level. The quota is the account's, and \
         other stages take of it unseen.",
        "A peak: nothing, devices wait longer after each refusal. A level: ask for a higher quota (API Gateway, new \
         connections a second), and raise $connect in infra/template/src/throttles.rs with it.",
    )
}

pub(super) fn socket_errors() -> Line {
    Line::new(
        "socket-errors",
        "Frames or connections fail between the gateway and the functions.",
        "The saved query on what the gateways refuse: route, status and the integration's error.",
        "As for errors of the function that the route goes to. $connect alone with 403: tickets are used twice, which \
         is a client's fault.",
    )
}

pub(super) fn api_errors() -> Line {
    Line::new(
        "api-errors",
        "The HTTP API answers with 5xx: people cannot sign in, connect or load.",
        "The saved query on what the gateways refuse, then the one on errors.",
        "503 is as for unavailable, 500 as for internal-faults; otherwise as for errors of api.",
    )
}

pub(super) fn messages_per_send() -> Line {
    Line::new(
        "messages-per-send",
        "A message costs more gateway messages than it did; they are most of the bill.",
        "Posts by result, pull hints and connections over the same day.",
        "Find what grew: retries (as for posts-failed), clients that reconnect or ping too often, or groups and devices, \
         which are worth it: then raise the bound in infra/template/src/watching/alarms.rs.",
    )
}

pub(super) fn log_units_per_send() -> Line {
    Line::new(
        "log-units-per-send",
        "A message costs more write units in the log than it did.",
        "Conflicts and Duplicates over the same day, and how large messages are: a unit is one kilobyte.",
        "Conflicts: clients send side by side into one conversation. Large messages: they are worth it, or belong into \
         files; then raise the bound in infra/template/src/watching/alarms.rs.",
    )
}

/// A line for each kind of alarm, in the order in which they are made.
pub fn lines(functions: &[Function]) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let all = alarms::all(functions, counted_shards()).into_iter().map(|alarm| alarm.line);
    all.filter(|line| seen.insert(line.key.clone())).collect()
}

/// How many alarms there are for so many shards, and how many metrics they name.
pub fn counts(functions: &[Function], shards: u32) -> (usize, usize) {
    let all = alarms::all(functions, shards);
    (all.len(), all.iter().map(Alarm::metrics).sum())
}

/// An amount of cents as dollars.
pub fn monthly(metrics: usize) -> String {
    let cents = metrics * CENTS_PER_METRIC;
    format!("${}.{:02}", cents / 100, cents % 100)
}

const INTRODUCTION: &str = "\
# Runbook

<!-- Generated from template/src/watching and shared/metrics/src/table.rs by `cargo xtask generate`; change it there. -->

What each alarm means, what to look at first, and what to do. An alarm is called `tidings-<stage>-<name>`, and its mail says
the same as its line here. The thresholds are where to begin, chosen and not measured. Where nothing is measured all is
well: a stage in which nobody talks rings nothing. Those of `Tidings` itself need `Metrics=on`.

";

const QUERIES: &str = "\
## Saved queries

In CloudWatch, Logs Insights, Queries, under `tidings-<stage>`. What stands in capitals is to be replaced. They are there in
every stage on AWS; a query costs what it scans.

| query | tells |
| --- | --- |
";

/// The page.
pub fn page(functions: &[Function]) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| alarm | rings | means | look first at | do |\n| --- | --- | --- | --- | --- |\n");
    let all = alarms::all(functions, counted_shards());
    for line in lines(functions) {
        let of_kind: Vec<_> = all.iter().filter(|alarm| alarm.line == line).collect();
        let Some(first) = of_kind.first() else { continue };
        let name = if first.name == line.key { line.key.clone() } else { format!("{}-...", line.key) };
        let mut rings: Vec<_> = of_kind.iter().map(|alarm| alarm.rings()).collect();
        rings.dedup();
        // Writing to a text cannot fail.
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {} | {} |",
            rings.join("; "),
            line.means,
            line.look,
            line.act.replace("$connect", "`$connect`")
        );
    }
    let shards = counted_shards();
    let ((count, metrics), (more, more_metrics)) = (counts(functions, shards), counts(functions, shards + 1));
    let _ = writeln!(
        page,
        "\nWith {shards} shards there are {count} alarms over {metrics} metrics: {} a month. A shard more is {} \
         alarms, {}. `table-errors` finds its metrics by a query, and is billed for those that it finds: one for each \
         table and operation in which DynamoDB failed.\n",
        monthly(metrics),
        more - count,
        monthly(more_metrics - metrics)
    );
    page.push_str(QUERIES);
    for query in queries::QUERIES {
        let _ = writeln!(page, "| {} | {} |", query.name, query.tells);
    }
    page
}
