//! Record to job.

use aws_config::SdkConfig;
use tidings_application::deliver::Deliver;
use tidings_dynamodb::Client;
use tidings_dynamodb::routes::RouteTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_sqs::RetryJobs;
use tidings_wire::job::Job;

type Delivery = Deliver<Connections, RouteTable, RetryJobs, SystemClock>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig) -> Setting<Delivery> {
    let (routes, endpoint, retry) =
        all((environment.routes_table(), environment.gateway_endpoint(), environment.retry_queue_url()))?;
    Ok(Deliver {
        gateway: Connections::at(sdk, endpoint),
        routes: RouteTable::new(Client::new(sdk), routes),
        queue: RetryJobs::new(tidings_sqs::Client::new(sdk), retry),
        clock: SystemClock,
    })
}

/// Works one record off. A record that is no job is an error too: it ends in the dead-letter queue, not lost.
pub(crate) async fn work(deliver: &Delivery, record: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match Job::decode(&record)? {
        Job::FanOut(job) => deliver.fan_out(job).await?,
        Job::Retry(job) => deliver.again(job).await?,
    }
    Ok(())
}
