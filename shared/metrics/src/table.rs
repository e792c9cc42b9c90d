//! The table.

use std::fmt::Write as _;

/// What a metric's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How often something happened. Values of one unit of work are added up.
    Count,
    /// How long something took, in milliseconds. Each value counts by itself.
    Milliseconds,
}

impl Unit {
    /// As CloudWatch spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }

    /// The statistic that says something about it, as CloudWatch spells it.
    pub const fn statistic(self) -> &'static str {
        match self {
            Self::Count => "Sum",
            Self::Milliseconds => "p99",
        }
    }
}

/// When somebody should be told: the metric's statistic over [`Alarm::PERIOD_S`] seconds lies above a threshold.
/// Where nothing is written all is well: a deployment in which nobody talks writes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Above this, in the metric's unit. Where to begin, chosen and not measured: a deployment sets its own.
    pub above: u32,
    /// In how many periods in a row.
    pub periods: u32,
    /// What it means.
    pub means: &'static str,
    /// What to look at first.
    pub look: &'static str,
    /// What to do.
    pub act: &'static str,
}

impl Alarm {
    /// Length of a period, in seconds. A minute would ring at one slow cold start of a quiet deployment.
    pub const PERIOD_S: u32 = 300;
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricRow {
    /// Which.
    pub metric: Metric,
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// What it tells.
    pub description: &'static str,
    /// The functions that write it, by their names in `functions/`. With the one dimension that there is, this is also
    /// how many metrics CloudWatch bills it as.
    pub functions: &'static [&'static str],
    /// Its name in Prometheus: its family, and the label that tells it from the others there.
    pub series: Series,
    /// When somebody should be told.
    pub alarm: Option<Alarm>,
}

/// A name in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// Without the endings `_bucket`, `_sum` and `_count` of a histogram. Durations are in seconds there.
    pub family: &'static str,
    /// Name and value of a label.
    pub label: Option<(&'static str, &'static str)>,
}

macro_rules! metrics {
    ($($metric:ident: $unit:ident, $family:literal $([$label:literal = $value:literal])?, by $functions:ident,
       $description:literal
       $(, alarm above $above:literal for $periods:literal, $means:literal, look $look:literal, act $act:literal)?;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $description] $metric,)*
        }

        /// Every metric, in the order of [`Metric`].
        pub const METRICS: &[MetricRow] = &[$(MetricRow {
            metric: Metric::$metric,
            name: stringify!($metric),
            unit: Unit::$unit,
            description: $description,
            functions: $functions,
            series: Series { family: $family, label: metrics!(@first $(($label, $value))?) },
            alarm: metrics!(@first $(Alarm {
                above: $above,
                periods: $periods,
                means: $means,
                look: $look,
                act: $act,
            })?),
        },)*];
    };
    (@first) => { None };
    (@first $value:expr) => { Some($value) };
}

const ALL: &[&str] = &[
    "api",
    "authorizer",
    "connect",
    "contact",
    "default",
    "deliver",
    "device",
    "disconnect",
    "group",
    "presence",
    "send",
    "sync",
];
/// Who answers somebody.
const ANSWERING: &[&str] =
    &["api", "authorizer", "connect", "contact", "default", "device", "group", "presence", "send", "sync"];
/// Who may fail to answer.
const TRYING: &[&str] = &["api", "connect", "contact", "default", "device", "group", "presence", "send", "sync"];
const API_AND_SYNC: &[&str] = &["api", "sync"];
const APPENDING: &[&str] = &["deliver", "send"];
const DELIVER: &[&str] = &["deliver"];
const POSTING: &[&str] = &["deliver", "send", "sync"];
const QUEUEING: &[&str] = &["contact", "deliver", "group", "send", "sync"];
const SEND: &[&str] = &["send"];
const SYNC: &[&str] = &["sync"];

