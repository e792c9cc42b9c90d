//! A frame finds its route and its function; the function's reply finds its way back.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::connections::Connection;
use super::event::About;
use super::{Gateway, Route};
use crate::caller::Caller;
use crate::faults::{At, FrameFault};
use crate::front::{Call, Service};
use crate::ids;
use crate::ledger::{Counters, prices};

/// What a function behind a route answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteAnswer {
    #[serde(rename = "statusCode")]
    _status_code: u16,
    body: Option<String>,
}

impl Gateway {
    /// One frame, from its arrival to its reply. The permit is the connection's, for a frame in work.
    pub(super) async fn frame(
        self: Arc<Self>,
        connection: Arc<Connection>,
        text: Utf8Bytes,
        _in_flight: OwnedSemaphorePermit,
    ) {
        let request_id = ids::gateway_id();
        let route = self.select(&text);
        let caller = Caller::new(route.map_or_else(|| "$forbidden".into(), |route| Arc::clone(&route.key)));
        if !self.requests.take(1.0) {
            return self.send_error(&connection, &caller, &request_id, "Too Many Requests").await;
        }
        let gateway_messages = prices::pieces(text.len(), prices::GATEWAY_PIECE);
        let bill = Counters { count: 1, gateway_messages, ..Counters::default() };
        let call = Call { service: Service::Gateway, operation: "Frame", caller: &caller };
        self.front.book(call, &bill);

        let Some(route) = route else {
            return self.send_error(&connection, &caller, &request_id, "Forbidden").await;
        };
        let Some(function) = route.function else { return };
        let event = self.event(&connection, &route.key, &request_id, About::Message(&text));
        drop(text);
        let fault = self.front.faults().of_frame();
        if let Some((At::Arrival, fault)) = fault {
            return self.disturb(fault, &connection, &caller, &request_id).await;
        }
        let work = self.host.invoke(function, event, &caller);
        tokio::pin!(work);
        let Ok(answer) = tokio::time::timeout(self.limits.integration_timeout, &mut work).await else {
            self.send_error(&connection, &caller, &request_id, "Endpoint request timed out").await;
            // The function goes on, and is paid for; nobody waits for what it says.
            let _ = work.await;
            return;
        };
        if let Some((At::Reply, fault)) = fault {
            return self.disturb(fault, &connection, &caller, &request_id).await;
        }
        let answer = answer.ok().and_then(|answer| serde_json::from_slice::<RouteAnswer>(&answer).ok());
        match answer {
            Some(RouteAnswer { body: Some(body), .. }) if !body.is_empty() => {
                self.send(&connection, &caller, body).await;
            }
            Some(_) => {}
            None => self.send_internal_error(&connection, &caller, &request_id).await,
        }
    }

    /// What the client sees of a frame that is disturbed.
    async fn disturb(&self, fault: FrameFault, connection: &Connection, caller: &Caller, request_id: &str) {
        self.front.faults().count_frame(fault);
        match fault {
            FrameFault::Cut => connection.cut(),
            FrameFault::ErrorFrame => self.send_internal_error(connection, caller, request_id).await,
        }
    }

    /// The route selection expression `$request.body.action`; `$default` for what it doesn't find.
    fn select(&self, text: &str) -> Option<&Route> {
        #[derive(Deserialize)]
        struct Selector<'a> {
            #[serde(borrow)]
            action: std::borrow::Cow<'a, str>,
        }
        let selected = serde_json::from_str::<Selector<'_>>(text)
            .ok()
            // The keys with a dollar are not for clients to choose.
            .filter(|selector| !selector.action.starts_with('$'))
            .and_then(|selector| self.routes.get(&*selector.action));
        selected.or_else(|| self.routes.get("$default"))
    }

    /// Sends a frame to the client and books it.
    async fn send(&self, connection: &Connection, caller: &Caller, text: String) {
        let gateway_messages = prices::pieces(text.len(), prices::GATEWAY_PIECE);
        let call = Call { service: Service::Gateway, operation: "RouteResponse", caller };
        connection.reply(text).await;
        self.front.book(call, &Counters { gateway_messages, ..Counters::default() });
    }

    /// What a client sees of a function that failed.
    async fn send_internal_error(&self, connection: &Connection, caller: &Caller, request_id: &str) {
        self.send_error(connection, caller, request_id, "Internal server error").await;
    }

    /// The gateway's own error frame.
    async fn send_error(&self, connection: &Connection, caller: &Caller, request_id: &str, text: &str) {
        let error = serde_json::json!({
            "message": text,
            "connectionId": connection.id,
            "requestId": request_id,
        });
        self.send(connection, caller, error.to_string()).await;
    }
}
