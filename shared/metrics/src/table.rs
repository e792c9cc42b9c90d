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
    /// Why it is there, and what to look at first.
    pub because: &'static str,
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
       $description:literal $(, alarm above $above:literal for $periods:literal, $because:literal)?;)*) => {
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
            alarm: metrics!(@first $(Alarm { above: $above, periods: $periods, because: $because })?),
        },)*];
    };
    (@first) => { None };
    (@first $value:expr) => { Some($value) };
}

const ALL: &[&str] = &["api", "authorizer", "connect", "contact", "default", "deliver", "disconnect", "send", "sync"];
/// Who answers somebody.
const ANSWERING: &[&str] = &["api", "authorizer", "connect", "contact", "default", "send", "sync"];
/// Who may fail to answer.
const TRYING: &[&str] = &["api", "connect", "contact", "default", "send", "sync"];
const API_AND_SYNC: &[&str] = &["api", "sync"];
const APPENDING: &[&str] = &["deliver", "send"];
const DELIVER: &[&str] = &["deliver"];
const POSTING: &[&str] = &["deliver", "send", "sync"];
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
        alarm above 2000 for 3, "people see their messages hang; look at AckLatency beside Conflicts, cold starts and DynamoDB's own latency";
    PushLatency: Milliseconds, "tidings_push_latency_seconds", by APPENDING,
        "From a message's `sent_at` to the gateway's taking it for a device, each device by itself.",
        alarm above 10000 for 3, "messages come late to those who are online; look at FanOutLag, PostsFailed and the gateway's throttles";
    FanOutLag: Milliseconds, "tidings_fan_out_lag_seconds", by DELIVER,
        "How long a fan-out job lay in its queue.",
        alarm above 5000 for 3, "workers do not keep up; more shards, a higher maximum concurrency, or a higher POSTS_PER_S";
    FanOutJobs: Count, "tidings_jobs_total"["queue" = "fanout"], by POSTING,
        "Jobs handed to a shard's queue, because too many connections are to be told.";
    RetryJobs: Count, "tidings_jobs_total"["queue" = "retry"], by POSTING,
        "Jobs handed to the retry queue for connections that took nothing.";
    Tasks: Count, "tidings_jobs_total"["queue" = "task"], by SEND,
        "Sends that ran out of time and left a task that finishes them.",
        alarm above 20 for 3, "sends do not finish in their time; look at DynamoDB's latency and throttles";
    PostsTaken: Count, "tidings_posts_total"["result" = "taken"], by POSTING,
        "Posts that the gateway took.";
    PostsGone: Count, "tidings_posts_total"["result" = "gone"], by POSTING,
        "Posts to connections that were gone: their routes are swept.";
    PostsSlow: Count, "tidings_posts_total"["result" = "slow"], by POSTING,
        "Posts that a connection took too slowly or not at all; it gets a hint to pull.";
    PostsFailed: Count, "tidings_posts_total"["result" = "failed"], by POSTING,
        "Posts that failed otherwise, throttles among them; they are tried again.",
        alarm above 1000 for 3, "the gateway refuses posts; look at its throttles, and at POSTS_PER_S against the account's quota";
    PullHints: Count, "tidings_pull_hints_total", by DELIVER,
        "Hints to pull that were posted instead of entries: a device that takes too little, or has missed too much.";
    RouteMisses: Count, "tidings_route_misses_total", by SYNC,
        "Syncs of a connected device that had no route and got it again: until then nothing was pushed to it (MEET-1).",
        alarm above 100 for 3, "devices are connected and deaf; look at the expiry of routes and at failing connects";
    Pulls: Count, "tidings_pulls_total", by API_AND_SYNC,
        "Reads of what follows a seq: a device that fills a gap or catches up (HINT-1).";
    RecordsFailed: Count, "tidings_records_failed_total", by DELIVER,
        "Queue records that were given back and come again; after their last try they are dead letters.",
        alarm above 50 for 3, "workers fail; their log says why, and dead letters are next";
    Refusals: Count, "tidings_refusals_total"["reason" = "request"], by ANSWERING,
        "Requests refused for a reason that lies with them: malformed, forbidden, unauthenticated, in conflict (BAD-1).";
    Unavailable: Count, "tidings_refusals_total"["reason" = "unavailable"], by TRYING,
        "Requests that could not be served now; the same again is safe.",
        alarm above 20 for 3, "tables or queues fail or throttle; the functions' logs name the calls";
    InternalFaults: Count, "tidings_refusals_total"["reason" = "internal"], by TRYING,
        "Requests that met a fault of ours.",
        alarm above 0 for 1, "this never happens in a healthy system; the function's log has the cause under the request id";
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
    page.push_str("\nAlarms worth having, each over periods of five minutes, missing data counting as good. The thresholds are where to begin, chosen and not measured:\n\n");
    page.push_str(
        "| metric | statistic | above | periods | why, and where to look first |\n| --- | --- | --- | --- | --- |\n",
    );
    for (row, alarm) in METRICS.iter().filter_map(|row| Some((row, row.alarm?))) {
        let (statistic, Alarm { above, periods, because }) = (row.unit.statistic(), alarm);
        let _ = writeln!(page, "| `{}` | {statistic} | {above} | {periods} | {because} |", row.name);
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
