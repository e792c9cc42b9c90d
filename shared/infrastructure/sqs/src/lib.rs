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

/// Every queue that there is.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    fan_out: Vec<String>,
    retry: String,
    task: String,
}

impl Queues {
    /// The queues with these URLs: one per shard, in the order of the shards, that of posts to do again, and that of
    /// requests to finish.
    pub const fn new(client: Client, fan_out: Vec<String>, retry: String, task: String) -> Self {
        Self { client, fan_out, retry, task }
    }

    /// Hands over a job that is to be delivered after so many seconds.
    async fn send(&self, queue: &str, job: &Job, delay_s: u32) -> Result<(), PortError> {
        let body = job.encode().map_err(PortError::fatal)?;
        let message = self.client.send_message().queue_url(queue).message_body(body);
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
}

impl FanOutQueue for Queues {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        let shard = shard_of(job.conversation, self.fan_out.len());
        let queue = self.fan_out.get(shard).ok_or_else(|| PortError::fatal("no fan-out queue is configured"))?;
        self.send(queue, &Job::Deliver(fan_out::Job::FanOut(job.clone())), 0).await
    }
}

impl RetryQueue for Queues {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.send(&self.retry, &Job::Deliver(fan_out::Job::Retry(job.clone())), job.delay_s()).await
    }
}

impl TaskQueue for Queues {
    async fn finish(&self, task: &Task) -> Result<(), PortError> {
        self.send(&self.task, &Job::Finish(task.clone()), FINISH_AFTER_S).await
    }
}
