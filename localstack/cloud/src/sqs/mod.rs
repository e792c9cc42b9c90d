//! SQS: `rustack-sqs` in memory behind our front, and the event source mappings that feed functions from it.

pub(crate) mod mapping;
pub(crate) mod queues;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use tokio::net::TcpListener;

use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::host::{ACCOUNT, REGION};
use crate::ids;
use crate::ledger::{Counters, prices};
use crate::server::{self, Body, Ending};

/// The largest request, in bytes: ten messages of 1 MiB in a batch may not exceed 1 MiB together; the rest is
/// JSON's escapes. Source: SQS quotas.
const REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// The service.
#[derive(Debug)]
pub(crate) struct Sqs {
    provider: Arc<RustackSqs>,
    handler: RustackSqsHandler,
    front: Arc<Front>,
}

impl Sqs {
    /// A service without queues whose queue URLs name that port.
    pub(crate) fn new(front: Arc<Front>, port: u16) -> Arc<Self> {
        let provider = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        }));
        Arc::new(Self { handler: RustackSqsHandler::new(Arc::clone(&provider)), provider, front })
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
        let caller = self.front.caller(request.headers(), request.uri().query());
        let operation = match resolve_operation(request.headers()) {
            Ok(operation) => operation,
            Err(error) => return buffered(error_to_response(&error, &ids::uuid())).await,
        };
        let Ok(body) = server::read(request.into_body(), REQUEST_BYTES).await else {
            return server::message(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        };
        let name = operation.to_string();
        let call = Call { service: Service::Sqs, operation: &name, caller: &caller };
        self.front
            .call(call, async {
                let sent = body.len();
                let response = match dispatch_operation(&self.handler, operation, body).await {
                    Ok(response) => buffered(response).await,
                    Err(error) => buffered(error_to_response(&error, &ids::uuid())).await,
                };
                let received = hyper::body::Body::size_hint(response.body()).exact().unwrap_or_default();
                let carried = sent.max(usize::try_from(received).unwrap_or_default());
                let queue_requests = prices::pieces(carried, prices::QUEUE_PIECE);
                (response, Counters { queue_requests, ..Counters::default() })
            })
            .await
            .unwrap_or_else(Injected::from_sqs)
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
