//! Jobs through SQS: one queue per fan-out shard, and one for retries.

pub use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use tidings_application::error::PortError;
use tidings_application::ports::{FanOutQueue, RetryQueue};
use tidings_domain::delivery::{FanOut, Retry};
use tidings_domain::shard::shard_of;
use tidings_wire::job::Job;

/// The queues of a deployment.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    fan_out: Vec<String>,
    retry: String,
}

impl Queues {
    /// One URL per shard, in order, and that of the retry queue.
    pub const fn new(client: Client, fan_out: Vec<String>, retry: String) -> Self {
        Self { client, fan_out, retry }
    }

    async fn send(&self, queue: &str, job: &Job) -> Result<(), PortError> {
        let body = job.encode().map_err(PortError::fatal)?;
        match self.client.send_message().queue_url(queue).message_body(body).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(queue, code = error.code(), error = %error, "job not queued");
                Err(PortError::retryable(error))
            }
        }
    }
}

impl FanOutQueue for Queues {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        let shard = shard_of(job.conversation, self.fan_out.len());
        let queue = self.fan_out.get(shard).ok_or_else(|| PortError::fatal("no fan-out queue is configured"))?;
        self.send(queue, &Job::FanOut(job.clone())).await
    }
}

impl RetryQueue for Queues {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.send(&self.retry, &Job::Retry(job.clone())).await
    }
}
