//! A backend's queues: passes on what is asked of them, and asks for what we need ourselves.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    ChangeMessageVisibilityBatchInput, CreateQueueInput, DeleteMessageBatchInput, GetQueueAttributesInput,
    ReceiveMessageInput,
};
use rustack_sqs_model::types::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::remote::{self, Remote, RemoteError};
use super::{Backend, BackendError};
use crate::server::{self, Body};
use crate::sqs::embedded;

/// Tells old clients, and those that come from them, an error's code and whose fault it is.
const QUERY_ERROR: &str = "x-amzn-query-error";
/// As many queues as SQS lists in one answer. Source: SQS, ListQueues.
const LISTED: u32 = 1000;

/// How often a batch is deleted until it is gone, and what is waited after a call that failed: a lost connection is made
/// again at once.
const DELETE_TRIES: u32 = 3;
const DELETE_PAUSE: Duration = Duration::from_millis(200);

/// The queues of a backend.
#[derive(Debug)]
pub(crate) struct Queues {
    remote: Remote,
}

impl Queues {
    /// Nobody is called yet.
    pub(crate) fn new(backend: &Backend) -> Result<Self, BackendError> {
        Ok(Self { remote: Remote::new(backend, remote::Service::Sqs)? })
    }

    /// Passes a call on.
    pub(crate) async fn serve(&self, operation: &str, body: Bytes) -> Response<Body> {
        match self.remote.operate(operation, body).await {
            Ok((status, headers, answer)) => {
                let mut response = server::aws_json(status, answer);
                if let Some(error) = headers.get(QUERY_ERROR) {
                    response.headers_mut().insert(QUERY_ERROR, error.clone());
                }
                response
            }
            Err(error) => embedded::refuse(&failed(operation)(error)).await,
        }
    }

    /// The URL of a queue with these attributes, which is made if it isn't there, and changed if it is another.
    pub(crate) async fn create(&self, input: &CreateQueueInput) -> Result<String, SqsError> {
        let found = match self.remote.ask("GetQueueUrl", &json!({ "QueueName": input.queue_name })).await {
            Ok(found) => Some(url(&found)),
            Err(error) if is_unknown(&error) => None,
            Err(error) => return Err(failed("GetQueueUrl")(error)),
        };
        let url = match found {
            Some(url) => url,
            None => match self.remote.ask("CreateQueue", input).await {
                Ok(made) => return Ok(url(&made)),
                // Somebody else was faster, with attributes of their own.
                Err(error) if is_there_already(&error) => url(&self
                    .remote
                    .ask("GetQueueUrl", &json!({ "QueueName": input.queue_name }))
                    .await
                    .map_err(failed("GetQueueUrl"))?),
                Err(error) => return Err(failed("CreateQueue")(error)),
            },
        };
        let attributes = json!({ "QueueUrl": url, "Attributes": input.attributes });
        self.ask::<Value>("SetQueueAttributes", &attributes).await?;
        Ok(url)
    }

    /// The full names of the queues that begin so.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, SqsError> {
        let request = json!({ "QueueNamePrefix": prefix, "MaxResults": LISTED });
        let listed: Value = self.ask("ListQueues", &request).await?;
        let urls = listed["QueueUrls"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(urls.filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect())
    }

    /// A queue's attributes.
    pub(crate) async fn attributes(
        &self,
        input: &GetQueueAttributesInput,
    ) -> Result<HashMap<String, String>, SqsError> {
        self.ask_for("GetQueueAttributes", input, "Attributes").await
    }

    /// What a queue gives out, after a wait if it is told to.
    pub(crate) async fn receive(&self, input: &ReceiveMessageInput) -> Result<Vec<Message>, SqsError> {
        self.ask_for("ReceiveMessage", input, "Messages").await
    }

    /// Deletes messages, and tries again with those that could not be deleted: they are done, and would be done twice.
    pub(crate) async fn delete(&self, input: &DeleteMessageBatchInput) -> Result<(), SqsError> {
        let mut left = input.clone();
        for _ in 1..DELETE_TRIES {
            match self.ask::<Value>("DeleteMessageBatch", &left).await {
                Ok(answer) => {
                    let failed = failed_ids(&answer);
                    left.entries.retain(|entry| failed.contains(&entry.id.as_str()));
                    if left.entries.is_empty() {
                        return Ok(());
                    }
                }
                Err(_) => tokio::time::sleep(DELETE_PAUSE).await,
            }
        }
        self.ask::<Value>("DeleteMessageBatch", &left).await.map(drop)
    }

    /// Changes when messages come again.
    pub(crate) async fn show(&self, input: &ChangeMessageVisibilityBatchInput) -> Result<(), SqsError> {
        self.ask::<Value>("ChangeMessageVisibilityBatch", input).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, operation: &str, input: &impl Serialize) -> Result<T, SqsError> {
        let answer = self.remote.ask(operation, input).await.map_err(failed(operation))?;
        read(operation, answer)
    }

    /// One member of an answer; nothing if it isn't there, or null.
    async fn ask_for<T>(&self, operation: &str, input: &impl Serialize, member: &str) -> Result<T, SqsError>
    where
        T: DeserializeOwned + Default,
    {
        let mut answer: Value = self.ask(operation, input).await?;
        match answer.get_mut(member).map(Value::take) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(found) => read(operation, found),
        }
    }
}

/// The entries of a batch that were not carried out.
fn failed_ids(answer: &Value) -> Vec<&str> {
    let failed = answer["Failed"].as_array().into_iter().flatten();
    failed.filter_map(|entry| entry["Id"].as_str()).collect()
}

fn read<T: DeserializeOwned>(operation: &str, answer: Value) -> Result<T, SqsError> {
    serde_json::from_value(answer).map_err(|error| SqsError::internal_error(format!("{operation}'s answer: {error}")))
}

fn url(answer: &Value) -> String {
    answer["QueueUrl"].as_str().unwrap_or_default().to_owned()
}

/// Whether it says that there is no such queue: by its new name, or by the one from before JSON.
fn is_unknown(error: &RemoteError) -> bool {
    error.is("QueueDoesNotExist") || error.is("NonExistentQueue")
}

/// Whether it says that there is such a queue with other attributes, by either name.
fn is_there_already(error: &RemoteError) -> bool {
    error.is("QueueNameExists") || error.is("QueueAlreadyExists")
}

fn failed(operation: &str) -> impl Fn(RemoteError) -> SqsError {
    let operation = operation.to_owned();
    move |error| SqsError::internal_error(format!("the backend fails at SQS's {operation}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_deleted_is_read() {
        let answer = json!({ "Successful": [{ "Id": "0" }], "Failed": [{ "Id": "1", "Code": "InternalError" }] });
        assert_eq!(failed_ids(&answer), ["1"]);
        assert_eq!(failed_ids(&json!({ "Successful": [] })), [] as [&str; 0]);
        assert_eq!(failed_ids(&Value::Null), [] as [&str; 0]);
    }
}
