//! The tables, as `tidings-tables` describes them.

use serde_json::{Value, json};
use tidings_tables::{KeySpec, TABLES, TableSpec};

use crate::document::{Named, Resource, Section};
use crate::intrinsics::{only, reference};
use crate::names;
use crate::parameters::{MANAGED_KEY, warm_condition, warm_reads, warm_writes};

/// All tables.
pub(crate) fn section() -> Section {
    let mut resources = Named::default();
    for spec in TABLES {
        resources.add(names::table(spec.name), Resource::new("AWS::DynamoDB::Table", definition(spec)).kept());
    }
    Section { title: "Tables: on demand, so that they cost nothing when nobody talks", resources }
}

/// Without a name of our own: what a stack left behind would be in the way of the next one, and CloudFormation replaces
/// nothing that has a name.
fn definition(spec: &TableSpec) -> Value {
    let keys = [Some((&spec.partition_key, "HASH")), spec.sort_key.as_ref().map(|key| (key, "RANGE"))];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let attribute = |key: &KeySpec| json!({ "AttributeName": key.name, "AttributeType": key.kind.as_str() });
    let mut table = json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": keys.iter().map(|(key, _)| attribute(key)).collect::<Vec<_>>(),
        "KeySchema": keys.iter().map(|(key, role)| json!({ "AttributeName": key.name, "KeyType": role })).collect::<Vec<_>>(),
        "DeletionProtectionEnabled": reference("DeletionProtection"),
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": reference("PointInTimeRecovery") },
        // Without it DynamoDB encrypts with a key of its own, which costs nothing.
        "SSESpecification": only(MANAGED_KEY, json!({ "SSEEnabled": true, "SSEType": "KMS" })),
        "WarmThroughput": only(&warm_condition(spec), json!({
            "ReadUnitsPerSecond": reference(warm_reads(spec)),
            "WriteUnitsPerSecond": reference(warm_writes(spec)),
        })),
    });
    if let Some(attribute) = spec.ttl {
        table["TimeToLiveSpecification"] = json!({ "AttributeName": attribute, "Enabled": true });
    }
    table
}
