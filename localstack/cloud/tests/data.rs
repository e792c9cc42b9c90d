//! `--data`: what was there when a cloud stopped, or was killed, is there when another starts on the same folder.

#[cfg(test)]
mod common;

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use common::files;
use common::{TestCloud, until};
use serde_json::json;
use tidings_local::Options;

/// A cloud on a folder whose queues feed nobody.
#[cfg(test)]
async fn start(folder: &Path, change: impl FnOnce(&mut Options)) -> TestCloud {
    TestCloud::start_with(|options| {
        options.data = Some(folder.to_owned());
        options.mappings = false;
        change(options);
    })
    .await
}

/// A queue of a cloud, by its short name.
#[cfg(test)]
struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

#[cfg(test)]
impl Queue {
    async fn of(cloud: &TestCloud, name: &str) -> Self {
        Self { client: cloud.sqs().await, url: cloud.running.endpoints().queues[name].clone() }
    }

    async fn send(&self, body: &str, delay_s: i32) {
        let send = self.client.send_message().queue_url(&self.url).message_body(body);
        send.delay_seconds(delay_s).send().await.unwrap();
    }

    /// Takes what is there, hidden for so long.
    async fn receive(&self, visibility_s: i32) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let receive = receive.visibility_timeout(visibility_s).message_attribute_names("All");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
    }

    /// How many are visible, in work, and delayed.
    async fn counts(&self) -> (u32, u32, u32) {
        let attributes = self.client.get_queue_attributes().queue_url(&self.url);
        let attributes = attributes.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let number = |suffix: &str| {
            let name = QueueAttributeName::from(format!("ApproximateNumberOfMessages{suffix}").as_str());
            attributes.attributes().unwrap()[&name].parse().unwrap()
        };
        (number(""), number("NotVisible"), number("Delayed"))
    }
}

#[cfg(test)]
fn bodies(messages: &[Message]) -> Vec<&str> {
    let mut bodies: Vec<_> = messages.iter().map(|message| message.body().unwrap()).collect();
    bodies.sort_unstable();
    bodies
}

#[tokio::test]
async fn tables_files_and_keys_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = start(folder.path(), |_| {}).await;
    let endpoints = cloud.running.endpoints();
    let client = aws_sdk_dynamodb::Client::new(&cloud.sdk(&endpoints.dynamodb).await);
    let item = BTreeMap::from([
        ("conversation", AttributeValue::S("d:a:b".to_owned())),
        ("seq", AttributeValue::N("1".to_owned())),
        ("body", AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([0, 255]))),
    ]);
    let mut put = client.put_item().table_name(&endpoints.tables["log"]);
    for (name, value) in &item {
        put = put.item(*name, value.clone());
    }
    put.send().await.unwrap();
    files::put(&cloud, "a/file", b"content").await;
    let keys = settings(&cloud).await["verifying_keys"].clone();
    cloud.running.stop().await;

    let cloud = start(folder.path(), |_| {}).await;
    let endpoints = cloud.running.endpoints();
    let client = aws_sdk_dynamodb::Client::new(&cloud.sdk(&endpoints.dynamodb).await);
    let found = client.scan().table_name(&endpoints.tables["log"]).send().await.unwrap();
    let found: Vec<BTreeMap<_, _>> = found
        .items()
        .iter()
        .map(|item| item.iter().map(|(name, value)| (name.as_str(), value.clone())).collect())
        .collect();
    assert_eq!(found, [item]);
    let expiring = client.describe_time_to_live().table_name(&endpoints.tables["routes"]).send().await.unwrap();
    assert!(expiring.time_to_live_description().unwrap().attribute_name().is_some());
    assert_eq!(files::get(&cloud, "a/file").await, b"content");
    assert_eq!(settings(&cloud).await["verifying_keys"], keys);
    cloud.running.stop().await;
}

