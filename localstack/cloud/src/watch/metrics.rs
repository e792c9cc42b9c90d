//! The functions' metrics, added up since the start.

use std::collections::BTreeMap;

use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tidings_metrics::{FUNCTION, METRICS, Metric, MetricRow, NAMESPACE, Unit};

use super::emf::{self, Malformed, Observation};

/// Upper bounds of a duration's buckets, in seconds: from what is instant to what nobody waits for, each about double
/// the one before, so that an estimated quantile is at most that far off.
pub(crate) const BOUNDS_S: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// The label that says which function it was.
const LABEL: &str = "function";

/// Why a metric line was not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejected {
    /// CloudWatch would not read it.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// CloudWatch would take it, and nobody would find it.
    #[error("a metric line has {0}, which is not in the table of metrics")]
    Unknown(String),
}

/// Everything that was counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    families: BTreeMap<&'static str, Family>,
    rejected: Option<IntCounter>,
}

#[derive(Debug, Clone)]
enum Family {
    Counts(IntCounterVec),
    Durations(HistogramVec),
}

impl Default for Metrics {
    /// Every metric of the table, at zero for each function that writes it: what has not happened yet shows as such.
    fn default() -> Self {
        let mut metrics = Self { registry: Registry::new(), families: BTreeMap::new(), rejected: None };
        for row in METRICS {
            // An error is a name that Prometheus does not take. A test looks that there is none.
            if let Ok(family) = metrics.family(row) {
                for function in row.functions {
                    family.record(&labels(row, function), &[]);
                }
            }
        }
        let help = "Metric lines of functions that could not be counted.";
        metrics.rejected = IntCounter::new("tidings_metric_lines_rejected_total", help).ok();
        if let Some(rejected) = &metrics.rejected {
            drop(metrics.registry.register(Box::new(rejected.clone())));
        }
        metrics
    }
}

impl Metrics {
    /// The row's family, made where there is none yet.
    fn family(&mut self, row: &MetricRow) -> prometheus::Result<Family> {
        let name = row.series.family;
        if let Some(family) = self.families.get(name) {
            return Ok(family.clone());
        }
        let same: Vec<_> = METRICS.iter().filter(|other| other.series.family == name).collect();
        // A family of several has the text of each.
        let help: Vec<_> = same.iter().map(|row| row.description).collect();
        let help = help.join(" ");
        let names: Vec<_> = std::iter::once(LABEL).chain(row.series.label.map(|(label, _)| label)).collect();
        let family = match row.unit {
            Unit::Count => {
                let counts = IntCounterVec::new(Opts::new(name, help), &names)?;
                self.registry.register(Box::new(counts.clone()))?;
                Family::Counts(counts)
            }
            Unit::Milliseconds => {
                let options = HistogramOpts::new(name, help).buckets(BOUNDS_S.to_vec());
                let durations = HistogramVec::new(options, &names)?;
                self.registry.register(Box::new(durations.clone()))?;
                Family::Durations(durations)
            }
        };
        self.families.insert(name, family.clone());
        Ok(family)
    }

    /// Counts what a log line says, if it is a metric line.
    pub(crate) fn take(&self, line: &str) -> Result<(), Rejected> {
        let taken = emf::read(line)
            .map_err(Rejected::from)
            .and_then(|observations| observations.iter().try_for_each(|observation| self.observe(observation)));
        if let (Err(_), Some(rejected)) = (&taken, &self.rejected) {
            rejected.inc();
        }
        taken
    }

    fn observe(&self, observation: &Observation) -> Result<(), Rejected> {
        let Observation { namespace, name, dimensions, values } = observation;
        let unknown = |what: String| Rejected::Unknown(what);
        if namespace != NAMESPACE {
            return Err(unknown(format!("the namespace {namespace}")));
        }
        let row = Metric::named(name).ok_or_else(|| unknown(format!("the metric {name}")))?.row();
        let [(dimension, function)] = dimensions.as_slice() else {
            return Err(unknown(format!("{} dimensions", dimensions.len())));
        };
        if dimension != FUNCTION {
            return Err(unknown(format!("the dimension {dimension}")));
        }
        if !row.functions.contains(&function.as_str()) {
            return Err(unknown(format!("{name} of the function {function}")));
        }
        if let Some(family) = self.families.get(row.series.family) {
            family.record(&labels(row, function), values);
        }
        Ok(())
    }

