//! The contract of the ports over accounts and sessions, on the real adapter.

mod support;

#[tokio::test]
async fn starts() {
    let dynamo = support::Dynamo::start().await;
    let tables = dynamo.client.list_tables().send().await.unwrap();
    assert_eq!(tables.table_names().len(), 4);
}
