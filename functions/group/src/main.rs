//! `group.*`: groups and their administration.

mod change;
mod look;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let sdk = aws::config().await;
    let change = Arc::new(change::build(&environment, &sdk, &meter)?);
    let look = Arc::new(look::build(&environment, &sdk, &meter)?);
    look::serve(&look, change::serve(&change, Actions::new(meter))).serve().await
}
