//! SQS: `rustack-sqs` behind our front, and the event source mappings that feed functions from it.
//!
//! - [`queues`]: the queues that there are,
//! - [`messages`]: the ways into them and out of them,
//! - [`journal`]: the messages on disk,
//! - [`mapping`]: functions that are fed.

mod journal;
pub(crate) mod mapping;
pub(crate) mod messages;
pub(crate) mod queues;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::{error_to_response, json_response};
use rustack_sqs_http::router::resolve_operation;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::operations::SqsOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::host::{ACCOUNT, REGION};
use crate::ids;
use crate::ledger::{Counters, Right, prices};
use crate::limits::Limits;
use crate::server::{self, Body, Ending};
use messages::Messages;

/// The most messages that one receive brings, and one batch of anything else holds. Source: SQS quotas.
const RECEIVE_MAX: u8 = 10;
/// The largest request, in bytes: ten messages of 1 MiB in a batch may not exceed 1 MiB together; the rest is
/// JSON's escapes. Source: SQS quotas.
const REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// The service.
#[derive(Debug)]
pub(crate) struct Sqs {
    provider: Arc<RustackSqs>,
    handler: RustackSqsHandler,
    messages: Messages,
    front: Arc<Front>,
}

impl Sqs {
    /// A service without queues whose queue URLs name that port. Messages are kept in the journal at that path; there
    /// they wait for [`Sqs::put_back`].
    pub(crate) fn open(
        front: Arc<Front>,
        port: u16,
        limits: &Limits,
        journal: Option<&Path>,
    ) -> rusqlite::Result<Arc<Self>> {
        let provider = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        }));
        let messages = Messages::open(Arc::clone(&provider), journal, limits.receives, front.activity().clone())?;
        Ok(Arc::new(Self { handler: RustackSqsHandler::new(Arc::clone(&provider)), provider, messages, front }))
    }

    /// Puts the messages of an earlier run back into the queues, which must be there. Says how many.
    pub(crate) async fn put_back(&self) -> Result<usize, SqsError> {
        self.messages.put_back().await
    }

    /// Serves any AWS client until the end.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener, ending: Ending) {
        let service = Arc::clone(self);
        server::serve(listener, ending, move |request, _| {
            let service = Arc::clone(&service);
            async move { service.answer(request).await }
        });
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let caller = self.front.badges().caller(request.headers(), request.uri().query());
        let operation = match resolve_operation(request.headers()) {
            Ok(operation) => operation,
            Err(error) => return buffered(error_to_response(&error, &ids::uuid())).await,
        };
        let Ok(body) = server::read(request.into_body(), REQUEST_BYTES).await else {
            return server::message(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        };
        let name = operation.to_string();
        self.front.note(&caller, || {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            request["QueueUrl"].as_str().map(|url| Right::of_queue(&name, url)).into_iter().collect()
        });
        let call = Call { service: Service::Sqs, operation: &name, caller: &caller };
        self.front
            .call(call, async {
                let sent = body.len();
                let response = match self.dispatch(operation, body).await {
                    Ok(response) => buffered(response).await,
                    Err(error) => buffered(error_to_response(&error, &ids::uuid())).await,
                };
                let received = hyper::body::Body::size_hint(response.body()).exact().unwrap_or_default();
                let carried = sent.max(usize::try_from(received).unwrap_or_default());
                let queue_requests = prices::pieces(carried, prices::QUEUE_PIECE);
                (response, Counters { queue_requests, ..Counters::default() })
            })
            .await
            .unwrap_or_else(Injected::by_sqs)
    }

    /// Whatever changes which messages there are goes through [`Messages`]; the rest is rustack's.
    async fn dispatch(&self, operation: SqsOperation, body: Bytes) -> Result<Response<SqsResponseBody>, SqsError> {
        use SqsOperation as Op;
        let messages = &self.messages;
        match operation {
            Op::SendMessage => self.serve_with(operation, body, |input| messages.send(input)).await,
            Op::SendMessageBatch => self.serve_with(operation, body, |input| messages.send_batch(input)).await,
            Op::ReceiveMessage => self.serve_with(operation, body, |input| messages.receive(input)).await,
            Op::DeleteMessage => self.serve_with(operation, body, |input| messages.delete(input)).await,
            Op::DeleteMessageBatch => self.serve_with(operation, body, |input| messages.delete_batch(input)).await,
            Op::PurgeQueue => self.serve_with(operation, body, |input| messages.purge(input)).await,
            Op::DeleteQueue => self.serve_with(operation, body, |input| messages.delete_queue(input)).await,
            _ => dispatch_operation(&self.handler, operation, body).await,
        }
    }

    async fn serve_with<I, O, F>(
        &self,
        operation: SqsOperation,
        body: Bytes,
        operate: impl FnOnce(I) -> F,
    ) -> Result<Response<SqsResponseBody>, SqsError>
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Future<Output = Result<O, SqsError>>,
    {
        let Ok(input) = serde_json::from_slice(&body) else {
            // rustack says what is wrong with it.
            return dispatch_operation(&self.handler, operation, body).await;
        };
        let output = serde_json::to_vec(&operate(input).await?);
        output
            .map(|json| json_response(json, &ids::uuid()))
            .map_err(|error| SqsError::internal_error(error.to_string()))
    }
}

/// The service's own kind of body, read into memory (where it is already).
async fn buffered<B>(response: Response<B>) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes>,
{
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::from_parts(parts, Body::new(bytes))
}
