//! The CloudWatch embedded metric format: one log line that CloudWatch turns into metrics. Source: Amazon CloudWatch
//! User Guide, "Specification: Embedded metric format".

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::table::{Metric, Unit};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Tidings";

/// The dimension that all of them have: the name of the Lambda function, which differs between deployments in one
/// account. Every further one would multiply what CloudWatch bills.
pub const FUNCTION: &str = "Function";

/// All dimensions.
pub const DIMENSIONS: &[&str] = &[FUNCTION];

/// How many values of a metric a line may have. Source: the specification, "Target members".
pub const VALUES_MAX: usize = 100;

/// What one unit of work came to: one invocation. What did not happen is not written, so a line is as short as its
/// work is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    values: BTreeMap<Metric, Vec<u64>>,
}

impl Work {
    /// It happened so many times more.
    pub fn count(&mut self, metric: Metric, times: u64) {
        debug_assert_eq!(metric.row().unit, Unit::Count, "{metric:?}");
        if times == 0 {
            return;
        }
        let values = self.values.entry(metric).or_default();
        match values.first_mut() {
            Some(sum) => *sum += times,
            None => values.push(times),
        }
    }

    /// It took so many milliseconds.
    pub fn took(&mut self, metric: Metric, millis: u64) {
        debug_assert_eq!(metric.row().unit, Unit::Milliseconds, "{metric:?}");
        self.values.entry(metric).or_default().push(millis);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// As lines for the log of `function`, at a time in milliseconds since the Unix epoch: none if nothing was
    /// counted, one nearly always, and more where a metric has more values than a line may have.
    pub fn lines(&self, function: &str, now_ms: u64) -> Vec<String> {
        let lines = self.values.values().map(|values| values.len().div_ceil(VALUES_MAX)).max().unwrap_or_default();
        let line = |index: usize| {
            let part = self
                .values
                .iter()
                .filter_map(|(metric, values)| Some((*metric, values.chunks(VALUES_MAX).nth(index)?)));
            let line = Line { function, now_ms, metrics: part.collect() };
            // Texts and numbers can always be written as JSON.
            serde_json::to_string(&line).unwrap_or_default()
        };
        (0..lines).map(line).collect()
    }
}

struct Line<'a> {
    function: &'a str,
    now_ms: u64,
    metrics: Vec<(Metric, &'a [u64])>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "Timestamp")]
    timestamp: u64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [&'a [&'a str]; 1],
    metrics: Vec<Definition>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Values<'a> {
    One(u64),
    Many(&'a [u64]),
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.metrics.iter().map(|(metric, _)| metric.row());
        let metrics = rows.map(|row| Definition { name: row.name, unit: row.unit.as_str() }).collect();
        let directive = Directive { namespace: NAMESPACE, dimensions: [DIMENSIONS], metrics };
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("_aws", &Metadata { timestamp: self.now_ms, directives: [directive] })?;
        line.serialize_entry(FUNCTION, self.function)?;
        for (metric, values) in &self.metrics {
            let values = if let [value] = values { Values::One(*value) } else { Values::Many(values) };
            line.serialize_entry(metric.row().name, &values)?;
        }
        line.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(work: &Work) -> Vec<Value> {
        work.lines("send", 7).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_as_the_specification_wants_it() {
        let mut work = Work::default();
        work.count(Metric::Sends, 1);
        work.count(Metric::Sends, 2);
        work.count(Metric::Conflicts, 0);
        work.took(Metric::AckLatency, 12);
        for millis in [5, 6] {
            work.took(Metric::PushLatency, millis);
        }
        let metrics = json!([
            { "Name": "Sends", "Unit": "Count" },
            { "Name": "AckLatency", "Unit": "Milliseconds" },
            { "Name": "PushLatency", "Unit": "Milliseconds" },
        ]);
        let directive = json!({ "Namespace": "Tidings", "Dimensions": [["Function"]], "Metrics": metrics });
        let line = json!({
            "_aws": { "Timestamp": 7, "CloudWatchMetrics": [directive] },
            "Function": "send", "Sends": 3, "AckLatency": 12, "PushLatency": [5, 6],
        });
        assert_eq!(parsed(&work), [line]);
    }

    #[test]
    fn nothing_counted_is_nothing_written() {
        assert_eq!(Work::default().lines("send", 7), Vec::<String>::new());
    }

    #[test]
    fn many_values_take_more_lines_and_none_is_lost_or_doubled() {
        let mut work = Work::default();
        work.count(Metric::PostsTaken, 250);
        (0..250).for_each(|millis| work.took(Metric::PushLatency, millis));
        let lines = parsed(&work);
        let values: Vec<_> = lines.iter().flat_map(|line| line["PushLatency"].as_array().unwrap()).collect();
        assert_eq!(values, (0..250).map(Value::from).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert!(lines.iter().all(|line| line["PushLatency"].as_array().unwrap().len() <= VALUES_MAX));
        let counted: Vec<_> = lines.iter().filter_map(|line| line["PostsTaken"].as_u64()).collect();
        assert_eq!(counted, [250], "a count stands in one line");
    }

    /// A kilobyte of log costs more than a call (design, section on cost), and this is written by every send.
    #[test]
    fn a_send_is_half_a_kilobyte() {
        let mut work = Work::default();
        work.count(Metric::Sends, 1);
        work.count(Metric::PostsTaken, 1);
        work.took(Metric::AckLatency, 12);
        work.took(Metric::PushLatency, 10);
        let lines = work.lines("tidings-production-SendFunction-A1B2C3D4E5F6", 1_764_000_000_000);
        assert!(lines.len() == 1 && lines[0].len() < 512, "{} bytes: {lines:?}", lines[0].len());
    }
}
