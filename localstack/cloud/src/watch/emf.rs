//! The embedded metric format, as CloudWatch reads it from a log line. Source: Amazon CloudWatch User Guide,
//! "Specification: Embedded metric format".

use serde::Deserialize;
use serde_json::{Map, Value};

/// Most metrics of a directive. Source: the specification, "MetricDirective object".
const METRICS_MAX: usize = 100;
/// Most values of a metric. Source: the specification, "Target members".
const VALUES_MAX: usize = 100;

/// One metric of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Observation {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Name and value, of the first set of dimensions.
    pub(super) dimensions: Vec<(String, String)>,
    pub(super) values: Vec<f64>,
}

/// Why CloudWatch would take no metrics from a line that claims to have some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a metric line is not in the embedded metric format: {0}")]
pub(crate) struct Malformed(String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(rename = "Timestamp")]
    _timestamp: u64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: String,
}

/// What a line says; nothing if it is an ordinary one.
pub(super) fn read(line: &str) -> Result<Vec<Observation>, Malformed> {
    // Most lines are decided by this, without being parsed.
    if !line.starts_with('{') || !line.contains("\"_aws\"") {
        return Ok(Vec::new());
    }
    let Ok(mut root) = serde_json::from_str::<Map<String, Value>>(line) else { return Ok(Vec::new()) };
    let Some(metadata) = root.remove("_aws") else { return Ok(Vec::new()) };
    let metadata: Metadata = serde_json::from_value(metadata).map_err(|error| Malformed(error.to_string()))?;
    let mut observations = Vec::new();
    for directive in metadata.cloud_watch_metrics {
        if directive.metrics.len() > METRICS_MAX {
            return Err(Malformed(format!("more than {METRICS_MAX} metrics")));
        }
        let first = directive.dimensions.first().map(Vec::as_slice).unwrap_or_default();
        let dimensions = first.iter().map(|name| Ok((name.clone(), text(&root, name)?)));
        let dimensions = dimensions.collect::<Result<Vec<_>, Malformed>>()?;
        for Definition { name } in directive.metrics {
            let values = values(&root, &name)?;
            let (namespace, dimensions) = (directive.namespace.clone(), dimensions.clone());
            observations.push(Observation { namespace, name, dimensions, values });
        }
    }
    Ok(observations)
}

fn text(root: &Map<String, Value>, name: &str) -> Result<String, Malformed> {
    let text = root.get(name).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| Malformed(format!("the dimension {name} is no text of the line")))
}

fn values(root: &Map<String, Value>, name: &str) -> Result<Vec<f64>, Malformed> {
    let wrong = || Malformed(format!("{name} is not a number, nor a list of 1 to {VALUES_MAX} numbers"));
    match root.get(name) {
        Some(Value::Number(number)) => Ok(vec![number.as_f64().ok_or_else(wrong)?]),
        Some(Value::Array(list)) if (1..=VALUES_MAX).contains(&list.len()) => {
            list.iter().map(|value| value.as_f64().ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(members: &str) -> String {
        format!(
            r#"{{"_aws":{{"Timestamp":1,"CloudWatchMetrics":[{{"Namespace":"N","Dimensions":[["F"]],"Metrics":[{{"Name":"A","Unit":"Count"}}]}}]}}{members}}}"#
        )
    }

    #[test]
    fn numbers_and_lists_are_read() {
        for (members, values) in [(r#","F":"send","A":3"#, vec![3.0]), (r#","F":"send","A":[1,2.5]"#, vec![1.0, 2.5])] {
            let (namespace, name) = ("N".to_owned(), "A".to_owned());
            let dimensions = vec![("F".to_owned(), "send".to_owned())];
            assert_eq!(
                read(&line(members)),
                Ok(vec![Observation { namespace, name, dimensions, values }]),
                "{members}"
            );
        }
    }

    #[test]
    fn ordinary_lines_say_nothing() {
        for line in ["", "a panic about \"_aws\"", r#"{"level":"INFO"}"#, r#"{"message":"\"_aws\""}"#] {
            assert_eq!(read(line), Ok(vec![]), "{line}");
        }
    }

    #[test]
    fn what_cloud_watch_would_not_take_is_refused() {
        let many = format!(r#","F":"send","A":{:?}"#, vec![1; VALUES_MAX + 1]);
        for members in
            ["", r#","F":"send""#, r#","A":1"#, r#","F":1,"A":1"#, r#","F":"x","A":"1""#, r#","F":"x","A":[]"#, &many]
        {
            assert!(read(&line(members)).is_err(), "{members}");
        }
        assert!(read(r#"{"_aws":{"CloudWatchMetrics":[]}}"#).is_err(), "no timestamp");
    }
}
