//! `$connect`: a device comes online with a ticket.

mod handler;

use lambda_runtime::{Error, LambdaEvent};
use tidings_application::connect::ConnectDevice;
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
    let connect = ConnectDevice { routes: routes.clone(), gateway: gateway.clone(), clock: SystemClock };
    let tell = TellWatchers { watches, routes, audience, gateway, clock: SystemClock };
    let (connect, tell) = (&connect, &tell);
    invocation::serve(&meter, |event: LambdaEvent<_>| handler::handle(connect, tell, &meter, event.payload)).await
}
