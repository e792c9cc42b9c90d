//! `$connect`: a device comes online with a ticket.

mod handler;

use lambda_runtime::{Error, LambdaEvent};
use tidings_application::connect::ConnectDevice;
use tidings_dynamodb::Client;
use tidings_dynamodb::routes::RouteTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, invocation, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (routes, endpoint) = all((environment.routes_table(), environment.gateway_endpoint()))?;
    let sdk = aws::config().await;
    let routes = RouteTable::new(Client::new(&sdk), routes);
    let connect = ConnectDevice { routes, gateway: Connections::at(&sdk, endpoint), clock: SystemClock };
    let connect = &connect;
    invocation::serve(&meter, |event: LambdaEvent<_>| handler::handle(connect, &meter, event.payload)).await
}