metrics! {
    Sends: Count, "tidings_sends_total", by SEND,
        "Messages that were appended and acknowledged.";
    Duplicates: Count, "tidings_duplicates_total", by SEND,
        "Messages that were acknowledged and had been appended by an earlier attempt (IDEM-1).";
    Conflicts: Count, "tidings_conflicts_total", by APPENDING,
        "Places in a log that somebody else took first; the message tries the next one (ORD-1).";
    Behind: Count, "tidings_refusals_total"["reason" = "behind"], by SEND,
        "Sends refused because their device knows too little of the conversation to be searched; it pulls and sends again.";
    AckLatency: Milliseconds, "tidings_ack_latency_seconds", by SEND,
        "From the gateway's taking a send to its acknowledgement.",
        alarm above 2000 for 3,
        "People see their messages hang.",
        look "AckLatency beside Conflicts, cold starts and DynamoDB's latency.",
        act "Conflicts: one conversation is very busy, and it passes. Cold starts after a deployment: they pass, too. A slow table: as for table-throttles.";
    PushLatency: Milliseconds, "tidings_push_latency_seconds", by APPENDING,
        "From a message's sent_at to the gateway's taking it for a device, each device by itself.",
        alarm above 10000 for 3,
        "Messages come late to those who are online.",
        look "FanOutLag, PostsFailed and the age of what waits in the queues.",
        act "Where queues wait: as for fan-out-lag. Where posts fail: as for posts-failed.";
    FanOutLag: Milliseconds, "tidings_fan_out_lag_seconds", by DELIVER,
        "How long a fan-out job lay in its queue.",
        alarm above 5000 for 3,
        "Workers do not keep up with what is to be told.",
        look "The queues' depth, the throttles of deliver, and PostsTaken against POSTS_PER_S.",
        act "All shards wait: a higher maximum_concurrency in functions/deliver/function.toml, or more shards. Posts at their budget: a higher quota, then PostsPerS.";
    FanOutJobs: Count, "tidings_jobs_total"["queue" = "fanout"], by QUEUEING,
        "Jobs handed to a shard's queue, because many are to be told.";
    RetryJobs: Count, "tidings_jobs_total"["queue" = "retry"], by POSTING,
        "Jobs handed to the retry queue for connections that took nothing.";
    Tasks: Count, "tidings_jobs_total"["queue" = "task"], by SEND,
        "Sends that ran out of time and left a task that finishes them.",
        alarm above 20 for 3,
        "Sends do not finish in their time; deliver finishes them.",
        look "DynamoDB's latency and throttles, and the log of send.",
        act "As for table-throttles. Messages are safe meanwhile and come late.";
    PostsTaken: Count, "tidings_posts_total"["result" = "taken"], by POSTING,
        "Posts that the gateway took.";
    PostsGone: Count, "tidings_posts_total"["result" = "gone"], by POSTING,
        "Posts to connections that were gone: their routes are swept.";
    PostsSlow: Count, "tidings_posts_total"["result" = "slow"], by POSTING,
        "Posts that a connection took too slowly or not at all; it gets a hint to pull.";
    PostsFailed: Count, "tidings_posts_total"["result" = "failed"], by POSTING,
        "Posts that failed otherwise, throttles among them; they are tried again.",
        alarm above 1000 for 3,
        "The gateway refuses posts; they are tried again.",
        look "The saved query on what fails most, for the code: LimitExceededException is the account's quota.",
        act "The quota: ask for a higher gateway quota, or set PostsPerS to the one that there is. Anything else: the log of deliver.";
    PullHints: Count, "tidings_pull_hints_total", by DELIVER,
        "Hints to pull that were posted instead of entries: a device that takes too little, or has missed too much.";
    RouteMisses: Count, "tidings_route_misses_total", by SYNC,
        "Syncs of a connected device that had no route and got it again: until then nothing was pushed to it (MEET-1).",
        alarm above 100 for 3,
        "Devices are connected and deaf: until their next sync nothing is pushed to them.",
        look "Errors and throttles of connect and disconnect, and the table of routes.",
        act "Mend what makes connect fail. Each sync makes its own route good, so that nothing else is to be repaired.";
    Pulls: Count, "tidings_pulls_total", by API_AND_SYNC,
        "Reads of what follows a seq: a device that fills a gap or catches up (HINT-1).";
    RecordsFailed: Count, "tidings_records_failed_total", by DELIVER,
        "Queue records that were given back and come again; after their last try they are dead letters.",
        alarm above 50 for 3,
        "Workers fail; dead letters are next.",
        look "The saved query on what fails most, for deliver.",
        act "Mend the cause while the records come again. What is dead by then: as for dead-letters.";
    Refusals: Count, "tidings_refusals_total"["reason" = "request"], by ANSWERING,
        "Requests refused for a reason that lies with them: malformed, forbidden, unauthenticated, in conflict (BAD-1).";
    Unavailable: Count, "tidings_refusals_total"["reason" = "unavailable"], by TRYING,
        "Requests that could not be served now; the same again is safe.",
        alarm above 20 for 3,
        "People are told to try again: tables or queues fail or throttle.",
        look "The saved query on what fails most: it names the operation and its error.",
        act "As for table-throttles. Clients try again by themselves.";
    InternalFaults: Count, "tidings_refusals_total"["reason" = "internal"], by TRYING,
        "Requests that met a fault of ours.",
        alarm above 0 for 1,
        "A fault of ours. This never happens in a healthy system.",
        look "The saved query on errors, then the one by request for the id in the line.",
        act "After a deployment: deploy the version before it. Otherwise report it with the line.";
    ColdStarts: Count, "tidings_cold_starts_total", by ALL,
        "Environments that began with this invocation.";
}

