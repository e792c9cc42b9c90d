//! `device.*`: where somebody is signed in.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::identity::{Kick, ListDevices, SignOutDevices};
use tidings_dynamodb::{Client, routes::RouteTable, social::SocialTable};
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{aws, telemetry, websocket::Actions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (social, routes, gateway) =
        all((environment.social_table(), environment.routes_table(), environment.gateway_endpoint()))?;
    let sdk = aws::config().await;
    let dynamo = Client::new(&sdk);
    let (sessions, routes) = (SocialTable::new(dynamo.clone(), social), RouteTable::new(dynamo, routes));
    let list = Arc::new(ListDevices { sessions: sessions.clone(), routes: routes.clone(), clock: SystemClock });
    let kick = Kick { sessions, routes, gateway: Connections::at(&sdk, gateway), clock: SystemClock };
    let sign_out = Arc::new(SignOutDevices { kick });
    let actions = Actions::new(meter).on(move |caller, request| handler::device_list(list.clone(), caller, request));
    actions.on(move |caller, request| handler::device_sign_out(sign_out.clone(), caller, request)).serve().await
}
