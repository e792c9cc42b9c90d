//! `$default`: the error for what is no action.

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::telemetry;
use tidings_runtime::websocket::Actions;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let meter = telemetry::start(&Environment::process())?;
    Actions::new(meter).serve().await
}
