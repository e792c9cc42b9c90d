//! `deliver`: posts what `send` could not post itself.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, queue, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let settings = all((
        environment.routes_table(),
        environment.gateway_endpoint(),
        environment.fanout_queue_urls(),
        environment.retry_queue_url(),
    ))?;
    let deliver = handler::build(&aws::config().await, settings);
    let deliver = &deliver;
    queue::serve(|record| handler::work(deliver, record)).await
}
