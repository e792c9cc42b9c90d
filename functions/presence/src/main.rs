//! `presence.*` and `typing`: who is there, and who writes.

mod handler;
mod typing;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::presence::{QueryPresence, WatchPresence};
use tidings_dynamodb::{Client, routes::RouteTable, watches::WatchTable};
use tidings_runtime::settings::Environment;
use tidings_runtime::{aws, clock::SystemClock, telemetry, websocket::Actions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let table = environment.routes_table()?;
    let sdk = aws::config().await;
    let audience = tidings_assembly::circles(&environment, &sdk)?;
    let (watches, clock) = (WatchTable::new(Client::new(&sdk), &table), SystemClock);
    let routes = RouteTable::new(Client::new(&sdk), table);
    let query = QueryPresence { routes, audience, clock };
    let watch = Arc::new(WatchPresence { watches, query: query.clone() });
    let typing = Arc::new(typing::build(&environment, &sdk)?);
    let actions = Actions::new(meter).with(&Arc::new(query), handler::query).with(&watch, handler::watch);
    actions.on_notice(move |caller, request| typing::typing(typing.clone(), caller, request)).serve().await
}
