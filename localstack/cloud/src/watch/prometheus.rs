//! `GET /_local/metrics`: the text format of Prometheus, version 0.0.4. Source: Prometheus, "Exposition formats".

use prometheus::{CounterVec, GaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder};
use serde_json::Value;

use super::metrics::Metrics;
use crate::ledger::{Counters, Snapshot};
use crate::state::State;

/// What the answer says it is.
pub(crate) const CONTENT_TYPE: &str = TEXT_FORMAT;

/// The functions' metrics, what the cloud holds, and its ledger. Resetting the ledger resets its counters, as a restart
/// would: Prometheus expects that of counters.
pub(crate) fn text(metrics: &Metrics, state: &State, ledger: &Snapshot) -> prometheus::Result<String> {
    let own = Registry::new();
    holds(&own, state)?;
    counted(&own, ledger)?;
    let mut families = metrics.gather();
    families.extend(own.gather());
    TextEncoder::new().encode_to_string(&families)
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
    let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<CounterVec> {
    let counter = CounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn holds(registry: &Registry, state: &State) -> prometheus::Result<()> {
    let connections = gauge(registry, "tidings_local_connections", "Sockets that are up.", &[])?;
    connections.get_metric_with_label_values::<&str>(&[])?.set(state.sockets as f64);
    let under_way = gauge(registry, "tidings_local_under_way", "Calls and batches that are under way.", &[])?;
    under_way.get_metric_with_label_values::<&str>(&[])?.set(state.under_way as f64);
    let records = gauge(registry, "tidings_local_queue_records", "Records in a queue.", &["queue", "state"])?;
    for (queue, held) in &state.queues {
        for (state, number) in [("visible", held.visible), ("in_flight", held.in_flight), ("delayed", held.delayed)] {
            records.get_metric_with_label_values(&[queue.as_str(), state])?.set(number as f64);
        }
    }
    let help = "Environments of a function.";
    let environments = gauge(registry, "tidings_local_environments", help, &["function", "state"])?;
    let help = "Calls of a function that no environment has taken yet.";
    let waiting = gauge(registry, "tidings_local_waiting_calls", help, &["function"])?;
    for (function, at) in &state.functions {
        waiting.get_metric_with_label_values(&[function])?.set(at.waiting as f64);
        for (state, number) in [("starting", at.starting), ("working", at.working), ("idle", at.idle)] {
            environments.get_metric_with_label_values(&[function.as_str(), state])?.set(number as f64);
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn counted(registry: &Registry, ledger: &Snapshot) -> prometheus::Result<()> {
    // A count more in the ledger is a series more here.
    for (name, _) in fields(&Counters::default()) {
        let help = format!("The ledger's `{name}`, by use case; see the local cloud's README.");
        let counter = counter(registry, &format!("tidings_local_ledger_{name}_total"), &help, &["use_case"])?;
        for (use_case, counted) in &ledger.use_cases {
            let value = fields(&counted.counters).into_iter().find(|(field, _)| *field == name);
            counter.get_metric_with_label_values(&[use_case])?.inc_by(value.map_or(0.0, |(_, value)| value));
        }
    }
    let help = "What a use case would have cost, in dollars at list prices.";
    let dollars = counter(registry, "tidings_local_ledger_dollars_total", help, &["use_case"])?;
    let calls = counter(registry, "tidings_local_ledger_calls_total", "Calls of services.", &["use_case", "call"])?;
    for (use_case, counted) in &ledger.use_cases {
        dollars.get_metric_with_label_values(&[use_case])?.inc_by(counted.counters.dollars());
        for (call, times) in &counted.calls {
            calls.get_metric_with_label_values(&[use_case, call])?.inc_by(*times as f64);
        }
    }
    Ok(())
}

/// Names and values of the ledger's counts.
fn fields(counters: &Counters) -> Vec<(String, f64)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(counters) else { return Vec::new() };
    fields.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ledger::UseCase;
    use crate::state::{FunctionState, QueueState};

    #[test]
    fn everything_is_told() {
        let counters = Counters { count: 2, gateway_messages: 6, write_units: 2.0, ..Counters::default() };
        let use_case = UseCase { counters, calls: BTreeMap::from([("dynamodb.PutItem".to_owned(), 2)]) };
        let ledger =
            Snapshot { use_cases: BTreeMap::from([("message.send".to_owned(), use_case)]), ..Snapshot::default() };
        let queue = QueueState { visible: 3, ..QueueState::default() };
        let state = State {
            queues: BTreeMap::from([("retry".to_owned(), queue)]),
            functions: BTreeMap::from([("send".to_owned(), FunctionState { idle: 1, ..FunctionState::default() })]),
            sockets: 12,
            under_way: 0,
        };
        let text = text(&Metrics::default(), &state, &ledger).unwrap();
        for line in [
            "tidings_sends_total{function=\"send\"} 0",
            "tidings_local_connections 12",
            "tidings_local_queue_records{queue=\"retry\",state=\"visible\"} 3",
            "tidings_local_environments{function=\"send\",state=\"idle\"} 1",
            "tidings_local_ledger_gateway_messages_total{use_case=\"message.send\"} 6",
            "tidings_local_ledger_calls_total{call=\"dynamodb.PutItem\",use_case=\"message.send\"} 2",
            "# TYPE tidings_ack_latency_seconds histogram",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
    }
}
