//! `presence.*` and `typing`: who is there, and who writes.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::presence::{QueryPresence, WatchPresence};
use tidings_application::typing::TellTyping;
use tidings_dynamodb::{Client, routes::RouteTable, watches::WatchTable};
use tidings_gateway::Connections;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, clock::SystemClock, telemetry, websocket::Actions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (table, endpoint) = all((environment.routes_table(), environment.gateway_endpoint()))?;
    let sdk = aws::config().await;
    let audience = tidings_assembly::circles(&environment, &sdk)?;
    let (watches, clock) = (WatchTable::new(Client::new(&sdk), &table), SystemClock);
    let routes = RouteTable::new(Client::new(&sdk), table);
    let watch = Arc::new(WatchPresence { watches, query: QueryPresence { routes: routes.clone(), audience, clock } });
    let typing = Arc::new(TellTyping { routes, gateway: Connections::at(&sdk, endpoint), clock });
    let query = watch.clone();
    let actions = Actions::new(meter).on(move |caller, request| handler::query(query.clone(), caller, request));
    let actions = actions.on(move |caller, request| handler::watch(watch.clone(), caller, request));
    actions.on_notice(move |caller, request| handler::typing(typing.clone(), caller, request)).serve().await
}
