//! What ties people to others, and is undone when their account ends.

use aws_config::SdkConfig;
use tidings_application::contacts::{ChangeContact, ForgetStrangers};
use tidings_application::doors::Doors;
use tidings_application::groups::ChangeGroup;
use tidings_application::identity::{LeaveAll, NoNewcomers};
use tidings_domain::contact::DirectMessages;
use tidings_dynamodb::Client;
use tidings_dynamodb::contacts::ContactTables;
use tidings_dynamodb::groups::GroupTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_sqs::Shards;

/// Over AWS.
pub(crate) type Ties =
    LeaveAll<Metered<LogTable>, InboxTable, GroupTables, ContactTables, Metered<Shards>, SystemClock>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<Ties> {
    let dynamo = Client::new(sdk);
    let (log, social, inboxes, groups, queue) = all((
        environment.log_table(),
        environment.social_table(),
        environment.inboxes_table(),
        tidings_assembly::groups(environment, &dynamo),
        tidings_assembly::shards(environment, sdk, meter),
    ))?;
    let contacts = ContactTables::new(dynamo.clone(), &log, social, &inboxes);
    let inboxes = InboxTable::new(dynamo.clone(), inboxes);
    let log = Metered::new(LogTable::new(dynamo, log), meter);
    Ok(LeaveAll {
        groups: ChangeGroup {
            log: log.clone(),
            groups,
            doors: Doors { inboxes: inboxes.clone(), people: NoNewcomers, direct: DirectMessages::Contacts },
            queue: queue.clone(),
            clock: SystemClock,
            encode: tidings_wire::groups::encode,
        },
        contacts: ChangeContact { log, contacts, queue, clock: SystemClock, encode: tidings_wire::contacts::encode },
        strangers: ForgetStrangers { inboxes },
    })
}
