//! `message.send`: appends messages and delivers them.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::pace::Pace;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let sdk = aws::config().await;
    let leave = all((tidings_assembly::people(&environment, &sdk), environment.direct_messages()))?;
    let send = Arc::new(tidings_assembly::sender(&environment, &sdk, leave, Pace::unbounded(), &meter)?);
    let actions = Actions::new(meter.clone());
    actions.on(move |caller, request| handler::message_send(send.clone(), meter.clone(), caller, request)).serve().await
}
