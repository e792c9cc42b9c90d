//! `$disconnect`: a socket closed. Best effort on the gateway's side: routes also die by expiry and by Gone.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tidings_application::connect::DisconnectDevice;
use tidings_dynamodb::{Client, routes::RouteTable};
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, telemetry, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let (table,) = all((environment.routes_table(),))?;
    let routes = RouteTable::new(Client::new(&aws::config().await), table);
    let disconnect = &DisconnectDevice { routes };
    lambda_runtime::run(service_fn(|event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| async move {
        let caller = websocket::caller(&event.payload.request_context)?;
        disconnect.run(caller.user, &caller.device, &caller.connection).await?;
        Ok::<Value, Error>(json!({ "statusCode": 200 }))
    }))
    .await
}
