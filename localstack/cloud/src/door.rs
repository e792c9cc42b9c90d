//! The front door: page, HTTP API, socket, `@connections`, Lambda and the cloud's own pages share one port.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::endpoints::Endpoints;
use crate::faults::{Plan, PlanError};
use crate::front::Front;
use crate::gateway::{CONNECTIONS_PREFIX, Gateway, SOCKET_PATH};
use crate::host::{Host, invoke_api};
use crate::ledger::Snapshot;
use crate::page;
use crate::server::{self, Body, Ending};
use crate::sqs::Sqs;
use crate::sqs::queues::Queue;
use crate::state::State;
use crate::watch::{Live, live, page as watch_page, prometheus};

/// The largest fault plan, in bytes: far more than naming every function takes.
const PLAN_BYTES: usize = 64 * 1024;
/// How often the state is read in the hope that nothing happens meanwhile. More tell no more: it is busy.
const READINGS: usize = 4;

/// What is behind the door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) endpoints: Endpoints,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) host: Arc<Host>,
    pub(crate) front: Arc<Front>,
    pub(crate) sqs: Arc<Sqs>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) live: Live,
}

/// What goes out of the door: a whole answer, or one that goes on.
type Answer = Either<Body, live::EventStream>;

impl Door {
    /// Opens it until the end.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener, ending: Ending) {
        let door = Arc::clone(self);
        server::serve(listener, ending, move |request, peer| {
            let door = Arc::clone(&door);
            async move { door.answer(request, peer).await }
        });
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Answer> {
        if request.method() == Method::GET && request.uri().path() == live::PATH {
            return self.live.listen().map(Either::Right);
        }
        self.answer_whole(request, peer).await.map(Either::Left)
    }

    async fn answer_whole(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        if path == SOCKET_PATH {
            self.gateway.answer_upgrade(request, peer).await
        } else if path.starts_with(CONNECTIONS_PREFIX) {
            self.gateway.answer_connections(request).await
        } else if path.starts_with(invoke_api::PREFIX) {
            self.host.answer_invocation(request).await
        } else if path == "/" || path.starts_with("/_local/") {
            self.answer_local(request).await
        } else {
            self.gateway.answer_http(request, peer).await
        }
    }

    /// The page and `/_local/...`.
    async fn answer_local(&self, request: Request<Incoming>) -> Response<Body> {
        let mut response = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/") => {
                server::respond(StatusCode::OK, "text/html; charset=utf-8", page::html(&self.endpoints))
            }
            (&Method::GET, "/_local/endpoints") => server::json(StatusCode::OK, &self.endpoints),
            (&Method::GET, "/_local/ledger") => server::json(StatusCode::OK, &self.ledger()),
            (&Method::POST, "/_local/ledger/reset") => {
                self.reset_ledger();
                server::json(StatusCode::OK, &serde_json::json!({}))
            }
            (&Method::GET, "/_local/metrics") => self.answer_metrics().await,
            (&Method::GET, "/_local/state") => server::json(StatusCode::OK, &self.state().await),
            (&Method::POST, "/_local/sockets/cut") => {
                server::json(StatusCode::OK, &serde_json::json!({ "cut": self.gateway.cut_sockets() }))
            }
            (&Method::GET, "/_local/faults") => server::json(StatusCode::OK, &self.front.faults().report()),
            (&Method::POST, "/_local/faults") => self.answer_plan(request.into_body()).await,
            (&Method::POST, "/_local/faults/reset") => {
                self.front.faults().reset();
                server::json(StatusCode::OK, &serde_json::json!({}))
            }
            (&Method::GET, path) => {
                watch_page::answer(path).unwrap_or_else(|| server::message(StatusCode::NOT_FOUND, "Not Found"))
            }
            _ => server::message(StatusCode::NOT_FOUND, "Not Found"),
        };
        server::allow_any_origin(&mut response);
        response
    }

    /// Everything that is counted, as Prometheus reads it.
    async fn answer_metrics(&self) -> Response<Body> {
        match self.metrics().await {
            Ok(text) => server::respond(StatusCode::OK, prometheus::CONTENT_TYPE, text),
            Err(error) => server::message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// The same as text.
    pub(crate) async fn metrics(&self) -> Result<String, ::prometheus::Error> {
        prometheus::text(self.front.metrics(), &self.state().await, &self.ledger())
    }

    /// Takes a sample now and then, for whoever watches. Runs until the end.
    pub(crate) async fn sample(self: Arc<Self>) {
        let mut rounds = tokio::time::interval(live::EVERY);
        // After a pause there is nothing to make up for: samples say when they were taken.
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.live.tell(self.front.metrics(), &self.state().await, &self.ledger());
        }
    }

    /// A new fault plan.
    async fn answer_plan(&self, body: Incoming) -> Response<Body> {
        let Ok(json) = server::read(body, PLAN_BYTES).await else {
            return server::message(StatusCode::PAYLOAD_TOO_LARGE, "the plan is too large, or broke off");
        };
        match Plan::from_json(&json).and_then(|plan| self.inject(plan)) {
            Ok(()) => server::json(StatusCode::OK, &self.front.faults().report()),
            Err(error) => server::message(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }

    /// From now on this plan holds, if it makes sense.
    pub(crate) fn inject(&self, plan: Plan) -> Result<(), PlanError> {
        plan.check()?;
        plan.check_functions(&self.host.names())?;
        self.front.faults().inject(plan);
        Ok(())
    }

    /// What the cloud holds. Its parts are read one after the other, so work may go from one that isn't read yet to
    /// one that is, and be in neither. Then it began or ended meanwhile, and all is read again; if it never stops,
    /// something is under way.
    pub(crate) async fn state(&self) -> State {
        let activity = self.front.activity();
        let mut readings = 1;
        loop {
            let before = activity.read();
            let (queues, unanswered) = self.sqs.states(&self.queues).await;
            let mut state = State {
                queues,
                functions: self.host.states(),
                sockets: self.gateway.open_sockets(),
                // Nobody knows what is in a queue that does not answer: it is not at rest.
                under_way: before.under_way + unanswered,
            };
            if activity.read() == before {
                return state;
            }
            if readings == READINGS {
                state.under_way = state.under_way.max(1);
                return state;
            }
            readings += 1;
        }
    }

    pub(crate) fn ledger(&self) -> Snapshot {
        self.gateway.settle_connection_minutes();
        self.front.ledger().snapshot()
    }

    pub(crate) fn reset_ledger(&self) {
        // First, so that what was before the reset isn't booked after it.
        self.gateway.settle_connection_minutes();
        self.front.ledger().reset();
    }
}
