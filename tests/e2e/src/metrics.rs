//! What the cloud shows of the functions' metrics, as Prometheus reads it.

use std::collections::BTreeSet;

use crate::cloud::Cloud;

/// One reading of `GET /_local/metrics`.
#[derive(Clone, Debug)]
pub struct Metrics(String);

impl Cloud {
    /// Reads it.
    pub async fn metrics(&self) -> Metrics {
        let url = format!("{}/_local/metrics", self.endpoints().api);
        let answer = self.http.get(url).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4");
        Metrics(answer.text().await.unwrap())
    }
}

impl Metrics {
    /// The value of a series, written as the text has it: `tidings_sends_total{function="send"}`.
    pub fn value(&self, series: &str) -> f64 {
        let values = self.0.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        let values: Vec<f64> = values.collect();
        assert_eq!(values.len(), 1, "{series} is in the text once, and not {} times:\n{}", values.len(), self.0);
        values[0]
    }

    /// The names of all series.
    pub fn names(&self) -> BTreeSet<&str> {
        let series = self.0.lines().filter(|line| !line.starts_with('#'));
        series.filter_map(|line| line.split(['{', ' ']).next()).collect()
    }
}
