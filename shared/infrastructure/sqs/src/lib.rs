//! Jobs through SQS: one queue per fan-out shard, one for retries, one for tasks.

pub use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use tidings_application::error::PortError;
use tidings_application::ports::{FanOutQueue, RetryQueue, TaskQueue};
use tidings_domain::delivery::FanOut;
use tidings_domain::fan_out;
use tidings_domain::limits::FINISH_AFTER_S;
use tidings_domain::posting::Retry;
use tidings_domain::shard::shard_of;
use tidings_domain::task::Task;
use tidings_wire::job::Job;

/// The fan-out queues: one per shard.
#[derive(Clone, Debug)]
pub struct Shards {
    client: Client,
    queues: Vec<String>,
}

impl Shards {
    /// The queues with these URLs, in the order of the shards.
    pub const fn new(client: Client, queues: Vec<String>) -> Self {
        Self { client, queues }
    }
}

impl FanOutQueue for Shards {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        let shard = shard_of(job.conversation, self.queues.len());
        let queue = self.queues.get(shard).ok_or_else(|| PortError::fatal("no fan-out queue is configured"))?;
        send(&self.client, queue, &Job::Deliver(fan_out::Job::FanOut(job.clone())), 0).await
    }
}

/// Every queue that there is.
#[derive(Clone, Debug)]
pub struct Queues {
    shards: Shards,
    retry: String,
    task: String,
}

impl Queues {
    /// The fan-out queues, and those with these URLs: of posts to do again, and of requests to finish.
    pub const fn new(shards: Shards, retry: String, task: String) -> Self {
        Self { shards, retry, task }
    }
}

impl FanOutQueue for Queues {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        self.shards.fan_out(job).await
    }
}

impl RetryQueue for Queues {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        let again = Job::Deliver(fan_out::Job::Retry(job.clone()));
        send(&self.shards.client, &self.retry, &again, job.delay_s()).await
    }
}

impl TaskQueue for Queues {
    async fn finish(&self, task: &Task) -> Result<(), PortError> {
        send(&self.shards.client, &self.task, &Job::Finish(task.clone()), FINISH_AFTER_S).await
    }
}

/// Hands over a job that is to be delivered after so many seconds.
async fn send(client: &Client, queue: &str, job: &Job, delay_s: u32) -> Result<(), PortError> {
    let body = job.encode().map_err(PortError::fatal)?;
    let message = client.send_message().queue_url(queue).message_body(body);
    // SQS counts in i32, up to 15 minutes.
    let delay_s = i32::try_from(delay_s).unwrap_or(i32::MAX);
    let message = if delay_s == 0 { message } else { message.delay_seconds(delay_s) };
    match message.send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(queue, code = error.code(), error = %error, "job not queued");
            Err(PortError::retryable(error))
        }
    }
}
