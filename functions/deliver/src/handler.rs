//! Records to jobs.

use std::error::Error;
use std::sync::Arc;

use futures_util::future::join_all;
use tidings_application::send::Nobody;
use tidings_assembly::Sender;
use tidings_domain::fan_out;
use tidings_domain::task::Task;
use tidings_domain::time::Timestamp;
use tidings_metrics::Metric;
use tidings_runtime::meter::Meter;
use tidings_runtime::queue;
use tidings_wire::job::Job;

/// What became of a record. A record that is no job is an error too: it ends in the dead-letter queue, not lost.
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Works records off: jobs together, so that a connection gets one frame for all of them, and each task by itself.
pub(crate) async fn work(
    send: Arc<Sender<Nobody>>,
    meter: Meter,
    records: Vec<queue::Job>,
    until: Timestamp,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = records.iter().map(|_| Ok(())).collect();
    let (mut jobs, mut tasks) = (Vec::new(), Vec::new());
    for (index, record) in records.iter().enumerate() {
        match Job::decode(&record.body) {
            Ok(Job::Deliver(job)) => {
                // A retry and a task lie there on purpose.
                if matches!(job, fan_out::Job::FanOut(_)) {
                    meter.took(Metric::FanOutLag, record.queued_at);
                }
                jobs.push((index, job));
            }
            Ok(Job::Finish(task)) => tasks.push((index, task)),
            Err(invalid) => outcomes[index] = Err(invalid.into()),
        }
    }
    let (places, jobs): (Vec<usize>, Vec<fan_out::Job>) = jobs.into_iter().unzip();
    let finishing = tasks.into_iter().map(async |(index, task)| (index, finish(&send, task).await));
    let (done, finished) = tokio::join!(send.deliver.work(&send.groups, jobs, until), join_all(finishing));
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

async fn finish(send: &Sender<Nobody>, task: Task) -> Outcome {
    match task {
        Task::Send(unfinished) => Ok(send.finish(unfinished).await?),
    }
}
