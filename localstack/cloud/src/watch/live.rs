//! A sample a second of everything, kept for some minutes and told to whoever listens, by server-sent events.
//!
//! Source: WHATWG, HTML Living Standard, "Server-sent events".

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{HeaderValue, Response, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::Serialize;
use serde_json::json;
use tidings_metrics::{METRICS, Unit};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::metrics::{BOUNDS_S, Metrics};
use crate::clock;
use crate::ledger::{Counters, Snapshot};
use crate::state::State;

/// Where samples are told.
pub(crate) const PATH: &str = "/_local/watch/events";
/// Time from one sample to the next.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// How many samples whoever comes later gets to see: five minutes, of about a kilobyte each.
const KEPT: usize = 300;
/// How many samples a listener may be behind before it misses some.
const BEHIND_MAX: usize = 16;

/// A body that goes on for as long as the client listens.
pub(crate) type EventStream = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>>;

/// The samples.
#[derive(Debug)]
pub(crate) struct Live {
    kept: Mutex<VecDeque<Bytes>>,
    listeners: broadcast::Sender<Bytes>,
}

/// What there is at a moment. Counts are totals since the start; whoever draws them takes differences.
#[derive(Serialize)]
struct Sample<'a> {
    /// Milliseconds since the Unix epoch.
    at: u64,
    /// Metrics that are counts, by name.
    counts: BTreeMap<&'static str, u64>,
    /// Metrics that are durations, by name: how many values lie at or below each bound, and then all.
    durations: BTreeMap<&'static str, Vec<u64>>,
    state: &'a State,
    /// All use cases together, since the ledger's last reset.
    ledger: &'a Counters,
    dollars: f64,
    dollars_per_million: &'a BTreeMap<String, f64>,
}

impl Default for Live {
    fn default() -> Self {
        Self { kept: Mutex::default(), listeners: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl Live {
    /// Keeps a sample and tells it.
    pub(crate) fn tell(&self, metrics: &Metrics, state: &State, ledger: &Snapshot) {
        let of = |unit| METRICS.iter().filter(move |row| row.unit == unit);
        let sample = Sample {
            at: clock::now_ms(),
            counts: of(Unit::Count).map(|row| (row.name, metrics.total(row.metric))).collect(),
            durations: of(Unit::Milliseconds).map(|row| (row.name, metrics.buckets(row.metric))).collect(),
            state,
            ledger: &ledger.total,
            dollars: ledger.dollars,
            dollars_per_million: &ledger.dollars_per_million,
        };
        let event = event("sample", &sample);
        // Under the lock, so that whoever begins to listen gets each sample once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(event.clone());
        // An error means that nobody listens.
        let _ = self.listeners.send(event);
    }

    /// What was, and then what comes, until the client hangs up.
    pub(crate) fn listen(&self) -> Response<EventStream> {
        let (kept, listener) = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            (kept.iter().cloned().collect::<Vec<_>>(), self.listeners.subscribe())
        };
        let table: Vec<_> = METRICS.iter().map(|row| (row.name, row.description)).collect();
        let table = event("table", &json!({ "metrics": table, "bounds_s": BOUNDS_S, "kept": KEPT }));
        let coming = stream::unfold(listener, async |mut listener| {
            loop {
                match listener.recv().await {
                    Ok(event) => return Some((event, listener)),
                    // Too slow for some: the totals of the next one have them.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        let events = stream::iter(std::iter::once(table).chain(kept)).chain(coming);
        let frames: Pin<Box<dyn Stream<Item = _> + Send>> = Box::pin(events.map(|event| Ok(Frame::data(event))));
        let mut response = Response::new(StreamBody::new(frames));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    // JSON has no line feeds, which would end the data. Nothing here fails to be JSON.
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn next(body: &mut EventStream) -> String {
        let frame = body.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_listens_gets_what_was_and_what_comes() {
        let (live, metrics, ledger) = (Live::default(), Metrics::default(), Snapshot::default());
        let state = |sockets| State { queues: BTreeMap::new(), functions: BTreeMap::new(), sockets, under_way: 0 };
        live.tell(&metrics, &state(1), &ledger);
        let mut body = live.listen().into_body();
        live.tell(&metrics, &state(2), &ledger);
        assert!(next(&mut body).await.starts_with("event: table\ndata: {"));
        for sockets in 1..=2 {
            let event = next(&mut body).await;
            let data = event.strip_prefix("event: sample\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let sample: serde_json::Value = serde_json::from_str(data).unwrap();
            assert_eq!(sample["state"]["sockets"], sockets);
            assert_eq!(sample["counts"]["Sends"], 0);
            assert_eq!(sample["durations"]["AckLatency"].as_array().unwrap().len(), BOUNDS_S.len() + 1);
        }
    }

    #[test]
    fn old_samples_go() {
        let (live, metrics, ledger) = (Live::default(), Metrics::default(), Snapshot::default());
        let state = State { queues: BTreeMap::new(), functions: BTreeMap::new(), sockets: 0, under_way: 0 };
        (0..=KEPT).for_each(|_| live.tell(&metrics, &state, &ledger));
        assert_eq!(live.kept.lock().unwrap().len(), KEPT);
    }
}
