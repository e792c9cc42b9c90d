//! The HTTP API.

mod account;
mod accounts;
mod app;
mod bearer;
mod checked;
mod keys;
mod messages;
mod refused;
mod router;
mod sessions;
#[cfg(test)]
mod tests;
mod tickets;
mod ties;
mod watched;

use lambda_http::{Error, run};
use tidings_runtime::settings::Environment;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let app = app::build(&environment, &aws::config().await, &meter)?;
    run(watched::watched(router::router(app), meter)).await
}
