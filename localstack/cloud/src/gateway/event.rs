//! The events of the WebSocket API, in the shape that API Gateway gives them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::connections::Connection;
use super::{API_ID, Gateway, STAGE};
use crate::{clock, ids};

/// A proxy event. `headers` and the query come with `$connect` alone, the body with messages alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(flatten)]
    request: Option<ConnectRequest>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

/// What the upgrade request said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectRequest {
    headers: BTreeMap<String, String>,
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
}

impl ConnectRequest {
    pub(super) fn new(headers: &HeaderMap, query: &BTreeMap<String, Vec<String>>) -> Self {
        let mut multi_value_headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            multi_value_headers.entry(train_case(name.as_str())).or_default().push(value);
        }
        let present = !query.is_empty();
        Self {
            headers: last_of_each(&multi_value_headers),
            multi_value_headers,
            query_string_parameters: present.then(|| last_of_each(query)),
            multi_value_query_string_parameters: present.then(|| query.clone()),
        }
    }
}

/// The single-value maps hold the last of several.
fn last_of_each(multi: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    multi.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone()))).collect()
}

/// `sec-websocket-key` as `Sec-Websocket-Key`. Clients send names in any case; ours arrive in lower case, and a
/// function that finds its way only through one spelling shall not work here by chance.
fn train_case(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect::<Vec<_>>()
        .join("-")
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    route_key: &'a str,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
    extended_request_id: &'a str,
    request_time: String,
    message_direction: &'static str,
    stage: &'static str,
    connected_at: u64,
    request_time_epoch: u64,
    identity: Identity<'a>,
    request_id: &'a str,
    domain_name: &'a str,
    connection_id: &'a str,
    api_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    source_ip: Cow<'a, str>,
}

/// What an event is about.
pub(super) enum About<'a> {
    /// A client wants in.
    Connect(ConnectRequest),
    /// A client said something.
    Message(&'a str),
    /// A client is gone.
    Disconnect { code: u16, reason: &'a str },
}

impl Gateway {
    /// The event for a function.
    pub(super) fn event(&self, connection: &Connection, route_key: &str, request_id: &str, about: About<'_>) -> Bytes {
        let (event_type, request, body, disconnect) = match about {
            About::Connect(request) => ("CONNECT", Some(request), None, None),
            About::Message(body) => ("MESSAGE", None, Some(body), None),
            About::Disconnect { code, reason } => ("DISCONNECT", None, None, Some((code, reason))),
        };
        let event = Event {
            request,
            request_context: Context {
                message_id: body.is_some().then(ids::gateway_id),
                disconnect_status_code: disconnect.map(|(code, _)| code),
                disconnect_reason: disconnect.map(|(_, reason)| reason),
                authorizer: (!connection.authorizer.is_empty()).then_some(&connection.authorizer),
                ..self.context(connection, route_key, event_type, request_id)
            },
            body,
            is_base64_encoded: false,
        };
        serde_json::to_vec(&event).unwrap_or_default().into()
    }

    /// The event for the authorizer.
    pub(super) fn authorizer_event(
        &self,
        connection: &Connection,
        request_id: &str,
        method_arn: &str,
        request: &ConnectRequest,
    ) -> Bytes {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct AuthorizerEvent<'a> {
            r#type: &'static str,
            method_arn: &'a str,
            #[serde(flatten)]
            request: &'a ConnectRequest,
            stage_variables: Map<String, Value>,
            request_context: Context<'a>,
        }
        let event = AuthorizerEvent {
            r#type: "REQUEST",
            method_arn,
            request,
            stage_variables: Map::new(),
            request_context: self.context(connection, "$connect", "CONNECT", request_id),
        };
        serde_json::to_vec(&event).unwrap_or_default().into()
    }

    fn context<'a>(
        &'a self,
        connection: &'a Connection,
        route_key: &'a str,
        event_type: &'static str,
        request_id: &'a str,
    ) -> Context<'a> {
        let now = clock::now_ms();
        Context {
            route_key,
            event_type,
            message_id: None,
            disconnect_status_code: None,
            disconnect_reason: None,
            extended_request_id: request_id,
            request_time: clock::gateway_time(now),
            message_direction: "IN",
            stage: STAGE,
            connected_at: connection.connected_at_ms,
            request_time_epoch: now,
            identity: Identity {
                user_agent: connection.user_agent.as_deref(),
                source_ip: connection.peer.ip().to_string().into(),
            },
            request_id,
            domain_name: &self.domain,
            connection_id: &connection.id,
            api_id: API_ID,
            authorizer: None,
        }
    }
}

/// The parameters of a query, decoded, in the order of their names.
pub(super) fn parse_query(query: Option<&str>) -> BTreeMap<String, Vec<String>> {
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(decode(name)).or_default().push(decode(value));
    }
    parameters
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let query = parse_query(Some("ticket=a%2Bb&x=1&x=2&flag"));
        assert_eq!(query["ticket"], ["a+b"]);
        assert_eq!(query["x"], ["1", "2"]);
        assert_eq!(query["flag"], [""]);
        assert_eq!(last_of_each(&query)["x"], "2");
        assert!(parse_query(None).is_empty());
    }

    #[test]
    fn header_names_are_spelt_as_clients_do() {
        assert_eq!(train_case("sec-websocket-key"), "Sec-Websocket-Key");
    }
}
