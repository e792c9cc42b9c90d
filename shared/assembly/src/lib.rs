//! Adapters put together the way that more than one function needs them. What one function alone needs, it puts
//! together itself.

use aws_config::SdkConfig;
use tidings_application::deliver::Deliver;
use tidings_application::doors;
use tidings_application::pace::Pace;
use tidings_application::presence;
use tidings_application::send::SendMessages;
use tidings_domain::contact::DirectMessages;
use tidings_dynamodb::Client;
use tidings_dynamodb::contacts::PeopleTables;
use tidings_dynamodb::groups::GroupTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::social::SocialTable;
use tidings_gateway::Connections;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_sqs::{Queues, Shards};

/// Delivery over the gateway, the routes table and the queues.
pub type Delivery = Deliver<Metered<Connections>, Metered<RouteTable>, Metered<Queues>, SystemClock>;

/// Accounts over the tables.
pub type Accounts = SocialTable;

/// What people say of strangers, over the tables.
pub type People = PeopleTables;

/// `message.send` over the tables. Who writes to somebody for the first time needs to know what they say of strangers; who
/// only finishes what others wrote does not ([`Nobody`](tidings_application::send::Nobody)).
pub type Sender<P> = SendMessages<
    Metered<LogTable>,
    InboxTable,
    P,
    GroupTables,
    Metered<Connections>,
    Metered<RouteTable>,
    Metered<Queues>,
    SystemClock,
>;

/// Delivery, no faster than `pace`.
pub fn delivery(
    environment: &Environment,
    sdk: &SdkConfig,
    dynamo: &Client,
    pace: Pace,
    meter: &Meter,
) -> Setting<Delivery> {
    let (routes, endpoint, (shards, retry, task)) =
        all((environment.routes_table(), environment.gateway_endpoint(), environment.queue_urls()))?;
    let shards = Shards::new(tidings_sqs::Client::new(sdk), shards);
    Ok(Deliver {
        gateway: Metered::new(Connections::at(sdk, endpoint), meter),
        routes: Metered::new(RouteTable::new(dynamo.clone(), routes), meter),
        queue: Metered::new(Queues::new(shards, retry, task), meter),
        clock: SystemClock,
        pace,
    })
}

/// The fan-out queues alone.
pub fn shards(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<Metered<Shards>> {
    let queues = environment.fanout_queue_urls()?;
    Ok(Metered::new(Shards::new(tidings_sqs::Client::new(sdk), queues), meter))
}

/// Who has an account.
pub fn accounts(environment: &Environment, sdk: &SdkConfig) -> Setting<Accounts> {
    Ok(SocialTable::new(Client::new(sdk), environment.social_table()?))
}

/// What people say of strangers.
pub fn people(environment: &Environment, sdk: &SdkConfig) -> Setting<People> {
    let (social, inboxes) = all((environment.social_table(), environment.inboxes_table()))?;
    Ok(PeopleTables::new(Client::new(sdk), social, inboxes))
}

/// Who takes messages of whom, over the tables.
pub type Doors = doors::Doors<InboxTable, PeopleTables>;

/// Who takes messages of whom.
pub fn doors(environment: &Environment, sdk: &SdkConfig) -> Setting<Doors> {
    let (people, inboxes, direct) =
        all((people(environment, sdk), environment.inboxes_table(), environment.direct_messages()))?;
    Ok(Doors { inboxes: InboxTable::new(Client::new(sdk), inboxes), people, direct })
}

/// To whom people show themselves, over the tables.
pub type Circles = presence::Circles<SocialTable, InboxTable>;

/// To whom people show themselves.
pub fn circles(environment: &Environment, sdk: &SdkConfig) -> Setting<Circles> {
    let (accounts, inboxes) = all((accounts(environment, sdk), environment.inboxes_table()))?;
    Ok(Circles { accounts, relations: InboxTable::new(Client::new(sdk), inboxes) })
}

/// Groups.
pub fn groups(environment: &Environment, dynamo: &Client) -> Setting<GroupTables> {
    let (log, social, inboxes) =
        all((environment.log_table(), environment.social_table(), environment.inboxes_table()))?;
    Ok(GroupTables::new(dynamo.clone(), log, social, inboxes))
}

/// A sender that delivers no faster than `pace`, and asks these people by that rule.
pub fn sender<P>(
    environment: &Environment,
    sdk: &SdkConfig,
    (people, direct): (P, DirectMessages),
    pace: Pace,
    meter: &Meter,
) -> Setting<Sender<P>> {
    let dynamo = Client::new(sdk);
    let (log, inboxes, groups, deliver, inline_max) = all((
        environment.log_table(),
        environment.inboxes_table(),
        groups(environment, &dynamo),
        delivery(environment, sdk, &dynamo, pace, meter),
        environment.inline_push_max(),
    ))?;
    Ok(SendMessages {
        log: Metered::new(LogTable::new(dynamo.clone(), log), meter),
        inboxes: InboxTable::new(dynamo, inboxes),
        people,
        direct,
        groups,
        deliver,
        inline_max,
    })
}
