//! `deliver`: posts what `send` could not post itself, and finishes what a request left half done.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::{aws, queue, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let send = handler::build(&environment, &aws::config().await)?;
    queue::serve(|records, until| handler::work(send.clone(), records, until)).await
}
