//! Transactions: entries of logs and records of other tables, all or nothing.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{Delete, Get, Put, TransactGetItem, TransactWriteItem};
use tidings_application::error::PortError;
use tidings_domain::ids::ConversationId;
use tidings_domain::log::Entry;

use crate::attributes::Item;
use crate::error::port_error;
use crate::log;

/// Reads these items, of these tables, all at once: what is there, in their order.
///
/// In a transaction, because a transaction of writes becomes visible item by item: a plain read may find a member who was
/// removed by an entry that has been read already.
pub(crate) async fn read_at_once<'a>(
    client: &Client,
    keys: impl IntoIterator<Item = (&'a str, Item)>,
) -> Result<Vec<Item>, PortError> {
    let get = |(table, key): (&'a str, Item)| {
        let get = Get::builder().table_name(table).set_key(Some(key)).build().map_err(PortError::fatal)?;
        Ok(TransactGetItem::builder().get(get).build())
    };
    let gets = keys.into_iter().map(get).collect::<Result<Vec<_>, PortError>>()?;
    let request = client.transact_get_items().set_transact_items(Some(gets));
    let output = request.send().await.map_err(|error| port_error(&error))?;
    let items = output.responses.unwrap_or_default().into_iter().filter_map(|response| response.item);
    Ok(items.filter(|item| !item.is_empty()).collect())
}

/// One transaction in the making.
#[derive(Debug)]
pub(crate) struct Transaction {
    client: Client,
    items: Vec<TransactWriteItem>,
}

impl Transaction {
    /// Nothing yet.
    pub(crate) fn new(client: &Client) -> Self {
        Self { client: client.clone(), items: Vec::new() }
    }

    /// Puts an entry on condition that its place is free.
    pub(crate) fn append(&mut self, table: &str, conversation: ConversationId, entry: &Entry) -> Result<(), PortError> {
        let put = Put::builder().condition_expression(log::PLACE_IS_FREE);
        self.put_where(table, log::encode(conversation, entry), put)
    }

    /// Puts an item in place of whatever is there.
    pub(crate) fn put(&mut self, table: &str, item: Item) -> Result<(), PortError> {
        self.put_where(table, item, Put::builder())
    }

    /// Puts an item on the conditions of `put`.
    pub(crate) fn put_where(
        &mut self,
        table: &str,
        item: Item,
        put: aws_sdk_dynamodb::types::builders::PutBuilder,
    ) -> Result<(), PortError> {
        let put = put.table_name(table).set_item(Some(item)).build().map_err(PortError::fatal)?;
        self.add(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Deletes an item, if it is there.
    pub(crate) fn delete(&mut self, table: &str, key: Item) -> Result<(), PortError> {
        self.delete_where(table, key, Delete::builder())
    }

    /// Updates an item as `update` says.
    pub(crate) fn update(
        &mut self,
        table: &str,
        key: Item,
        update: aws_sdk_dynamodb::types::builders::UpdateBuilder,
    ) -> Result<(), PortError> {
        let update = update.table_name(table).set_key(Some(key)).build().map_err(PortError::fatal)?;
        self.add(TransactWriteItem::builder().update(update).build());
        Ok(())
    }

    /// Deletes an item on the conditions of `delete`.
    pub(crate) fn delete_where(
        &mut self,
        table: &str,
        key: Item,
        delete: aws_sdk_dynamodb::types::builders::DeleteBuilder,
    ) -> Result<(), PortError> {
        let delete = delete.table_name(table).set_key(Some(key)).build().map_err(PortError::fatal)?;
        self.add(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Makes it depend on an item that it leaves alone, as `check` says.
    pub(crate) fn check(
        &mut self,
        table: &str,
        key: Item,
        check: aws_sdk_dynamodb::types::builders::ConditionCheckBuilder,
    ) -> Result<(), PortError> {
        let check = check.table_name(table).set_key(Some(key)).build().map_err(PortError::fatal)?;
        self.add(TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }

    fn add(&mut self, item: TransactWriteItem) {
        self.items.push(item);
    }

    /// Makes it. `None` if it was made, else the first item whose condition was not met, in the order that they were added
    /// in; that is no error.
    pub(crate) async fn commit(self) -> Result<Option<usize>, PortError> {
        // Of our own making, as the SDK's generator is seeded with the clock alone: two processes that start in the same
        // instant were seen to send the same token for different transactions. And of nothing that is written: the same
        // again, within ten minutes, is another transaction on what is there by then.
        let token = format!("{:032x}", rand::random::<u128>());
        let result = self
            .client
            .transact_write_items()
            .client_request_token(token)
            .set_transact_items(Some(self.items))
            .send()
            .await;
        let Err(error) = result else { return Ok(None) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(port_error(&error));
        };
        match unmet(cancelled) {
            Some(item) => Ok(Some(item)),
            None if may_pass(cancelled) => Err(port_error(&error)),
            None => Err(PortError::fatal(error.into_service_error())),
        }
    }
}

/// The first item whose condition was not met. Reasons stand in the order of the items.
fn unmet(cancelled: &TransactionCanceledException) -> Option<usize> {
    codes(cancelled).position(|code| code == "ConditionalCheckFailed")
}

/// Whether every reason is a conflict or a throttle.
fn may_pass(cancelled: &TransactionCanceledException) -> bool {
    const PASSING: [&str; 4] = ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    codes(cancelled).all(|code| PASSING.contains(&code))
}

fn codes(cancelled: &TransactionCanceledException) -> impl Iterator<Item = &str> {
    cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;

    use super::*;

    #[test]
    fn cancelled_transactions_are_understood() {
        for (reasons, first, passes) in [
            (["ConditionalCheckFailed", "None"], Some(0), false),
            (["None", "ConditionalCheckFailed"], Some(1), false),
            (["ConditionalCheckFailed", "ConditionalCheckFailed"], Some(0), false),
            (["ConditionalCheckFailed", "TransactionConflict"], Some(0), false),
            (["TransactionConflict", "None"], None, true),
            (["None", "ThrottlingError"], None, true),
            (["ValidationError", "None"], None, false),
        ] {
            let reasons = reasons.map(|code| CancellationReason::builder().code(code).build());
            let cancelled =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.to_vec())).build();
            assert_eq!((unmet(&cancelled), may_pass(&cancelled)), (first, passes), "{cancelled:?}");
        }
    }
}
