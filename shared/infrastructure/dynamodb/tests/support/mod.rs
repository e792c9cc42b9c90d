//! An embedded DynamoDB in memory with every table of Tidings, for contract tests. It is always consistent, as the
//! real one is not, so its client refuses to make a read that does not ask for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its DynamoDB is over")]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Credentials, Intercept, Region};
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};
use dynoxide::Database;
use tidings_tables::{KeyKind, KeySpec, TABLES, TableSpec};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// One empty DynamoDB of its own; it ends with this value.
pub(crate) struct Dynamo {
    /// A client of it.
    pub(crate) client: Client,
    _stop: oneshot::Sender<()>,
}

impl Dynamo {
    /// Starts it on a free port of 127.0.0.1 and creates every table under its logical name (`tidings_tables`).
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let database = Database::memory().unwrap();
        tokio::spawn(async move {
            dynoxide::server::serve_with_shutdown(listener, database, async {
                // Ends when the sender is dropped.
                let _ = stopped.await;
            })
            .await
        });

        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .interceptor(OnlyConsistent)
            .build();
        let client = Client::from_conf(config);
        for table in TABLES {
            create(&client, table).await;
        }
        Self { client, _stop: stop }
    }
}

/// Fails every read that is not strongly consistent.
#[derive(Debug)]
struct OnlyConsistent;

impl Intercept for OnlyConsistent {
    fn name(&self) -> &'static str {
        "OnlyConsistent"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let input = context.input();
        let consistent = if let Some(query) = input.downcast_ref::<QueryInput>() {
            query.consistent_read()
        } else if let Some(get) = input.downcast_ref::<GetItemInput>() {
            get.consistent_read()
        } else if let Some(batch) = input.downcast_ref::<BatchGetItemInput>() {
            let asked = batch.request_items().into_iter().flat_map(|tables| tables.values());
            Some(asked.into_iter().all(|table| table.consistent_read() == Some(true)))
        } else {
            return Ok(());
        };
        if consistent == Some(true) { Ok(()) } else { Err("an eventually consistent read".into()) }
    }
}

async fn create(client: &Client, table: &TableSpec) {
    let keys = [Some((table.partition_key, KeyType::Hash)), table.sort_key.map(|key| (key, KeyType::Range))];
    let mut request = client.create_table().table_name(table.name).billing_mode(BillingMode::PayPerRequest);
    for (key, role) in keys.into_iter().flatten() {
        request = request
            .attribute_definitions(definition(key))
            .key_schema(KeySchemaElement::builder().attribute_name(key.name).key_type(role).build().unwrap());
    }
    request.send().await.unwrap();
    if let Some(attribute) = table.ttl {
        let ttl = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build().unwrap();
        client.update_time_to_live().table_name(table.name).time_to_live_specification(ttl).send().await.unwrap();
    }
}

fn definition(key: KeySpec) -> AttributeDefinition {
    let kind = match key.kind {
        KeyKind::String => ScalarAttributeType::S,
        KeyKind::Number => ScalarAttributeType::N,
    };
    AttributeDefinition::builder().attribute_name(key.name).attribute_type(kind).build().unwrap()
}
