//! Functions behind a queue: each record by itself, and only those that failed are delivered again.

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tidings_application::clock::Clock;

use crate::clock::SystemClock;

/// Records worked off at once. Each may post to several connections by itself.
const RECORDS_IN_FLIGHT: usize = 4;

/// How long before the function's deadline the rest is given back, in milliseconds: enough to answer.
const RESERVE_MS: u64 = 1_000;

/// Serves batches until the environment ends. `work` gets a record's text; its error means "deliver it again", and
/// after the queue's number of tries the record goes to the dead-letter queue. A panic counts as an error of its
/// record alone.
pub async fn serve<F, W, E>(work: F) -> Result<(), Error>
where
    F: Fn(String) -> W,
    W: Future<Output = Result<(), E>>,
    E: Display,
{
    let work = &work;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let left = time_left(&event.context);
        let failed = batch(event.payload.records, left, work).await?;
        Ok::<Value, Error>(answer(&failed))
    }))
    .await
}

fn time_left(context: &Context) -> Duration {
    let now = SystemClock.now().as_millis();
    Duration::from_millis(context.deadline.saturating_sub(now).saturating_sub(RESERVE_MS))
}

fn answer(failed: &[String]) -> Value {
    let failures: Vec<_> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// The ids of the records that are to be delivered again.
async fn batch<F, W, E>(records: Vec<SqsMessage>, limit: Duration, work: &F) -> Result<Vec<String>, Error>
where
    F: Fn(String) -> W,
    W: Future<Output = Result<(), E>>,
    E: Display,
{
    let records = records.into_iter().map(|record| {
        // Without its id a record could not be reported, and would silently count as done.
        let id = record.message_id.ok_or("a record has no message id")?;
        Ok::<_, Error>((id, record.body.unwrap_or_default()))
    });
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let mut open: HashMap<usize, String> =
        records.iter().enumerate().map(|(index, (id, _))| (index, id.clone())).collect();

    let mut running = stream::iter(records.into_iter().enumerate())
        .map(|(index, (id, body))| async move {
            let done = match AssertUnwindSafe(async { work(body).await }).catch_unwind().await {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    tracing::warn!(message_id = id, error = %error, "record failed");
                    false
                }
                Err(_) => {
                    tracing::error!(message_id = id, "record panicked");
                    false
                }
            };
            (index, done)
        })
        .buffer_unordered(RECORDS_IN_FLIGHT);
    let all = async {
        while let Some((index, done)) = running.next().await {
            if done {
                open.remove(&index);
            }
        }
    };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!("out of time; the rest of the batch is given back");
    }
    Ok(open.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(bodies: &[&str]) -> Vec<SqsMessage> {
        let record = |(index, body): (usize, &&str)| {
            serde_json::from_value(json!({ "messageId": index.to_string(), "body": body })).unwrap()
        };
        bodies.iter().enumerate().map(record).collect()
    }

    async fn work(body: String) -> Result<(), String> {
        match body.as_str() {
            "panic" => panic!("on purpose"),
            "fail" => Err("on purpose".to_owned()),
            "hang" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_given_back() {
        let records = records(&["ok", "panic", "ok", "fail", "hang", "ok"]);
        let mut failed = batch(records, Duration::from_secs(5), &work).await.unwrap();
        failed.sort();
        assert_eq!(failed, ["1", "3", "4"]);
        assert_eq!(answer(&failed[..1]), json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
    }

    #[tokio::test]
    async fn a_record_without_an_id_fails_the_batch() {
        let mut records = records(&["ok", "ok"]);
        records[1].message_id = None;
        assert!(batch(records, Duration::from_secs(5), &work).await.is_err());
    }
}
