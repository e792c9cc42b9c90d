//! `deliver`: posts what `send` could not post itself.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::{aws, queue, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let deliver = handler::build(&environment, &aws::config().await)?;
    let deliver = &deliver;
    queue::serve(|record| handler::work(deliver, record)).await
}
