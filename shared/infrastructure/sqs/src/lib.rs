//! Jobs through SQS: one queue per fan-out shard, and one for retries.

pub use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use tidings_application::error::PortError;
use tidings_application::ports::{FanOutQueue, RetryQueue};
use tidings_domain::delivery::{FanOut, Retry};
use tidings_domain::shard::shard_of;
use tidings_wire::job::Job;

/// The retry queue.
#[derive(Clone, Debug)]
pub struct RetryJobs {
    client: Client,
    queue: String,
}

impl RetryJobs {
    /// The queue with this URL.
    pub const fn new(client: Client, queue: String) -> Self {
        Self { client, queue }
    }
}

impl RetryQueue for RetryJobs {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        send(&self.client, &self.queue, &Job::Retry(job.clone())).await
    }
}

/// Every queue that a sender needs: one per shard, and the retry queue.
#[derive(Clone, Debug)]
pub struct Queues {
    fan_out: Vec<String>,
    retries: RetryJobs,
}

impl Queues {
    /// One URL per shard, in order, and that of the retry queue.
    pub const fn new(client: Client, fan_out: Vec<String>, retry: String) -> Self {
        Self { fan_out, retries: RetryJobs::new(client, retry) }
    }
}

impl FanOutQueue for Queues {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        let shard = shard_of(job.conversation, self.fan_out.len());
        let queue = self.fan_out.get(shard).ok_or_else(|| PortError::fatal("no fan-out queue is configured"))?;
        send(&self.retries.client, queue, &Job::FanOut(job.clone())).await
    }
}

impl RetryQueue for Queues {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.retries.retry(job).await
    }
}

async fn send(client: &Client, queue: &str, job: &Job) -> Result<(), PortError> {
    let body = job.encode().map_err(PortError::fatal)?;
    match client.send_message().queue_url(queue).message_body(body).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(queue, code = error.code(), error = %error, "job not queued");
            Err(PortError::retryable(error))
        }
    }
}
