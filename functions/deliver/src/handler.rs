//! Records to jobs.

use std::error::Error;
use std::sync::Arc;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use tidings_application::deliver::Deliver;
use tidings_application::pace::Pace;
use tidings_application::send::SendMessages;
use tidings_domain::fan_out;
use tidings_domain::task::Task;
use tidings_domain::time::Timestamp;
use tidings_dynamodb::Client;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::social::SocialTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_sqs::Queues;
use tidings_wire::job::Job;

type Send = SendMessages<LogTable, InboxTable, SocialTable, Connections, RouteTable, Queues, SystemClock>;

/// What became of a record. A record that is no job is an error too: it ends in the dead-letter queue, not lost.
type Outcome = Result<(), Box<dyn Error + std::marker::Send + Sync>>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig) -> Setting<Arc<Send>> {
    let (log, inboxes, social, routes, endpoint, (fan_out, retry, task), inline_max, posts_per_s) = all((
        environment.log_table(),
        environment.inboxes_table(),
        environment.social_table(),
        environment.routes_table(),
        environment.gateway_endpoint(),
        environment.queue_urls(),
        environment.inline_push_max(),
        environment.worker_posts_per_s(),
    ))?;
    let dynamo = Client::new(sdk);
    Ok(Arc::new(SendMessages {
        log: LogTable::new(dynamo.clone(), log),
        inboxes: InboxTable::new(dynamo.clone(), inboxes),
        accounts: SocialTable::new(dynamo.clone(), social),
        deliver: Deliver {
            gateway: Connections::at(sdk, endpoint),
            routes: RouteTable::new(dynamo, routes),
            queue: Queues::new(tidings_sqs::Client::new(sdk), fan_out, retry, task),
            clock: SystemClock,
            pace: Pace::per_second(posts_per_s),
        },
        inline_max,
    }))
}

/// Works records off: jobs together, so that a connection gets one frame for all of them, and each task by itself.
pub(crate) async fn work(send: Arc<Send>, records: Vec<String>, until: Timestamp) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(records.len());
    let (mut jobs, mut tasks) = (Vec::new(), Vec::new());
    for (index, record) in records.iter().enumerate() {
        outcomes.push(Job::decode(record).map_err(Into::into).map(|job| match job {
            Job::Deliver(job) => jobs.push((index, job)),
            Job::Finish(task) => tasks.push((index, task)),
        }));
    }
    let (places, jobs): (Vec<usize>, Vec<fan_out::Job>) = jobs.into_iter().unzip();
    let finishing = tasks.into_iter().map(async |(index, task)| (index, finish(&send, task).await));
    let (done, finished) = tokio::join!(send.deliver.work(jobs, until), join_all(finishing));
    for (index, done) in places.into_iter().zip(done) {
        if !done {
            outcomes[index] = Err("the routes could not be read, or what failed could not be queued again".into());
        }
    }
    for (index, outcome) in finished {
        outcomes[index] = outcome;
    }
    outcomes
}

async fn finish(send: &Send, task: Task) -> Outcome {
    match task {
        Task::Send(unfinished) => Ok(send.finish(unfinished).await?),
    }
}