impl Metric {
    /// Its row.
    pub const fn row(self) -> &'static MetricRow {
        // The table is made in this order.
        &METRICS[self as usize]
    }

    /// The metric of that name.
    pub fn named(name: &str) -> Option<Self> {
        METRICS.iter().find(|row| row.name == name).map(|row| row.metric)
    }
}

const INTRODUCTION: &str = "\
# Metrics

<!-- Generated from src/table.rs by `cargo xtask generate`; change it there. -->

What the functions count. An invocation writes one line into its log, in CloudWatch's embedded metric format (more only
where a metric has over 100 values), with the namespace `Tidings` and one dimension, `Function`; `METRICS=off` turns it off. What did not happen is not
written, so nothing is billed for a deployment in which nobody talks. What AWS counts by itself is not counted again.

The lines are log, and Lambda drops what lies below a function's application log level, lines without a level counting
as INFO: leave that at INFO and say with `LOG_LEVEL` from which level on the functions log.

";

/// Where [`page`] lies, from the root of the repository.
pub const PAGE: &str = "shared/metrics/README.md";

/// The table as a page for people.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| metric | unit | written by | in Prometheus | what it tells |\n| --- | --- | --- | --- | --- |\n");
    for row in METRICS {
        let label = row.series.label.map(|(name, value)| format!("{{{name}=\"{value}\"}}")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | `{}{label}` | {} |",
            row.name,
            row.unit.as_str(),
            row.functions.join(", "),
            row.series.family,
            row.description
        );
    }
    page.push_str("\nThe template makes an alarm of each of these, over periods of five minutes, missing data counting as good. The thresholds are where to begin, chosen and not measured; [the runbook](../../infra/runbook.md) says what to do:\n\n");
    page.push_str("| metric | statistic | above | periods | means |\n| --- | --- | --- | --- | --- |\n");
    for (row, alarm) in METRICS.iter().filter_map(|row| Some((row, row.alarm?))) {
        let (statistic, Alarm { above, periods, means, .. }) = (row.unit.statistic(), alarm);
        let _ = writeln!(page, "| `{}` | {statistic} | {above} | {periods} | {means} |", row.name);
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_metric_finds_its_row() {
        for row in METRICS {
            assert_eq!(row.metric.row().name, row.name);
            assert_eq!(Metric::named(row.name), Some(row.metric));
        }
        assert_eq!(Metric::named("Dances"), None);
    }

    #[test]
    fn names_and_series_are_as_their_systems_want_them() {
        let series: BTreeSet<_> = METRICS.iter().map(|row| (row.series.family, row.series.label)).collect();
        assert_eq!(series.len(), METRICS.len(), "two metrics are one series");
        for MetricRow { name, unit, series, functions, description, .. } in METRICS {
            let ending = if *unit == Unit::Count { "_total" } else { "_seconds" };
            assert!(series.family.ends_with(ending), "{name}: {}", series.family);
            // A family has either a label for all of its members or none.
            let same = METRICS.iter().filter(|other| other.series.family == series.family);
            let labels: BTreeSet<_> = same.map(|other| other.series.label.map(|(label, _)| label)).collect();
            assert_eq!(labels.len(), 1, "{name}");
            assert!(functions.is_sorted() && !functions.is_empty(), "{name}");
            assert!(description.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_page_has_the_table() {
        assert_eq!(include_str!("../README.md"), page(), "stale: run `cargo xtask generate`");
    }
}
