//! `$disconnect`: a socket closed. Best effort on the gateway's side: routes also die by expiry and by Gone.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::json;
use tidings_application::connect::DisconnectDevice;
use tidings_dynamodb::{Client, routes::RouteTable};
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, invocation, telemetry, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (table,) = all((environment.routes_table(),))?;
    let routes = RouteTable::new(Client::new(&aws::config().await), table);
    let disconnect = &DisconnectDevice { routes };
    invocation::serve(&meter, |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| async move {
        let caller = websocket::caller(&event.payload.request_context)?;
        invocation::is_of(caller.user);
        disconnect.run(caller.user, &caller.device, &caller.connection).await?;
        Ok(json!({ "statusCode": 200 }))
    })
    .await
}
