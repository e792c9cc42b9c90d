//! `deliver`: posts what `send` could not post itself, and finishes what a request left half done.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::pace::Pace;
use tidings_application::send::Nobody;
use tidings_domain::contact::DirectMessages;
use tidings_runtime::settings::Environment;
use tidings_runtime::{aws, queue, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let pace = Pace::per_second(environment.worker_posts_per_s()?);
    // Nobody's leave is asked, so the rule is of no account.
    let leave = (Nobody, DirectMessages::Contacts);
    let send = Arc::new(tidings_assembly::sender(&environment, &aws::config().await, leave, pace, &meter)?);
    queue::serve(&meter, |records, until| handler::work(send.clone(), meter.clone(), records, until)).await
}
