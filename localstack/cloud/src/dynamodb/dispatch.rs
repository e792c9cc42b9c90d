//! Operations: read a request, run it, and say what it cost.

use std::collections::HashMap;

use dynoxide::actions::{
    batch_execute_statement::BatchExecuteStatementRequest, batch_get_item::BatchGetItemRequest,
    batch_write_item::BatchWriteItemRequest, create_table::CreateTableRequest, delete_item::DeleteItemRequest,
    delete_table::DeleteTableRequest, describe_table::DescribeTableRequest,
    describe_time_to_live::DescribeTimeToLiveRequest, execute_statement::ExecuteStatementRequest,
    execute_transaction::ExecuteTransactionRequest, get_item::GetItemRequest, list_tables::ListTablesRequest,
    list_tags_of_resource::ListTagsOfResourceRequest, put_item::PutItemRequest, query::QueryRequest, scan::ScanRequest,
    tag_resource::TagResourceRequest, transact_get_items::TransactGetItemsRequest,
    transact_write_items::TransactWriteItemsRequest, untag_resource::UntagResourceRequest,
    update_item::UpdateItemRequest, update_table::UpdateTableRequest, update_time_to_live::UpdateTimeToLiveRequest,
};
use dynoxide::types::{AttributeValue, ConsumedCapacity, item_size, write_capacity_units};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Served;
use super::partitions::{Partition, Touches};
use super::throttle::Throttle;
use crate::ledger::Counters;

/// What a call without units costs: administration.
type Answer = Result<Vec<u8>, DynoxideError>;

macro_rules! operations {
    (metered { $($metered:ident: $request:ty => $method:ident, $writes:literal;)* }
     plain { $($plain:ident: $plain_request:ty => $plain_method:ident;)* }) => {
        /// The operations that are served.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Operation { $($metered,)* $($plain,)* }

        impl Operation {
            pub(crate) fn find(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($metered) => Some(Self::$metered),)*
                    $(stringify!($plain) => Some(Self::$plain),)*
                    _ => None,
                }
            }

            /// Whether it takes write units, or read units; `None` if it takes none.
            pub(crate) fn writes(self) -> Option<bool> {
                match self {
                    $(Self::$metered => Some($writes),)*
                    $(Self::$plain => None,)*
                }
            }
        }

        pub(super) fn dispatch(
            database: &Database,
            throttle: &Throttle,
            operation: Operation,
            body: &[u8],
        ) -> Served {
            match operation {
                $(Operation::$metered => {
                    metered::<$request, _>(throttle, $writes, body, |request| database.$method(request))
                })*
                $(Operation::$plain => Served {
                    answer: read::<$plain_request>(body)
                        .and_then(|request| database.$plain_method(request))
                        .and_then(|response| write(&response)),
                    bill: Counters::default(),
                },)*
            }
        }

        $(impl Asks for $request {
            fn capacity_asked(&mut self) -> &mut Option<String> { &mut self.return_consumed_capacity }
        })*
    };
}

operations! {
    metered {
        GetItem: GetItemRequest => get_item, false;
        PutItem: PutItemRequest => put_item, true;
        UpdateItem: UpdateItemRequest => update_item, true;
        DeleteItem: DeleteItemRequest => delete_item, true;
        Query: QueryRequest => query, false;
        Scan: ScanRequest => scan, false;
        BatchGetItem: BatchGetItemRequest => batch_get_item, false;
        BatchWriteItem: BatchWriteItemRequest => batch_write_item, true;
        TransactGetItems: TransactGetItemsRequest => transact_get_items, false;
        TransactWriteItems: TransactWriteItemsRequest => transact_write_items, true;
    }
    plain {
        CreateTable: CreateTableRequest => create_table;
        DeleteTable: DeleteTableRequest => delete_table;
        DescribeTable: DescribeTableRequest => describe_table;
        ListTables: ListTablesRequest => list_tables;
        UpdateTable: UpdateTableRequest => update_table;
        UpdateTimeToLive: UpdateTimeToLiveRequest => update_time_to_live;
        DescribeTimeToLive: DescribeTimeToLiveRequest => describe_time_to_live;
        TagResource: TagResourceRequest => tag_resource;
        UntagResource: UntagResourceRequest => untag_resource;
        ListTagsOfResource: ListTagsOfResourceRequest => list_tags_of_resource;
        ExecuteStatement: ExecuteStatementRequest => execute_statement;
        ExecuteTransaction: ExecuteTransactionRequest => execute_transaction;
        BatchExecuteStatement: BatchExecuteStatementRequest => batch_execute_statement;
    }
}

/// A request that can ask for the capacity that it consumed.
trait Asks {
    fn capacity_asked(&mut self) -> &mut Option<String>;
}

