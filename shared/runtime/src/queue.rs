//! Functions behind a queue: a batch together, and only those records that failed are delivered again.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use tidings_application::clock::Clock;
use tidings_domain::time::Timestamp;
use tidings_metrics::Metric;

use crate::clock::SystemClock;
use crate::invocation;
use crate::meter::Meter;

/// Groups of records worked off at once. Each may post to several connections by itself.
const GROUPS_IN_FLIGHT: usize = 4;

/// How long before the function's deadline the rest is given back, in milliseconds: enough to answer.
const RESERVE_MS: u64 = 1_000;

/// In which part of the time that it has a batch begins anything new, in percent: the rest is for the posts that are
/// under way and for queueing what was not begun.
const BEGIN_PERCENT: u64 = 65;

/// A record, as whoever works it off sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its text.
    pub body: String,
    /// When it was put into its queue; now, if the queue does not say.
    pub queued_at: Timestamp,
}

/// Serves batches until the environment ends. `work` gets some records, and until when it may begin anything new, and
/// says of each record, in their order, what became of it. An error means "deliver it again"; after
/// the queue's number of tries the record goes to the dead-letter queue.
///
/// A poisoned record blocks nobody (BAD-1): if `work` panics, each record is worked off by itself, and so is whatever
/// comes again. Only a record that ends the process takes its invocation's others with it.
pub async fn serve<F, W, E>(meter: &Meter, work: F) -> Result<(), Error>
where
    F: Fn(Vec<Job>, Timestamp) -> W,
    W: Future<Output = Vec<Result<(), E>>>,
    E: Display,
{
    let work = &work;
    invocation::serve(meter, |event: LambdaEvent<SqsEvent>| async move {
        let now = SystemClock.now();
        let left_ms = event.context.deadline.saturating_sub(now.as_millis()).saturating_sub(RESERVE_MS);
        let until = now.plus_millis(left_ms / 100 * BEGIN_PERCENT);
        let limit = Duration::from_millis(left_ms);
        let failed = batch(event.payload.records, limit, &|records| work(records, until)).await?;
        meter.count(Metric::RecordsFailed, failed.len());
        Ok(answer(&failed))
    })
    .await
}

fn answer(failed: &[String]) -> Value {
    let failures: Vec<_> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// A record, and its place in the batch.
#[derive(Clone, Debug)]
struct Record {
    place: usize,
    id: String,
    job: Job,
    returned: bool,
}

impl Record {
    fn read(place: usize, message: SqsMessage) -> Result<Self, Error> {
        // Without its id a record could not be reported, and would silently count as done.
        let id = message.message_id.ok_or("a record has no message id")?;
        let number = |name: &str| message.attributes.get(name).and_then(|number| number.parse::<u64>().ok());
        let returned = number("ApproximateReceiveCount").is_some_and(|receives| receives > 1);
        let queued_at = number("SentTimestamp").map_or_else(|| SystemClock.now(), Timestamp::from_millis);
        Ok(Self { place, id, job: Job { body: message.body.unwrap_or_default(), queued_at }, returned })
    }
}

/// The ids of the records that are to be delivered again.
async fn batch<F, W, E>(messages: Vec<SqsMessage>, limit: Duration, work: &F) -> Result<Vec<String>, Error>
where
    F: Fn(Vec<Job>) -> W,
    W: Future<Output = Vec<Result<(), E>>>,
    E: Display,
{
    let records = messages.into_iter().enumerate().map(|(place, message)| Record::read(place, message));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let mut open: BTreeMap<usize, String> = records.iter().map(|record| (record.place, record.id.clone())).collect();
    let (returned, fresh): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.returned);
    let alone = returned.into_iter().map(|record| vec![record]);
    let groups = std::iter::once(fresh).filter(|fresh| !fresh.is_empty()).chain(alone);

    let mut running = stream::iter(groups).map(|group| work_off(group, work)).buffer_unordered(GROUPS_IN_FLIGHT);
    let all = async {
        while let Some(done) = running.next().await {
            open.retain(|place, _| !done.contains(place));
        }
    };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!("out of time; the rest of the batch is given back");
    }
    Ok(open.into_values().collect())
}