    /// How often a metric's thing has happened, over all functions; of a duration, how many values there are.
    pub(crate) fn total(&self, metric: Metric) -> u64 {
        let row = metric.row();
        let each = row.functions.iter().map(|function| match self.families.get(row.series.family) {
            Some(Family::Counts(counts)) => {
                counts.get_metric_with_label_values(&labels(row, function)).map_or(0, |count| count.get())
            }
            Some(Family::Durations(durations)) => durations
                .get_metric_with_label_values(&labels(row, function))
                .map_or(0, |durations| durations.get_sample_count()),
            None => 0,
        });
        each.sum()
    }

    /// How many values of a duration lie at or below each of [`BOUNDS_S`], over all functions; the last one is all of
    /// them.
    pub(crate) fn buckets(&self, metric: Metric) -> Vec<u64> {
        let row = metric.row();
        let mut sums = vec![0; BOUNDS_S.len() + 1];
        for family in self.registry.gather().iter().filter(|family| family.name() == row.series.family) {
            for histogram in family.get_metric().iter().map(prometheus::proto::Metric::get_histogram) {
                for (sum, bucket) in sums.iter_mut().zip(histogram.get_bucket()) {
                    *sum += bucket.cumulative_count();
                }
                if let Some(all) = sums.last_mut() {
                    *all += histogram.get_sample_count();
                }
            }
        }
        sums
    }

    /// All of it, as Prometheus' own types.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

fn labels<'a>(row: &MetricRow, function: &'a str) -> Vec<&'a str> {
    std::iter::once(function).chain(row.series.label.map(|(_, value)| value)).collect()
}

impl Family {
    /// Adds values; with none of them the series is there from now on.
    fn record(&self, labels: &[&str], values: &[f64]) {
        match self {
            Self::Counts(counts) => {
                let Ok(count) = counts.get_metric_with_label_values(labels) else { return };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "counts are small and natural"
                )]
                count.inc_by(values.iter().sum::<f64>() as u64);
            }
            Self::Durations(durations) => {
                let Ok(duration) = durations.get_metric_with_label_values(labels) else { return };
                for millis in values {
                    duration.observe(millis / 1000.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_metrics::Work;

    use super::*;

    #[test]
    fn every_metric_of_the_table_is_there_from_the_start() {
        let metrics = Metrics::default();
        let families = metrics.gather();
        for row in METRICS {
            let family = families.iter().find(|family| family.name() == row.series.family);
            let series = family.map_or(0, |family| family.get_metric().len());
            assert!(series >= row.functions.len(), "{}: {series} series", row.name);
            assert_eq!(metrics.total(row.metric), 0, "{}", row.name);
        }
        assert!(metrics.rejected.is_some());
    }

    /// What the functions write is what the cloud reads.
    #[test]
    fn lines_are_added_up() {
        let metrics = Metrics::default();
        let mut work = Work::default();
        work.count(Metric::PostsTaken, 2);
        for millis in [3, 40, 700] {
            work.took(Metric::PushLatency, millis);
        }
        for function in ["send", "deliver"] {
            for line in work.lines(function, 1) {
                metrics.take(&line).unwrap();
            }
        }
        assert_eq!((metrics.total(Metric::PostsTaken), metrics.total(Metric::PostsGone)), (4, 0));
        assert_eq!(metrics.total(Metric::PushLatency), 6);
        let buckets = metrics.buckets(Metric::PushLatency);
        let at = |bound: f64| buckets[BOUNDS_S.iter().position(|one| (one - bound).abs() < 1e-9).unwrap()];
        assert_eq!((at(0.002), at(0.005), at(0.05), at(0.5), at(1.0)), (0, 2, 4, 4, 6));
        assert_eq!(buckets.last(), Some(&6));
    }

    #[test]
    fn what_nobody_would_find_is_rejected_and_counted() {
        let metrics = Metrics::default();
        let mut work = Work::default();
        work.count(Metric::Sends, 1);
        let line = work.lines("send", 1).remove(0);
        for bad in
            [line.replace("Sends", "Dances"), line.replace("Tidings", "Other"), line.replace("\"send\"", "\"sync\"")]
        {
            assert!(matches!(metrics.take(&bad), Err(Rejected::Unknown(_))), "{bad}");
        }
        assert!(matches!(metrics.take(&line.replace("\"Sends\":1", "\"Sends\":\"1\"")), Err(Rejected::Malformed(_))));
        assert!(metrics.take(r#"{"level":"WARN","message":"x"}"#).is_ok());
        assert_eq!(metrics.rejected.as_ref().unwrap().get(), 4);
        assert_eq!(metrics.total(Metric::Sends), 0);
    }
}