/// What a function finds in its environment.
#[cfg(test)]
async fn settings(cloud: &TestCloud) -> serde_json::Value {
    let url = cloud.url("/2015-03-31/functions/send/invocations");
    let event = json!({"body": json!({"do": "settings"}).to_string()}).to_string();
    let answer = reqwest::Client::new().post(url).body(event).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn queued_messages_are_kept_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let limit = |options: &mut Options| options.limits.receives = 2;
    let cloud = start(folder.path(), limit).await;
    let (task, dead) = (Queue::of(&cloud, "task").await, Queue::of(&cloud, "task-dlq").await);

    // One that has moved to the dead-letter queue, and one that is at its last try.
    task.send("moved", 0).await;
    assert_eq!(task.receive(0).await.len(), 1);
    assert_eq!(task.receive(0).await.len(), 1);
    until("it is dead", || async { task.receive(0).await.is_empty() && dead.counts().await.0 == 1 }).await;
    task.send("last try", 0).await;
    task.receive(0).await;
    assert_eq!(bodies(&task.receive(600).await), ["last try"]);
    // In work; deleted; deleted in a batch.
    task.send("in work", 0).await;
    assert_eq!(task.receive(600).await.len(), 1);
    for body in ["deleted", "deleted in a batch"] {
        task.send(body, 0).await;
    }
    for message in task.receive(600).await {
        if message.body() == Some("deleted") {
            task.delete(&message).await;
            continue;
        }
        let entry = DeleteMessageBatchRequestEntry::builder().id("x");
        let entry = entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap();
        let batch = task.client.delete_message_batch().queue_url(&task.url).entries(entry);
        batch.send().await.unwrap();
    }
    // Delayed, visible, and sent in a batch of which one is refused.
    task.send("delayed", 600).await;
    task.send("soon", 2).await;
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255])).build().unwrap();
    let send = task.client.send_message().queue_url(&task.url).message_body("visible");
    send.message_attributes("bytes", bytes.clone()).send().await.unwrap();
    let entry =
        |id: &str, body: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap();
    let batch = task.client.send_message_batch().queue_url(&task.url);
    let batch = batch.entries(entry("a", "batch")).entries(entry("b", "")).send().await.unwrap();
    assert_eq!((batch.successful().len(), batch.failed().len()), (1, 1));
    cloud.running.stop().await;

    let cloud = start(folder.path(), limit).await;
    assert_eq!(cloud.running.messages_put_back(), 7);
    let (task, dead) = (Queue::of(&cloud, "task").await, Queue::of(&cloud, "task-dlq").await);
    let (_, hidden, delayed) = task.counts().await;
    assert_eq!((hidden, delayed), (0, 2), "nobody works on anything, and delays go on");
    let visible = task.receive(600).await;
    assert_eq!(bodies(&visible), ["batch", "in work", "visible"]);
    let kept = visible.iter().find(|message| message.body() == Some("visible")).unwrap();
    assert_eq!(kept.message_attributes().unwrap()["bytes"], bytes);
    assert_eq!(bodies(&dead.receive(600).await), ["last try", "moved"]);
    until("a delay ends", || async { bodies(&task.receive(600).await) == ["soon"] }).await;

    // What is put back can be deleted for good.
    for message in &visible {
        task.delete(message).await;
    }
    cloud.running.stop().await;
    let cloud = start(folder.path(), limit).await;
    let (task, dead) = (Queue::of(&cloud, "task").await, Queue::of(&cloud, "task-dlq").await);
    assert_eq!(bodies(&task.receive(600).await), ["soon"]);
    assert_eq!(dead.counts().await.0, 2);
    cloud.running.stop().await;
}

#[tokio::test]
async fn what_is_purged_stays_away_and_takes_nothing_along() {
    let folder = tempfile::tempdir().unwrap();
    let limit = |options: &mut Options| options.limits.receives = 1;
    let cloud = start(folder.path(), limit).await;
    for queue in ["task", "retry"] {
        let (queue, dead) = (Queue::of(&cloud, queue).await, Queue::of(&cloud, &format!("{queue}-dlq")).await);
        queue.send("dead", 0).await;
        queue.receive(0).await;
        until("it is dead", || async { queue.receive(0).await.is_empty() && dead.counts().await.0 == 1 }).await;
        queue.send("last try", 0).await;
        queue.receive(600).await;
        queue.send("waits", 0).await;
    }
    for queue in ["task", "retry-dlq"] {
        let queue = Queue::of(&cloud, queue).await;
        queue.client.purge_queue().queue_url(&queue.url).send().await.unwrap();
    }
    cloud.running.stop().await;
    let cloud = start(folder.path(), limit).await;
    let mut found = BTreeMap::new();
    for queue in ["task", "task-dlq", "retry", "retry-dlq"] {
        let messages = Queue::of(&cloud, queue).await.receive(600).await;
        found.insert(queue, bodies(&messages).join(", "));
    }
    // The purge of `task` could not know that its last try had not become a dead letter.
    let expected = [("retry", "waits"), ("retry-dlq", "last try"), ("task", ""), ("task-dlq", "dead, last try")];
    assert_eq!(found, expected.map(|(queue, bodies)| (queue, bodies.to_owned())).into());
    cloud.running.stop().await;
}

