//! `$disconnect`: a socket closed. Best effort on the gateway's side: routes also die by expiry and by Gone.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::json;
use tidings_application::connect::DisconnectDevice;
use tidings_application::presence::{TellWatchers, ToEverybody};
use tidings_dynamodb::{Client, routes::RouteTable, watches::WatchTable};
use tidings_gateway::Connections;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, clock::SystemClock, invocation, telemetry, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (table, endpoint) = all((environment.routes_table(), environment.gateway_endpoint()))?;
    let (sdk, clock) = (aws::config().await, SystemClock);
    let watches = WatchTable::new(Client::new(&sdk), &table);
    let (routes, gateway) = (RouteTable::new(Client::new(&sdk), table), Connections::at(&sdk, endpoint));
    let disconnect = &DisconnectDevice { routes: routes.clone(), clock };
    let tell = &TellWatchers { watches, routes, audience: ToEverybody, gateway, clock };
    invocation::serve(&meter, |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| async move {
        let caller = websocket::caller(&event.payload.request_context)?;
        invocation::is_of(caller.user);
        disconnect.run(caller.user, &caller.device, &caller.connection).await?;
        tell.went(caller.user).await?;
        Ok(json!({ "statusCode": 200 }))
    })
    .await
}
