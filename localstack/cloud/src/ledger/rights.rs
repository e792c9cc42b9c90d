//! What each function did, as a role must allow it: IAM action, resource, and for tables the kind of partition key.
//!
//! The cloud refuses nobody. What it writes down here is compared with the deployment's roles when all tests have run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// What each function did, by its name.
pub type Rights = BTreeMap<String, BTreeSet<Right>>;

/// One thing that a function did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Right {
    /// As IAM names it: `dynamodb:PutItem`.
    pub action: String,
    /// `table/tidings-local-log`, `queue/tidings-local-retry`, `connections/POST`, `bucket/tidings-local-files`.
    pub resource: String,
    /// The kind of partition key, of a table that has kinds: `user#`, `d:`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Right {
    /// An action on a resource as a whole.
    pub(crate) fn on(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), key: None }
    }

    /// An operation on a queue, given by its URL. IAM knows no batches: they are what they are batches of.
    pub(crate) fn of_queue(operation: &str, url: &str) -> Self {
        let operation = operation.strip_suffix("Batch").unwrap_or(operation);
        Self::on(format!("sqs:{operation}"), format!("queue/{}", url.rsplit('/').next().unwrap_or(url)))
    }

    /// What an operation on tables needs. A transaction is what its items do, each by itself; a batch is one action on
    /// each of its tables. Source: Service Authorization Reference, Amazon `DynamoDB`; "Using IAM with transactions".
    pub(crate) fn of_tables<'a>(
        operation: &str,
        request: &Value,
        partition_key: impl Fn(&str) -> Option<&'a str>,
    ) -> Vec<Self> {
        let right = |action: &str, table: &str, part: &Value| Self {
            action: format!("dynamodb:{action}"),
            resource: format!("table/{table}"),
            key: partition_key(table).and_then(|name| kind(key_of(part, name)?)),
        };
        if let Some(items) = request["TransactItems"].as_array() {
            let parts = items.iter().filter_map(Value::as_object).flatten();
            return parts
                .filter_map(|(member, part)| Some(right(item_action(member)?, part["TableName"].as_str()?, part)))
                .collect();
        }
        if let Some(tables) = request["RequestItems"].as_object() {
            return tables
                .iter()
                .flat_map(|(table, asked)| parts(asked).into_iter().map(|part| right(operation, table, &part)))
                .collect();
        }
        request["TableName"].as_str().map(|table| right(operation, table, request)).into_iter().collect()
    }
}

/// What an item of a transaction does.
fn item_action(member: &str) -> Option<&'static str> {
    match member {
        "Get" => Some("GetItem"),
        "Put" => Some("PutItem"),
        "Update" => Some("UpdateItem"),
        "Delete" => Some("DeleteItem"),
        "ConditionCheck" => Some("ConditionCheckItem"),
        _ => None,
    }
}

/// What a batch asks of one table: keys to read, or items to write and keys to delete.
fn parts(asked: &Value) -> Vec<Value> {
    match asked {
        Value::Array(writes) => {
            writes.iter().filter_map(Value::as_object).flat_map(|write| write.values().cloned()).collect()
        }
        reads => reads["Keys"].as_array().into_iter().flatten().map(|key| serde_json::json!({ "Key": key })).collect(),
    }
}

/// The partition key's value, from a key, an item, or the condition of a query.
fn key_of<'a>(part: &'a Value, name: &str) -> Option<&'a str> {
    let text = |value: &'a Value| value.as_object()?.values().next()?.as_str();
    for place in ["Key", "Item"] {
        if let Some(value) = part[place].get(name) {
            return text(value);
        }
    }
    let names = &part["ExpressionAttributeNames"];
    let value = compared_with(part["KeyConditionExpression"].as_str()?, |token| {
        token == name || names[token].as_str() == Some(name)
    })?;
    text(&part["ExpressionAttributeValues"][&value])
}

/// The placeholder that a key condition compares a key with: `pk = :value`, in either order of terms.
pub(crate) fn compared_with(condition: &str, is_key: impl Fn(&str) -> bool) -> Option<String> {
    let spaced = condition.replace('=', " = ").replace(['(', ')'], " ");
    let tokens: Vec<_> = spaced.split_whitespace().collect();
    tokens.windows(3).find_map(|window| match window {
        &[name, "=", value] if is_key(name) && value.starts_with(':') => Some(value.to_owned()),
        _ => None,
    })
}

/// What a key is of: all up to its first mark that is no letter or digit. Ids alone have none.
fn kind(key: &str) -> Option<String> {
    let at = key.find(|letter: char| !letter.is_ascii_alphanumeric())?;
    let end = at + key[at..].chars().next()?.len_utf8();
    Some(key[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(operation: &str, request: &Value) -> Vec<(String, String, Option<String>)> {
        let rights = Right::of_tables(operation, request, |_| Some("pk"));
        rights.into_iter().map(|right| (right.action, right.resource, right.key)).collect()
    }

    fn one(action: &str, key: &str) -> (String, String, Option<String>) {
        (format!("dynamodb:{action}"), "table/t".to_owned(), Some(key.to_owned()))
    }

    #[test]
    fn each_way_to_name_a_key_is_read() {
        let key = json!({ "pk": { "S": "user#01" }, "sk": { "S": "a" } });
        assert_eq!(of("GetItem", &json!({ "TableName": "t", "Key": key })), [one("GetItem", "user#")]);
        assert_eq!(of("PutItem", &json!({ "TableName": "t", "Item": key })), [one("PutItem", "user#")]);
        let query = json!({
            "TableName": "t", "KeyConditionExpression": "sk > :s AND #p = :p",
            "ExpressionAttributeNames": { "#p": "pk" },
            "ExpressionAttributeValues": { ":p": { "S": "d:a:b" }, ":s": { "S": "x" } },
        });
        assert_eq!(of("Query", &query), [one("Query", "d:")]);
        let batch = json!({ "RequestItems": { "t": { "Keys": [key, { "pk": { "S": "name#ann" } }] } } });
        assert_eq!(of("BatchGetItem", &batch), [one("BatchGetItem", "user#"), one("BatchGetItem", "name#")]);
        let writes = json!({ "RequestItems": { "t": [{ "DeleteRequest": { "Key": key } }] } });
        assert_eq!(of("BatchWriteItem", &writes), [one("BatchWriteItem", "user#")]);
    }

    #[test]
    fn a_transaction_is_what_its_items_do() {
        let key = json!({ "pk": { "S": "name#ann" } });
        let transaction = json!({ "TransactItems": [
            { "Put": { "TableName": "t", "Item": key } },
            { "ConditionCheck": { "TableName": "t", "Key": key } },
        ]});
        let want = [one("PutItem", "name#"), one("ConditionCheckItem", "name#")];
        assert_eq!(of("TransactWriteItems", &transaction), want);
    }

    #[test]
    fn ids_alone_have_no_kind() {
        assert_eq!(kind("01JXYZ"), None);
        assert_eq!(kind("n:01"), Some("n:".to_owned()));
        assert_eq!(kind("u_01"), Some("u_".to_owned()));
    }

    #[test]
    fn a_batch_of_messages_is_sending_them() {
        let right = Right::of_queue("SendMessageBatch", "http://127.0.0.1:1/000000000000/tidings-local-fanout-0");
        assert_eq!(right, Right::on("sqs:SendMessage", "queue/tidings-local-fanout-0"));
    }
}
