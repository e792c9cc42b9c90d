//! `typing`: wire to request. It has no answer.

use std::sync::Arc;

use aws_config::SdkConfig;
use tidings_application::typing::{TellTyping, TypingError};
use tidings_dynamodb::Client;
use tidings_dynamodb::contacts::PeopleTables;
use tidings_dynamodb::groups::GroupTable;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_gateway::Connections;
use tidings_protocol::actions::Typing;
use tidings_protocol::error::ErrorBody;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::identity::of_port;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_runtime::websocket::Caller;
use tidings_wire::refusal;

/// The use case over AWS.
pub(crate) type Tell = TellTyping<GroupTable, InboxTable, PeopleTables, RouteTable, Connections, SystemClock>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig) -> Setting<Tell> {
    let (groups, doors, routes, endpoint) = all((
        environment.social_table(),
        tidings_assembly::doors(environment, sdk),
        environment.routes_table(),
        environment.gateway_endpoint(),
    ))?;
    let dynamo = Client::new(sdk);
    Ok(TellTyping {
        groups: GroupTable::new(dynamo.clone(), groups),
        doors,
        routes: RouteTable::new(dynamo, routes),
        gateway: Connections::at(sdk, endpoint),
        clock: SystemClock,
    })
}

/// `typing`.
pub(crate) async fn typing(tell: Arc<Tell>, caller: Caller, request: Typing) -> Result<(), ErrorBody> {
    let told = tell.run(caller.user, request.conversation.0, request.typing).await;
    told.map_err(|error| match error {
        TypingError::Denied(denied) => refusal::denied(denied),
        TypingError::Port(error) => of_port(&error),
    })
}
