//! `--data` under `kill -9`: whatever was acknowledged before is there afterwards.

#[cfg(test)]
mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use common::program::{Program, start};
use common::{functions, until};
use serde_json::Value;

/// How many acknowledgements of each kind there are at least before a kill: enough for the write-ahead logs to be
/// worked into their databases, which happens every 1,000 pages.
const ENOUGH: usize = 600;
/// How many clients write at the same time.
const WRITERS: usize = 4;

/// A program's services.
#[cfg(test)]
#[derive(Clone)]
struct Services {
    tables: aws_sdk_dynamodb::Client,
    queues: aws_sdk_sqs::Client,
    log: String,
    /// Its queue feeds nobody: the test functions are none for tasks.
    task: String,
    /// The dead-letter queue of that.
    dead: String,
}

#[cfg(test)]
impl Services {
    async fn of(program: &Program) -> Self {
        let endpoints = reqwest::get(format!("{}/_local/endpoints", program.api)).await.unwrap();
        let endpoints: Value = endpoints.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sdk = async |service: &str| {
            let credentials = aws_sdk_dynamodb::config::Credentials::new("local", "local-secret", None, None, "test");
            aws_config::defaults(aws_config::BehaviorVersion::latest())
                .region(aws_config::Region::new("us-east-1"))
                .credentials_provider(credentials)
                .retry_config(aws_config::retry::RetryConfig::disabled())
                .endpoint_url(text(&endpoints[service]))
                .load()
                .await
        };
        Self {
            tables: aws_sdk_dynamodb::Client::new(&sdk("dynamodb").await),
            queues: aws_sdk_sqs::Client::new(&sdk("sqs").await),
            log: text(&endpoints["tables"]["log"]),
            task: text(&endpoints["queues"]["task"]),
            dead: text(&endpoints["queues"]["task-dlq"]),
        }
    }

    /// Writes an item; whether that was acknowledged.
    async fn put(&self, writer: usize, seq: usize) -> bool {
        let put = self.tables.put_item().table_name(&self.log);
        let put = put.item("conversation", AttributeValue::S(writer.to_string()));
        put.item("seq", AttributeValue::N(seq.to_string())).send().await.is_ok()
    }

    async fn send(&self, writer: usize, seq: usize) -> bool {
        self.queues.send_message().queue_url(&self.task).message_body(format!("{writer}-{seq}")).send().await.is_ok()
    }

    /// Sends two messages in one batch.
    async fn send_two(&self, writer: usize, seq: usize) -> bool {
        let batch = self.queues.send_message_batch().queue_url(&self.task);
        let entry = |id: &str| {
            let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(format!("{writer}-{seq}-{id}"));
            entry.build().unwrap()
        };
        batch.entries(entry("a")).entries(entry("b")).send().await.is_ok_and(|sent| sent.successful.len() == 2)
    }

    /// Has some messages lose a try. After five they are dead letters.
    async fn try_some(&self) {
        let receive = self.queues.receive_message().queue_url(&self.task).max_number_of_messages(10);
        // If it fails the cloud is gone, which shows in what is acknowledged.
        let _ = receive.visibility_timeout(0).send().await;
    }

    /// Takes a message and deletes it: which, and whether that was acknowledged.
    async fn delete_one(&self) -> Option<(String, bool)> {
        let received = self.queues.receive_message().queue_url(&self.task).send().await.ok()?;
        let message = received.messages?.pop()?;
        let delete = self.queues.delete_message().queue_url(&self.task);
        let deleted = delete.receipt_handle(message.receipt_handle.unwrap()).send().await.is_ok();
        Some((message.body.unwrap(), deleted))
    }

    async fn items(&self, writer: usize) -> BTreeSet<usize> {
        let query = self.tables.query().table_name(&self.log).key_condition_expression("conversation = :c");
        let query = query.expression_attribute_values(":c", AttributeValue::S(writer.to_string()));
        let items = query.consistent_read(true).send().await.unwrap().items.unwrap();
        items.iter().map(|item| item["seq"].as_n().unwrap().parse().unwrap()).collect()
    }

    async fn messages(&self, queue_url: &str) -> BTreeSet<String> {
        let mut bodies = BTreeSet::new();
        loop {
            let receive = self.queues.receive_message().queue_url(queue_url).max_number_of_messages(10);
            match receive.send().await.unwrap().messages {
                Some(some) => bodies.extend(some.into_iter().map(|message| message.body.unwrap())),
                None => return bodies,
            }
        }
    }
}

/// What one client was told.
#[cfg(test)]
#[derive(Default)]
struct Told {
    writer: usize,
    put: BTreeSet<usize>,
    sent: BTreeSet<String>,
    /// Tried, acknowledged or not.
    deleting: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

/// Writes, sends and deletes until the cloud is gone. Bounded, should it never go.
#[cfg(test)]
async fn write(services: Services, writer: usize, from: usize, acknowledged: Arc<AtomicUsize>) -> Told {
    let mut told = Told { writer, ..Told::default() };
    for seq in from..from + 100 * ENOUGH {
        if !services.put(writer, seq).await {
            break;
        }
        told.put.insert(seq);
        if !services.send(writer, seq).await {
            break;
        }
        told.sent.insert(format!("{writer}-{seq}"));
        if !services.send_two(writer, seq).await {
            break;
        }
        told.sent.extend(["a", "b"].map(|id| format!("{writer}-{seq}-{id}")));
        services.try_some().await;
        if seq % 3 == 0
            && let Some((body, deleted)) = services.delete_one().await
        {
            told.deleting.insert(body.clone());
            if deleted {
                told.deleted.insert(body);
            }
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives() {
    let folder = functions();
    let data = folder.path().join("data");
    let arguments = ["--port", "0", "--data", data.to_str().unwrap()];
    let mut told: Vec<Told> = Vec::new();
    for round in 0..3 {
        let mut program = start(folder.path(), &arguments);
        let services = Services::of(&program).await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let from = round * 1_000_000;
                tokio::spawn(write(services.clone(), writer, from, Arc::clone(&acknowledged)))
            })
            .collect();
        until("enough is written", async || acknowledged.load(Ordering::Relaxed) >= ENOUGH).await;
        program.signal("-KILL");
        program.child.wait().unwrap();
        for writer in writers {
            told.push(tokio::time::timeout(Duration::from_secs(20), writer).await.unwrap().unwrap());
        }
    }
    let program = start(folder.path(), &arguments);
    let services = Services::of(&program).await;
    for one in &told {
        let found = services.items(one.writer).await;
        assert!(one.put.is_subset(&found), "lost: {:?}", one.put.difference(&found));
    }
    let all = |of: fn(&Told) -> &BTreeSet<String>| told.iter().flat_map(of).cloned().collect::<BTreeSet<_>>();
    let (sent, deleting, deleted) = (all(|one| &one.sent), all(|one| &one.deleting), all(|one| &one.deleted));
    assert!(sent.len() >= 3 * 3 * ENOUGH - 3 * 3 * WRITERS && !deleted.is_empty());
    let (waiting, dead) = (services.messages(&services.task).await, services.messages(&services.dead).await);
    assert!(!dead.is_empty(), "none had its last try");
    let found = &waiting | &dead;
    let lost: Vec<_> = sent.difference(&found).filter(|body| !deleting.contains(*body)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(deleted.is_disjoint(&found), "deleted, and here again: {:?}", deleted.intersection(&found));
}
