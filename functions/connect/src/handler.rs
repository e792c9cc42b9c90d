//! Event to route, answer to status.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::Error;
use serde_json::{Value, json};
use tidings_application::clock::Clock;
use tidings_application::connect::ConnectDevice;
use tidings_application::presence::TellWatchers;
use tidings_assembly::Circles;
use tidings_domain::connect::Answer;
use tidings_domain::route::Route;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::watches::WatchTable;
use tidings_gateway::Connections;
use tidings_metrics::Metric;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::invocation;
use tidings_runtime::meter::Meter;
use tidings_runtime::websocket::caller;

/// Anything but a 2xx status refuses the socket.
pub(crate) async fn handle(
    connect: &ConnectDevice<RouteTable, Connections, SystemClock>,
    tell: &TellWatchers<WatchTable, RouteTable, Circles, Connections, SystemClock>,
    meter: &Meter,
    event: ApiGatewayWebsocketProxyRequest,
) -> Result<Value, Error> {
    // By our own clock, which the sweeps compare it with.
    let route = Route { connected_at: SystemClock.now(), ..caller(&event.request_context)?.route() };
    invocation::is_of(route.user);
    let (user, device) = (route.user, route.device.clone());
    let status = match connect.run(route).await {
        Answer::Accepted => {
            // Best effort, and logged where it fails: it keeps nobody from connecting.
            drop(tell.came(user, &device).await);
            200
        }
        Answer::Refused => {
            meter.count(Metric::Refusals, 1);
            403
        }
        Answer::Unavailable => {
            meter.count(Metric::Unavailable, 1);
            503
        }
    };
    Ok(json!({ "statusCode": status }))
}
