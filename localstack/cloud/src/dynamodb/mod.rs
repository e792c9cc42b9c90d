//! DynamoDB: `dynoxide` behind our own front, in memory or in a file.
//!
//! The front speaks the wire's JSON and calls the database in process, without a second hop over HTTP. It asks for
//! the consumed capacity of every call, whether the caller did or not, books it, and throttles partitions.
//!
//! - [`dispatch`]: operations and their capacity,
//! - [`partitions`]: which partitions a request touches,
//! - [`throttle`]: a bucket for each partition,
//! - [`tables`]: the tables that there are.

mod dispatch;
mod partitions;
pub(crate) mod tables;
mod throttle;

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::ledger::{Counters, Right};
use crate::limits::Limits;
use crate::server::{self, Body, BodyError, Ending};
use dispatch::Operation;
use throttle::Throttle;

/// The largest request, in bytes. Source: DynamoDB, "request size" (BatchWriteItem, 16 MB).
const REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// The service.
pub(crate) struct DynamoDb {
    database: Database,
    front: Arc<Front>,
    throttle: Throttle,
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DynamoDb").finish_non_exhaustive()
    }
}

/// What an operation came to.
pub(crate) struct Served {
    pub(crate) answer: Result<Vec<u8>, DynoxideError>,
    pub(crate) bill: Counters,
}

impl DynamoDb {
    /// The database in a file, or an empty one in memory, with all tables.
    pub(crate) fn open(front: Arc<Front>, limits: &Limits, path: Option<&Path>) -> Result<Arc<Self>, DynoxideError> {
        let database = match path {
            Some(path) => open_file(path)?,
            None => Database::memory()?,
        };
        tables::ensure(&database)?;
        let throttle = Throttle::new(limits.partition_reads_per_s, limits.partition_writes_per_s);
        Ok(Arc::new(Self { database, front, throttle }))
    }

    /// Serves any AWS client until the end.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener, ending: Ending) {
        let service = Arc::clone(self);
        server::serve(listener, ending, move |request, _| {
            let service = Arc::clone(&service);
            async move { service.answer(request).await }
        });
    }

    /// Removes expired items now and then. Runs until the end.
    pub(crate) async fn sweep_expired(self: Arc<Self>, every: std::time::Duration) {
        let mut rounds = tokio::time::interval(every);
        loop {
            rounds.tick().await;
            let database = self.database.clone();
            // A failure shows at the next call that touches the same data; the next round tries again.
            let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() != Method::POST {
            return server::respond(StatusCode::OK, "text/plain", "healthy: dynamodb.local");
        }
        let caller = self.front.badges().caller(request.headers(), request.uri().query());
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let Some(operation) = target.and_then(|target| Operation::find(target.rsplit('.').next()?)) else {
            return server::aws_json(
                StatusCode::BAD_REQUEST,
                &br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#[..],
            );
        };
        let body = match server::read(request.into_body(), REQUEST_BYTES).await {
            Ok(body) => body,
            Err(BodyError::TooLarge | BodyError::BrokenOff) => {
                return server::aws_json(
                    StatusCode::BAD_REQUEST,
                    &br#"{"__type":"com.amazon.coral.service#SerializationException"}"#[..],
                );
            }
        };
        self.front.note(&caller, || {
            let request = serde_json::from_slice(&body).unwrap_or_default();
            Right::of_tables(operation.name(), &request, tables::partition_key)
        });
        let call = Call { service: Service::DynamoDb, operation: operation.name(), caller: &caller };
        let serve = async {
            let served = self.serve_operation(operation, &body);
            let response = match served.answer {
                Ok(json) => server::aws_json(StatusCode::OK, json),
                Err(error) => {
                    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
                    server::aws_json(status, error.to_json())
                }
            };
            (response, served.bill)
        };
        self.front.call(call, serve).await.unwrap_or_else(Injected::by_dynamodb)
    }

    /// Runs an operation on this thread: a call takes some 50 to 200 microseconds, less than handing it to another.
    fn serve_operation(&self, operation: Operation, body: &[u8]) -> Served {
        let mut served = dispatch::dispatch(&self.database, &self.throttle, operation, body);
        served.bill.table_calls = 1;
        served
    }
}

/// SQLite with a write-ahead log that is synced at checkpoints and not at each commit: a commit is with the operating
/// system, which a killed process does not take along. A power failure may take the last ones, never the rest.
fn open_file(path: &Path) -> Result<Database, DynoxideError> {
    let database = Database::new(&path.to_string_lossy())?;
    // The one way to say `synchronous = NORMAL`; its other settings are SQLite's defaults.
    database.disable_bulk_loading()?;
    Ok(database)
}
