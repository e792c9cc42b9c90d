//! `$disconnect`: a socket closed. Best effort on the gateway's side: routes also die by expiry and by Gone.

mod handler;

use lambda_runtime::{Error, LambdaEvent};
use tidings_application::connect::DisconnectDevice;
use tidings_application::presence::TellWatchers;
use tidings_dynamodb::{Client, routes::RouteTable, watches::WatchTable};
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, invocation, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (table, endpoint) = all((environment.routes_table(), environment.gateway_endpoint()))?;
    let sdk = aws::config().await;
    let audience = tidings_assembly::circles(&environment, &sdk)?;
    let watches = WatchTable::new(Client::new(&sdk), &table);
    let (routes, gateway) = (RouteTable::new(Client::new(&sdk), table), Connections::at(&sdk, endpoint));
    let disconnect = &DisconnectDevice { routes: routes.clone(), clock: SystemClock };
    let tell = &TellWatchers { watches, routes, audience, gateway, clock: SystemClock };
    invocation::serve(&meter, |event: LambdaEvent<_>| handler::handle(disconnect, tell, event.payload)).await
}
