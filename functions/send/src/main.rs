//! `message.send`: appends messages and delivers them.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let send = handler::build(&environment, &aws::config().await)?;
    Actions::new().on(move |caller, request| handler::message_send(send.clone(), caller, request)).serve().await
}
