//! The contracts of the log, the inboxes and the routes, on the real adapters over an embedded DynamoDB.

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use tidings_domain::ids::{GroupId, UserId};
use tidings_dynamodb::contacts::{ContactTables, PeopleTables};
use tidings_dynamodb::groups::GroupTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::watches::WatchTable;
use tidings_tables::{INBOXES, LOG, ROUTES, SOCIAL};
use tidings_testkit::messages::{append, contract, doors, membership};
use tidings_testkit::presence::watches_hold;

#[tokio::test]
async fn the_log_keeps_its_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::log_holds(LogTable::new(dynamo.client.clone(), LOG.name)).await;
}

#[tokio::test]
async fn inboxes_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::inboxes_hold(InboxTable::new(dynamo.client.clone(), INBOXES.name)).await;
}

#[tokio::test]
async fn groups_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    let client = || dynamo.client.clone();
    let groups = GroupTables::new(client(), LOG.name, SOCIAL.name, INBOXES.name);
    let (log, inboxes) = (LogTable::new(client(), LOG.name), InboxTable::new(client(), INBOXES.name));
    membership::groups_keep_their_contract(&groups, &log, &inboxes, GroupId::from_bits(7)).await;
}

/// Writes what counts of an account, or takes it away.
#[expect(clippy::unwrap_used, reason = "what fails ends the test")]
async fn says(client: &tidings_dynamodb::Client, user: UserId, takes_strangers: Option<bool>) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let (pk, sk) = (text(&format!("user#{user}")), text("account"));
    let Some(takes) = takes_strangers else {
        client.delete_item().table_name(SOCIAL.name).key("pk", pk).key("sk", sk).send().await.unwrap();
        return;
    };
    let account = client.put_item().table_name(SOCIAL.name).item("pk", pk).item("sk", sk).item("username", text("x"));
    let account = if takes { account } else { account.item("messages_from", text("contacts")) };
    account.send().await.unwrap();
}

#[tokio::test]
async fn contacts_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    let client = || dynamo.client.clone();
    let contacts = ContactTables::new(client(), LOG.name, SOCIAL.name, INBOXES.name);
    let (log, inboxes) = (LogTable::new(client(), LOG.name), InboxTable::new(client(), INBOXES.name));
    let (known, unknown) = (UserId::from_bits(1 << 80), UserId::from_bits(2 << 80));
    says(&dynamo.client, known, Some(true)).await;
    doors::contacts_keep_their_contract(&contacts, &log, &inboxes, (known, unknown)).await;

    let people = PeopleTables::new(client(), SOCIAL.name, INBOXES.name);
    let says = async |user, takes| says(&dynamo.client, user, takes).await;
    doors::doors_keep_their_contract(&people, &inboxes, &contacts, UserId::from_bits(3 << 80), says).await;
}

#[tokio::test]
async fn routes_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::routes_hold(RouteTable::new(dynamo.client.clone(), ROUTES.name)).await;
}

#[tokio::test]
async fn sightings_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::sightings_hold(RouteTable::new(dynamo.client.clone(), ROUTES.name)).await;
}

/// In the same table, and in nobody's way there.
#[tokio::test]
async fn watches_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    watches_hold(WatchTable::new(dynamo.client.clone(), ROUTES.name)).await;
}

/// The contracts above say something about consistency only while the client that they use refuses eventual reads.
#[tokio::test]
async fn an_eventual_read_is_refused() {
    let dynamo = support::Dynamo::start().await;
    let get = dynamo.client.get_item().table_name(ROUTES.name);
    let get = ["user", "device"].iter().fold(get, |get, key| get.key(*key, AttributeValue::S("x".to_owned())));
    assert!(get.clone().consistent_read(true).send().await.is_ok());
    let error = get.send().await.unwrap_err();
    assert!(format!("{error:?}").contains("an eventually consistent read"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_senders_share_one_log() {
    let dynamo = support::Dynamo::start().await;
    let log = LogTable::new(dynamo.client.clone(), LOG.name);
    append::a_crowd_appends(log, InboxTable::new(dynamo.client.clone(), INBOXES.name)).await;
}
