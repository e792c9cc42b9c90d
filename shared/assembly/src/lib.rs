//! Adapters put together the way that more than one function needs them. What one function alone needs, it puts
//! together itself.

use aws_config::SdkConfig;
use tidings_application::deliver::Deliver;
use tidings_application::pace::Pace;
use tidings_application::send::SendMessages;
use tidings_dynamodb::Client;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::social::SocialTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_sqs::Queues;

/// Delivery over the gateway, the routes table and the queues.
pub type Delivery = Deliver<Connections, RouteTable, Queues, SystemClock>;

/// `message.send` over the tables.
pub type Sender = SendMessages<LogTable, InboxTable, SocialTable, Connections, RouteTable, Queues, SystemClock>;

/// Delivery, no faster than `pace`.
pub fn delivery(environment: &Environment, sdk: &SdkConfig, dynamo: &Client, pace: Pace) -> Setting<Delivery> {
    let (routes, endpoint, (fan_out, retry, task)) =
        all((environment.routes_table(), environment.gateway_endpoint(), environment.queue_urls()))?;
    Ok(Deliver {
        gateway: Connections::at(sdk, endpoint),
        routes: RouteTable::new(dynamo.clone(), routes),
        queue: Queues::new(tidings_sqs::Client::new(sdk), fan_out, retry, task),
        clock: SystemClock,
        pace,
    })
}

/// A sender that delivers no faster than `pace`.
pub fn sender(environment: &Environment, sdk: &SdkConfig, pace: Pace) -> Setting<Sender> {
    let dynamo = Client::new(sdk);
    let (log, inboxes, social, deliver, inline_max) = all((
        environment.log_table(),
        environment.inboxes_table(),
        environment.social_table(),
        delivery(environment, sdk, &dynamo, pace),
        environment.inline_push_max(),
    ))?;
    Ok(SendMessages {
        log: LogTable::new(dynamo.clone(), log),
        inboxes: InboxTable::new(dynamo.clone(), inboxes),
        accounts: SocialTable::new(dynamo, social),
        deliver,
        inline_max,
    })
}
