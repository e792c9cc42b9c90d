//! Records put into queues and counted there, past the functions.

use serde_json::{Value, json};
use tidings_domain::ids::ConversationId;
use tidings_domain::log::Draft;
use tidings_domain::send;
use tidings_domain::task::Task;
use tidings_protocol::body::Body;
use tidings_wire::entry::body_in;
use tidings_wire::job::Job;

use crate::cloud::Cloud;
use crate::person::Person;

/// The task that a `message.send` of one message leaves when it runs out of time.
pub fn task(sender: &Person, conversation: ConversationId, message: &Value) -> String {
    let body: Body = serde_json::from_value(message["body"].clone()).unwrap();
    let client_id = message["client_id"].as_str().unwrap().parse().unwrap();
    let drafts = vec![Draft { client_id, body: body_in(&body).unwrap() }];
    let request = send::Request { conversation, sender: sender.user, connection: None, after: None, drafts };
    Job::Finish(Task::Send(request)).encode().unwrap()
}

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
        self.signed("sqs", &endpoints.sqs, &format!("AmazonSQS.{operation}"), &fields).await
    }
}
