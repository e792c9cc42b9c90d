//! `sync`, `history` and `conversation.read`.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (sync, history, read) = handler::build(&environment, &aws::config().await, &meter)?;
    Actions::new(meter)
        .on(move |caller, request| handler::sync(sync.clone(), caller, request))
        .on(move |caller, request| handler::history(history.clone(), caller, request))
        .on(move |caller, request| handler::conversation_read(read.clone(), caller, request))
        .serve()
        .await
}
