//! Which partitions a request touches, read off its keys.

use std::collections::HashMap;

use dynoxide::AttributeValue;
use dynoxide::actions::batch_get_item::BatchGetItemRequest;
use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::transact_get_items::TransactGetItemsRequest;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::actions::update_item::UpdateItemRequest;

use crate::ledger::compared_with;
use crate::names::Names;

/// One partition of one table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Partition(String);

impl Partition {
    pub(super) fn new(table: &str, key: &str) -> Self {
        Self(format!("{table}\0{key}"))
    }
}

/// The partition key's attribute in one of our tables. A backend's tables aren't throttled, so these have the usual names.
fn partition_key(table: &str) -> Option<&'static str> {
    Names::default().partition_key(table)
}

type Item = HashMap<String, AttributeValue>;

/// The partition that a key or an item is in. `None` for tables that aren't ours, whose keys nobody knows here.
fn of_item(table: &str, item: &Item) -> Option<Partition> {
    let key = partition_key(table)?;
    of_value(table, item.get(key)?)
}

fn of_value(table: &str, value: &AttributeValue) -> Option<Partition> {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(Partition::new(table, text)),
        _ => None,
    }
}

/// A request that touches partitions.
pub(super) trait Touches {
    /// Which. Empty where it can't be told: such a request isn't throttled.
    fn partitions(&self) -> Vec<Partition>;
}

impl Touches for GetItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        of_item(&self.table_name, &self.key).into_iter().collect()
    }
}

impl Touches for PutItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        of_item(&self.table_name, &self.item).into_iter().collect()
    }
}

impl Touches for UpdateItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        of_item(&self.table_name, &self.key).into_iter().collect()
    }
}

impl Touches for DeleteItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        of_item(&self.table_name, &self.key).into_iter().collect()
    }
}

impl Touches for QueryRequest {
    fn partitions(&self) -> Vec<Partition> {
        of_query(self).into_iter().collect()
    }
}

/// The partition whose key a query's condition names.
fn of_query(query: &QueryRequest) -> Option<Partition> {
    let key = partition_key(&query.table_name)?;
    let condition = query.key_condition_expression.as_deref()?;
    let names = query.expression_attribute_names.as_ref();
    let is_key = |token: &str| token == key || names.and_then(|names| names.get(token)).is_some_and(|name| name == key);
    let value = compared_with(condition, is_key)?;
    of_value(&query.table_name, query.expression_attribute_values.as_ref()?.get(&value)?)
}

impl Touches for ScanRequest {
    fn partitions(&self) -> Vec<Partition> {
        Vec::new()
    }
}

impl Touches for BatchGetItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        let keys = self.request_items.iter().flat_map(|(table, keys)| keys.keys.iter().map(move |key| (table, key)));
        keys.filter_map(|(table, key)| of_item(table, key)).collect()
    }
}

impl Touches for BatchWriteItemRequest {
    fn partitions(&self) -> Vec<Partition> {
        let writes =
            self.request_items.iter().flat_map(|(table, writes)| writes.iter().map(move |write| (table, write)));
        writes
            .filter_map(|(table, write)| {
                let put = write.put_request.as_ref().map(|put| &put.item);
                let delete = write.delete_request.as_ref().map(|delete| &delete.key);
                of_item(table, put.or(delete)?)
            })
            .collect()
    }
}

impl Touches for TransactGetItemsRequest {
    fn partitions(&self) -> Vec<Partition> {
        self.transact_items.iter().filter_map(|item| of_item(&item.get.table_name, &item.get.key)).collect()
    }
}

impl Touches for TransactWriteItemsRequest {
    fn partitions(&self) -> Vec<Partition> {
        self.transact_items
            .iter()
            .filter_map(|item| {
                let put = item.put.as_ref().map(|put| (&put.table_name, &put.item));
                let update = item.update.as_ref().map(|update| (&update.table_name, &update.key));
                let delete = item.delete.as_ref().map(|delete| (&delete.table_name, &delete.key));
                let check = item.condition_check.as_ref().map(|check| (&check.table_name, &check.key));
                let (table, key) = put.or(update).or(delete).or(check)?;
                of_item(table, key)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_its_partition() {
        let table = Names::default().full("log");
        for condition in ["#c = :c AND seq > :s", "(conversation=:c)", "seq > :s AND #c = :c"] {
            let query: QueryRequest = serde_json::from_value(serde_json::json!({
                "TableName": table,
                "KeyConditionExpression": condition,
                "ExpressionAttributeNames": {"#c": "conversation"},
                "ExpressionAttributeValues": {":c": {"S": "d:a:b"}, ":s": {"N": "1"}},
            }))
            .unwrap();
            assert_eq!(query.partitions(), [Partition::new(&table, "d:a:b")], "{condition}");
        }
    }
}
