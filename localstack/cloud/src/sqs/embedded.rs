//! The queues in this process: `rustack-sqs`.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::{error_to_response, json_response};
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::operations::SqsOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::messages::Messages;
use crate::activity::Activity;
use crate::host::{ACCOUNT, REGION};
use crate::ids;
use crate::server::Body;

/// The queues in this process.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(super) provider: Arc<RustackSqs>,
    pub(super) messages: Messages,
    handler: RustackSqsHandler,
}

impl Embedded {
    /// No queues yet, whose URLs will name that port.
    pub(super) fn open(port: u16, receives: u32, journal: Option<&Path>, activity: Activity) -> rusqlite::Result<Self> {
        let provider = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        }));
        let messages = Messages::open(Arc::clone(&provider), journal, receives, activity)?;
        Ok(Self { handler: RustackSqsHandler::new(Arc::clone(&provider)), provider, messages })
    }

    /// Does what a request asks for.
    pub(super) async fn serve(&self, operation: SqsOperation, body: Bytes) -> Response<Body> {
        match self.dispatch(operation, body).await {
            Ok(response) => buffered(response).await,
            Err(error) => refuse(&error).await,
        }
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

/// An error as SQS says it.
pub(crate) async fn refuse(error: &SqsError) -> Response<Body> {
    buffered(error_to_response(error, &ids::uuid())).await
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