/// Works records off together, or each by itself if that panics. The places of those that are done.
async fn work_off<F, W, E>(group: Vec<Record>, work: &F) -> Vec<usize>
where
    F: Fn(Vec<Job>) -> W,
    W: Future<Output = Vec<Result<(), E>>>,
    E: Display,
{
    if let Some(done) = attempt(&group, work).await {
        return done;
    }
    if group.len() == 1 {
        return Vec::new();
    }
    let mut done = Vec::new();
    for record in group {
        done.extend(attempt(&[record], work).await.unwrap_or_default());
    }
    done
}

/// `None` if it panicked.
async fn attempt<F, W, E>(group: &[Record], work: &F) -> Option<Vec<usize>>
where
    F: Fn(Vec<Job>) -> W,
    W: Future<Output = Vec<Result<(), E>>>,
    E: Display,
{
    let jobs = group.iter().map(|record| record.job.clone()).collect();
    let Ok(outcomes) = AssertUnwindSafe(async { work(jobs).await }).catch_unwind().await else {
        tracing::error!(message_ids = ?group.iter().map(|record| &record.id).collect::<Vec<_>>(), "panicked");
        return None;
    };
    let done = |(record, outcome): (&Record, Result<(), E>)| {
        outcome.map_err(|error| tracing::warn!(message_id = record.id, error = %error, "record failed")).ok()?;
        Some(record.place)
    };
    Some(group.iter().zip(outcomes).filter_map(done).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn records(bodies: &[(&str, u32)]) -> Vec<SqsMessage> {
        let record = |(index, (body, receives)): (usize, &(&str, u32))| {
            let attributes = json!({ "ApproximateReceiveCount": receives.to_string() });
            let record = json!({ "messageId": index.to_string(), "body": body, "attributes": attributes });
            serde_json::from_value(record).unwrap()
        };
        bodies.iter().enumerate().map(record).collect()
    }

    /// Runs a batch: what failed, and the groups in which its records were worked off.
    async fn run(bodies: &[(&str, u32)]) -> (Vec<String>, Vec<String>) {
        let groups = Mutex::new(Vec::new());
        let work = |jobs: Vec<Job>| {
            let bodies: Vec<_> = jobs.into_iter().map(|job| job.body).collect();
            groups.lock().unwrap().push(bodies.join("+"));
            async move {
                assert!(!bodies.iter().any(|body| body == "panic"), "on purpose");
                if bodies.iter().any(|body| body == "hang") {
                    return std::future::pending().await;
                }
                let outcome = |body: String| if body == "fail" { Err("on purpose") } else { Ok(()) };
                bodies.into_iter().map(outcome).collect()
            }
        };
        let failed = batch(records(bodies), Duration::from_secs(5), &work).await.unwrap();
        (failed, groups.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_given_back() {
        let (failed, groups) = run(&[("a", 1), ("fail", 1), ("b", 1)]).await;
        assert_eq!((failed, groups), (vec!["1".to_owned()], vec!["a+fail+b".to_owned()]));
        assert_eq!(answer(&["1".to_owned()]), json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
        let (failed, _) = run(&[("a", 1), ("hang", 1)]).await;
        assert_eq!(failed, ["0", "1"], "out of time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_of_its_record_alone() {
        let (failed, groups) = run(&[("a", 1), ("panic", 1), ("b", 1)]).await;
        assert_eq!(failed, ["1"]);
        assert_eq!(groups, ["a+panic+b", "a", "panic", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_again_is_worked_off_by_itself() {
        let (failed, groups) = run(&[("a", 1), ("hang", 2), ("b", 3), ("c", 1)]).await;
        assert_eq!(failed, ["1"], "whatever it did to its batch, it does to itself alone");
        assert_eq!(groups, ["a+c", "hang", "b"]);
    }

    #[test]
    fn a_record_says_how_long_it_waited() {
        let mut message = records(&[("a", 1)]).remove(0);
        message.attributes.insert("SentTimestamp".to_owned(), "5".to_owned());
        assert_eq!(Record::read(0, message.clone()).unwrap().job.queued_at, Timestamp::from_millis(5));
        message.attributes.remove("SentTimestamp");
        assert!(Record::read(0, message).unwrap().job.queued_at > Timestamp::from_millis(5), "now");
    }

    #[tokio::test]
    async fn a_record_without_an_id_fails_the_batch() {
        let mut records = records(&[("ok", 1)]);
        records[0].message_id = None;
        let work = async |jobs: Vec<Job>| jobs.iter().map(|_| Ok::<_, String>(())).collect();
        assert!(batch(records, Duration::from_secs(5), &work).await.is_err());
    }
}
