//! `message.send`: appends messages and delivers them.

mod handler;

use lambda_runtime::Error;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let settings = all((
        environment.log_table(),
        environment.inboxes_table(),
        environment.social_table(),
        environment.routes_table(),
        environment.gateway_endpoint(),
        environment.fanout_queue_urls(),
        environment.retry_queue_url(),
        environment.inline_push_max(),
    ))?;
    let send = handler::build(&aws::config().await, settings);
    Actions::new().on(move |caller, request| handler::message_send(send.clone(), caller, request)).serve().await
}
