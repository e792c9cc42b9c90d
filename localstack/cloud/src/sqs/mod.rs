//! SQS: `rustack-sqs` behind our front, or a backend's queues, and the event source mappings that feed functions from
//! them.
//!
//! - [`embedded`]: the queues in this process,
//! - [`queues`]: the queues that there are,
//! - [`messages`]: the ways into them and out of them,
//! - [`journal`]: the messages on disk,
//! - [`mapping`]: functions that are fed.

pub(crate) mod embedded;
mod journal;
pub(crate) mod mapping;
pub(crate) mod messages;
pub(crate) mod queues;

use std::path::Path;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use rustack_sqs_http::router::resolve_operation;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    ChangeMessageVisibilityBatchInput, CreateQueueInput, DeleteMessageBatchInput, GetQueueAttributesInput,
    ReceiveMessageInput,
};
use rustack_sqs_model::types::Message;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::backend::queues::Queues;
use crate::backend::{Backend, BackendError};
use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::ledger::{Counters, Right, prices};
use crate::limits::Limits;
use crate::names::Names;
use crate::server::{self, Body, Ending};
use embedded::Embedded;

/// The most messages that one receive brings, and one batch of anything else holds. Source: SQS quotas.
const RECEIVE_MAX: u8 = 10;
/// The largest request, in bytes: ten messages of 1 MiB in a batch may not exceed 1 MiB together; the rest is
/// JSON's escapes. Source: SQS quotas.
const REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// The service.
#[derive(Debug)]
pub(crate) struct Sqs {
    store: Store,
    names: Names,
    front: Arc<Front>,
}

/// Where the queues are, and what mappings and our own looks at them need of it.
#[derive(Debug)]
enum Store {
    /// In this process.
    Embedded(Box<Embedded>),
    /// With somebody else.
    Backend(Box<Queues>),
}

impl Store {
    async fn create(&self, input: CreateQueueInput) -> Result<String, SqsError> {
        match self {
            Self::Embedded(here) => Ok(here.provider.create_queue(input).await?.queue_url.unwrap_or_default()),
            Self::Backend(queues) => queues.create(&input).await,
        }
    }

    /// The full names of queues from earlier that are to be there again.
    async fn earlier(&self, names: &Names) -> Result<Vec<String>, SqsError> {
        match self {
            Self::Embedded(here) => here.messages.queues(),
            Self::Backend(queues) => queues.list(&names.full("")).await,
        }
    }

    /// A queue's attributes, by its URL.
    async fn attributes(&self, queue_url: &str) -> Result<std::collections::HashMap<String, String>, SqsError> {
        let input =
            GetQueueAttributesInput { queue_url: queue_url.to_owned(), attribute_names: vec!["All".to_owned()] };
        match self {
            Self::Embedded(here) => Ok(here.provider.get_queue_attributes(input).await?.attributes),
            Self::Backend(queues) => queues.attributes(&input).await,
        }
    }

    async fn receive(&self, input: ReceiveMessageInput) -> Result<Vec<Message>, SqsError> {
        match self {
            Self::Embedded(here) => Ok(here.messages.receive(input).await?.messages),
            Self::Backend(queues) => queues.receive(&input).await,
        }
    }

    async fn delete(&self, input: DeleteMessageBatchInput) -> Result<(), SqsError> {
        match self {
            Self::Embedded(here) => here.messages.delete_batch(input).await.map(drop),
            Self::Backend(queues) => queues.delete(&input).await,
        }
    }

    /// Changes when messages come again.
    async fn show(&self, input: ChangeMessageVisibilityBatchInput) -> Result<(), SqsError> {
        match self {
            Self::Embedded(here) => here.provider.change_message_visibility_batch(input).await.map(drop),
            Self::Backend(queues) => queues.show(&input).await,
        }
    }
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
        let embedded = Embedded::open(port, limits.receives, journal, front.activity().clone())?;
        Ok(Arc::new(Self { store: Store::Embedded(Box::new(embedded)), names: Names::default(), front }))
    }

    /// A backend's, whose queue URLs are its own.
    pub(crate) fn on(front: Arc<Front>, backend: &Backend) -> Result<Arc<Self>, BackendError> {
        let store = Store::Backend(Box::new(Queues::new(backend)?));
        Ok(Arc::new(Self { store, names: backend.names(), front }))
    }

    /// Puts the messages of an earlier run back into the queues, which must be there. Says how many.
    pub(crate) async fn put_back(&self) -> Result<usize, SqsError> {
        match &self.store {
            Store::Embedded(here) => here.messages.put_back().await,
            Store::Backend(_) => Ok(0),
        }
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

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let caller = self.front.badges().caller(request.headers(), request.uri().query());
        let operation = match resolve_operation(request.headers()) {
            Ok(operation) => operation,
            Err(error) => return embedded::refuse(&error).await,
        };
        let Ok(body) = server::read(request.into_body(), REQUEST_BYTES).await else {
            return server::message(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        };
        let name = operation.to_string();
        self.front.note(&caller, || {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            request["QueueUrl"].as_str().map(|url| self.right(&name, url)).into_iter().collect()
        });
        let call = Call { service: Service::Sqs, operation: &name, caller: &caller };
        self.front
            .call(call, async {
                let sent = body.len();
                let response = match &self.store {
                    Store::Embedded(here) => here.serve(operation, body).await,
                    Store::Backend(queues) => queues.serve(&name, body).await,
                };
                let received = hyper::body::Body::size_hint(response.body()).exact().unwrap_or_default();
                let carried = sent.max(usize::try_from(received).unwrap_or_default());
                let queue_requests = prices::pieces(carried, prices::QUEUE_PIECE);
                (response, Counters { queue_requests, ..Counters::default() })
            })
            .await
            .unwrap_or_else(Injected::by_sqs)
    }

    /// What a role must allow for an operation on a queue.
    fn right(&self, operation: &str, url: &str) -> Right {
        self.names.told(Right::of_queue(operation, url))
    }
}