#[tokio::test]
async fn queues_beyond_the_shards_are_worked_off() {
    let folder = tempfile::tempdir().unwrap();
    let more = |options: &mut Options| {
        options.set("FANOUT_SHARDS", "4").unwrap();
    };
    let cloud = start(folder.path(), more).await;
    let mark = folder.path().join("mark");
    cloud.enqueue("fanout-3", &json!({"mark": mark, "name": "left"})).await;
    cloud.running.stop().await;

    let fewer = |options: &mut Options| {
        options.set("FANOUT_SHARDS", "2").unwrap();
        options.mappings = true;
    };
    let cloud = start(folder.path(), fewer).await;
    until("it is worked off", || async { std::fs::read_to_string(&mark).is_ok_and(|text| text == "left 1\n") }).await;
    until("it is deleted", || async { cloud.queue_lengths("fanout-3").await == (0, 0) }).await;
    let urls = settings(&cloud).await["fanout"].as_str().unwrap().to_owned();
    assert!(urls.split(',').count() == 2 && !urls.contains("fanout-3"), "nothing new goes there: {urls}");
    cloud.running.stop().await;

    let cloud = start(folder.path(), fewer).await;
    assert!(!cloud.running.endpoints().queues.contains_key("fanout-3"), "then it is gone");
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_queue_of_ones_own_comes_back_for_its_messages() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = start(folder.path(), |_| {}).await;
    let client = cloud.sqs().await;
    for name in ["own", "own.fifo", "deleted"] {
        let mut create = client.create_queue().queue_name(name);
        if name == "own.fifo" {
            create = create.attributes(QueueAttributeName::FifoQueue, "true");
            create = create.attributes(QueueAttributeName::ContentBasedDeduplication, "true");
            create = create.attributes(QueueAttributeName::DeduplicationScope, "messageGroup");
        }
        let url = create.send().await.unwrap().queue_url.unwrap();
        // In the second group it is no duplicate, though its queue comes back with one scope for all.
        for group in ["a", "a", "b"] {
            let send = client.send_message().queue_url(&url).message_body("x");
            send.set_message_group_id((name == "own.fifo").then(|| group.to_owned())).send().await.unwrap();
        }
        if name == "deleted" {
            client.delete_queue().queue_url(&url).send().await.unwrap();
        }
    }
    cloud.running.stop().await;
    let cloud = start(folder.path(), |_| {}).await;
    assert_eq!(cloud.running.messages_put_back(), 5, "three, and three of which one was a duplicate");
    let client = cloud.sqs().await;
    let mut queues = client.list_queues().queue_name_prefix("own").send().await.unwrap().queue_urls.unwrap();
    queues.sort();
    for (url, count) in queues.into_iter().zip([3, 2]) {
        let queue = Queue { client: client.clone(), url };
        assert_eq!(queue.counts().await.0, count, "{}", queue.url);
    }
    assert!(client.get_queue_url().queue_name("deleted").send().await.is_err());
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_receipt_that_is_out_of_date_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let limit = |options: &mut Options| options.limits.receives = 1;
    let cloud = start(folder.path(), limit).await;
    let (task, dead) = (Queue::of(&cloud, "task").await, Queue::of(&cloud, "task-dlq").await);
    task.send("slow", 0).await;
    let slow = task.receive(0).await;
    until("it is dead", || async { task.receive(0).await.is_empty() && dead.counts().await.0 == 1 }).await;
    task.delete(&slow[0]).await;
    cloud.running.stop().await;
    let cloud = start(folder.path(), limit).await;
    assert_eq!(bodies(&Queue::of(&cloud, "task-dlq").await.receive(600).await), ["slow"]);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_message_that_was_refused_when_the_cloud_was_killed_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = start(folder.path(), |_| {}).await;
    Queue::of(&cloud, "task").await.send("good", 0).await;
    cloud.running.stop().await;
    // As they are between being written down and being refused: without a body, and for a queue that can't be.
    let journal = rusqlite::Connection::open(folder.path().join("queues.sqlite")).unwrap();
    let copies = "INSERT INTO messages (queue, due_ms, message)
                      SELECT queue, due_ms, replace(message, '\"good\"', '\"\"') FROM messages
                      UNION ALL SELECT 'http://127.0.0.1/what is this?', due_ms, message FROM messages";
    assert_eq!(journal.execute(copies, []).unwrap(), 2);
    let cloud = start(folder.path(), |_| {}).await;
    assert_eq!(cloud.running.messages_put_back(), 1);
    assert_eq!(bodies(&Queue::of(&cloud, "task").await.receive(600).await), ["good"]);
    cloud.running.stop().await;
    let rows: u32 = journal.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "the others are gone");
}
