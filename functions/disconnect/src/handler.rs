//! Event to connection, answer to status.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::Error;
use serde_json::{Value, json};
use tidings_application::connect::DisconnectDevice;
use tidings_application::presence::TellWatchers;
use tidings_assembly::Circles;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::watches::WatchTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::invocation;
use tidings_runtime::websocket::caller;

/// Nobody hears what it answers.
pub(crate) async fn handle(
    disconnect: &DisconnectDevice<RouteTable, SystemClock>,
    tell: &TellWatchers<WatchTable, RouteTable, Circles, Connections, SystemClock>,
    event: ApiGatewayWebsocketProxyRequest,
) -> Result<Value, Error> {
    let caller = caller(&event.request_context)?;
    invocation::is_of(caller.user);
    disconnect.run(caller.user, &caller.device, &caller.connection).await?;
    tell.went(caller.user).await?;
    Ok(json!({ "statusCode": 200 }))
}