/// A response that can say so.
trait Says {
    /// The units, and whatever said them taken out again unless the caller asked for it.
    fn units(&mut self, asked: bool) -> f64;
}

macro_rules! says {
    (one: $($module:ident::$response:ident),*; many: $($many_module:ident::$many:ident),*) => {
        $(impl Says for dynoxide::actions::$module::$response {
            fn units(&mut self, asked: bool) -> f64 { sum(&mut self.consumed_capacity, asked) }
        })*
        $(impl Says for dynoxide::actions::$many_module::$many {
            fn units(&mut self, asked: bool) -> f64 { sum_all(&mut self.consumed_capacity, asked) }
        })*
    };
}

says! {
    one: get_item::GetItemResponse, put_item::PutItemResponse, update_item::UpdateItemResponse,
        delete_item::DeleteItemResponse, query::QueryResponse, scan::ScanResponse;
    many: batch_get_item::BatchGetItemResponse, batch_write_item::BatchWriteItemResponse,
        transact_get_items::TransactGetItemsResponse, transact_write_items::TransactWriteItemsResponse
}

fn sum(capacity: &mut Option<ConsumedCapacity>, asked: bool) -> f64 {
    let units = capacity.as_ref().map_or(0.0, |capacity| capacity.capacity_units);
    if !asked {
        *capacity = None;
    }
    units
}

fn sum_all(capacity: &mut Option<Vec<ConsumedCapacity>>, asked: bool) -> f64 {
    let units = capacity.iter().flatten().map(|capacity| capacity.capacity_units).sum();
    if !asked {
        *capacity = None;
    }
    units
}

/// Runs an operation that takes units.
fn metered<Request, Response>(
    throttle: &Throttle,
    writes: bool,
    body: &[u8],
    run: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Served
where
    Request: DeserializeOwned + Asks + Touches,
    Response: Serialize + Says,
{
    let mut request = match read::<Request>(body) {
        Ok(request) => request,
        Err(error) => return Served { answer: Err(error), bill: Counters::default() },
    };
    let touched = request.partitions();
    if !throttle.admits(&touched, writes) {
        let error = DynoxideError::ProvisionedThroughputExceededException(
            "Throughput exceeds the current capacity of a partition of your table.".to_owned(),
        );
        return Served { answer: Err(error), bill: Counters { throttled: 1, ..Counters::default() } };
    }
    let asks = request.capacity_asked();
    let asked = asks.as_deref().is_some_and(|asked| asked != "NONE");
    if !asked {
        *asks = Some("TOTAL".to_owned());
    }
    let (answer, units) = match run(request) {
        Ok(mut response) => {
            let units = response.units(asked);
            (write(&response), units)
        }
        Err(error) => {
            let units = units_of_failure(&error, &touched, writes);
            (Err(error), units)
        }
    };
    throttle.charge(touched, writes, units);
    Served { answer, bill: bill(writes, units) }
}

/// Units, as the ledger counts them.
pub(crate) fn bill(writes: bool, units: f64) -> Counters {
    if writes {
        Counters { write_units: units, ..Counters::default() }
    } else {
        Counters { read_units: units, ..Counters::default() }
    }
}

/// A condition that fails costs as much as the write would have: the size of the item that was there, at least a
/// unit. A cancelled transaction costs two units for each item. Other refusals are free.
fn units_of_failure(error: &DynoxideError, touched: &[Partition], writes: bool) -> f64 {
    match error {
        DynoxideError::ConditionalCheckFailedException(_, item) => units_of_failed_condition(item.as_ref()),
        #[expect(clippy::cast_precision_loss, reason = "at most a hundred items")]
        DynoxideError::TransactionCanceledException(..) if writes => 2.0 * touched.len() as f64,
        _ => 0.0,
    }
}

/// What a condition that fails costs, by the item that was there, if it is known.
pub(crate) fn units_of_failed_condition(item: Option<&HashMap<String, AttributeValue>>) -> f64 {
    item.map_or(1.0, |item| write_capacity_units(item_size(item)))
}

/// Reads a request. The database's own readers put markers before messages that aren't about JSON.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
        match text.split_once(':') {
            Some(("VALIDATION" | "VALIDATION_AS_READ", message)) => {
                DynoxideError::ValidationException(message.to_owned())
            }
            Some(("VALIDATION_REQUEST", message)) => {
                DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
            }
            Some(("SERIALIZATION" | "SERIALIZATION_AS_READ", message)) => {
                DynoxideError::SerializationException(message.to_owned())
            }
            _ if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
                .iter()
                .any(|about| text.contains(about)) =>
            {
                DynoxideError::ValidationException(text.to_owned())
            }
            _ => DynoxideError::SerializationException(text.to_owned()),
        }
    })
}

fn write(response: &impl Serialize) -> Answer {
    serde_json::to_vec(response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
