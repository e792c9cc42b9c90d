//! The contracts of the log, the inboxes and the routes, on the real adapters over an embedded DynamoDB.

mod support;

use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_tables::{INBOXES, LOG, ROUTES};
use tidings_testkit::messages::{append, contract};

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
async fn routes_keep_their_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::routes_hold(RouteTable::new(dynamo.client.clone(), ROUTES.name)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_senders_share_one_log() {
    let dynamo = support::Dynamo::start().await;
    let log = LogTable::new(dynamo.client.clone(), LOG.name);
    append::a_crowd_appends(log, InboxTable::new(dynamo.client.clone(), INBOXES.name)).await;
}
