//! Records put into queues and counted there, past the functions.

use serde_json::{Value, json};

use crate::cloud::Cloud;

impl Cloud {
    /// Puts a record into the queue with that short name: `fanout-0`, `retry`, `task`.
    pub async fn enqueue(&self, queue: &str, body: &str) {
        let answer = self.sqs("SendMessage", queue, json!({ "MessageBody": body })).await;
        assert!(answer["MessageId"].is_string(), "{queue}: {answer}");
    }

    /// Records that wait in the queue.
    pub async fn queued(&self, queue: &str) -> u64 {
        let asked = json!({ "AttributeNames": ["ApproximateNumberOfMessages"] });
        let answer = self.sqs("GetQueueAttributes", queue, asked).await;
        answer["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().parse().unwrap()
    }

    /// Throws away what is in the queue.
    pub async fn purge(&self, queue: &str) {
        self.sqs("PurgeQueue", queue, json!({})).await;
    }

    async fn sqs(&self, operation: &str, queue: &str, mut fields: Value) -> Value {
        let endpoints = self.endpoints();
        fields["QueueUrl"] = endpoints.queues[queue].clone().into();
        let request = self
            .http
            .post(&endpoints.sqs)
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(fields.to_string());
        request.send().await.unwrap().json().await.unwrap_or(Value::Null)
    }
}
