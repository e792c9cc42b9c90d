//! The contract of accounts and sessions, on the real adapter over an embedded DynamoDB.

mod support;

use tidings_dynamodb::social::SocialTable;
use tidings_tables::SOCIAL;
use tidings_testkit::identity::contract;

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    let dynamo = support::Dynamo::start().await;
    contract::holds(SocialTable::new(dynamo.client.clone(), SOCIAL.name)).await;
}

#[tokio::test]
async fn a_missing_table_is_no_passing_failure() {
    use tidings_application::identity::ports::AccountRead;

    let dynamo = support::Dynamo::start().await;
    let nowhere = SocialTable::new(dynamo.client.clone(), "nowhere");
    let error = nowhere.user_named(&"alice".parse().unwrap()).await.unwrap_err();
    assert!(!error.retryable && error.to_string().starts_with("ResourceNotFoundException"), "{error}");
}
