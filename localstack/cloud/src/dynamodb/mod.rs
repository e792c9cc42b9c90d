//! DynamoDB: `dynoxide` behind our own front, in memory or in a file; or a backend's.
//!
//! The front speaks the wire's JSON and calls the database in process, without a second hop over HTTP. It asks for
//! the consumed capacity of every call, whether the caller did or not, books it, and throttles partitions.
//!
//! - [`dispatch`]: operations and their capacity,
//! - [`partitions`]: which partitions a request touches,
//! - [`throttle`]: a bucket for each partition,
//! - [`tables`]: the tables that there are.

pub(crate) mod dispatch;
mod partitions;
pub(crate) mod tables;
mod throttle;

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::backend::remote::{self, Remote};
use crate::backend::{Backend, BackendError, tables as passed_on};
use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::ledger::{Counters, Right};
use crate::limits::Limits;
use crate::names::Names;
use crate::server::{self, Body, BodyError, Ending};
use dispatch::Operation;
use throttle::Throttle;

/// The largest request, in bytes. Source: DynamoDB, "request size" (BatchWriteItem, 16 MB).
const REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// The service.
pub(crate) struct DynamoDb {
    store: Store,
    names: Names,
    front: Arc<Front>,
}

/// Where the tables are.
enum Store {
    /// In this process.
    Embedded { database: Database, throttle: Throttle },
    /// With somebody else, who may throttle them.
    Backend(Box<Remote>),
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
        let names = Names::default();
        tables::ensure(&database, &names)?;
        let throttle = Throttle::new(limits.partition_reads_per_s, limits.partition_writes_per_s);
        let store = Store::Embedded { database, throttle };
        Ok(Arc::new(Self { store, names, front }))
    }

    /// A backend's, with all tables.
    pub(crate) async fn on(front: Arc<Front>, backend: &Backend) -> Result<Arc<Self>, BackendError> {
        let remote = Remote::new(backend, remote::Service::DynamoDb)?;
        let names = backend.names();
        passed_on::ensure(&remote, &names).await?;
        Ok(Arc::new(Self { store: Store::Backend(Box::new(remote)), names, front }))
    }

    /// Serves any AWS client until the end.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener, ending: Ending) {
        let service = Arc::clone(self);
        let elsewhere = matches!(self.store, Store::Backend(_)).then(|| self.front.activity().clone());
        server::serve(listener, ending, move |request, _| {
            let service = Arc::clone(&service);
            server::to_the_end(elsewhere.clone(), async move { service.answer(request).await })
        });
    }

    /// Removes expired items now and then. Runs until the end; a backend does that by itself, or doesn't.
    pub(crate) async fn sweep_expired(self: Arc<Self>, every: std::time::Duration) {
        let Store::Embedded { database, .. } = &self.store else { return };
        let mut rounds = tokio::time::interval(every);
        loop {
            rounds.tick().await;
            let database = database.clone();
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
        let Some(operation) = target.and_then(|target| target.rsplit('.').next()).filter(|name| self.serves(name))
        else {
            return unknown();
        };
        let operation = operation.to_owned();
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
            let rights = Right::of_tables(&operation, &request, |table| self.names.partition_key(table));
            rights.into_iter().map(|right| self.names.told(right)).collect()
        });
        let call = Call { service: Service::DynamoDb, operation: &operation, caller: &caller };
        let serve = async {
            let (response, bill) = match &self.store {
                Store::Embedded { database, throttle } => serve_here(database, throttle, &operation, &body),
                Store::Backend(remote) => passed_on::serve(remote, &operation, body).await,
            };
            (response, Counters { table_calls: 1, ..bill })
        };
        self.front.call(call, serve).await.unwrap_or_else(Injected::by_dynamodb)
    }

    /// Whether an operation is served. Which ones a backend serves is its own business.
    fn serves(&self, operation: &str) -> bool {
        match &self.store {
            Store::Embedded { .. } => Operation::find(operation).is_some(),
            Store::Backend(_) => operation.bytes().all(|letter| letter.is_ascii_alphanumeric()),
        }
    }
}

/// What DynamoDB says of an operation that it does not know.
fn unknown() -> Response<Body> {
    let says = br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
    server::aws_json(StatusCode::BAD_REQUEST, &says[..])
}

/// Runs an operation on this thread: a call takes some 50 to 200 microseconds, less than handing it to another.
fn serve_here(database: &Database, throttle: &Throttle, operation: &str, body: &[u8]) -> (Response<Body>, Counters) {
    let Some(operation) = Operation::find(operation) else {
        return (unknown(), Counters::default());
    };
    let served = dispatch::dispatch(database, throttle, operation, body);
    let response = match served.answer {
        Ok(json) => server::aws_json(StatusCode::OK, json),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
            server::aws_json(status, error.to_json())
        }
    };
    (response, served.bill)
}

/// SQLite with a write-ahead log that is synced at checkpoints and not at each commit: a commit is with the operating
/// system, which a killed process does not take along. A power failure may take the last ones, never the rest.
fn open_file(path: &Path) -> Result<Database, DynoxideError> {
    let database = Database::new(&path.to_string_lossy())?;
    // The one way to say `synchronous = NORMAL`; its other settings are SQLite's defaults.
    database.disable_bulk_loading()?;
    Ok(database)
}
