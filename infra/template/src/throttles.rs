//! How many requests a second a route takes, where that is less than its API takes altogether.
//!
//! They stand in the template as numbers and not as parameters: the settings of routes are free-form JSON, in which
//! CloudFormation hands on every parameter as a text.

use serde_json::{Map, Value, json};

/// A limit for one route. The burst is a second's worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// The route key.
    pub route: &'static str,
    /// Requests a second, over all callers.
    pub per_s: u32,
}

/// Routes of the socket.
pub const SOCKET: &[Throttle] = &[
    // What the account may have. Source: API Gateway quotas, "New connections per second per account".
    Throttle { route: "$connect", per_s: 500 },
    // Each device syncs after it has connected, and once an hour; twice the connections leaves room for both.
    Throttle { route: "sync", per_s: 1_000 },
    // Pages beyond a frame come over HTTP; what scrolls back faster than this is a crawler.
    Throttle { route: "history", per_s: 1_000 },
    // People look up people one at a time. Whoever collects names does it slowly.
    Throttle { route: "user.get", per_s: 200 },
    // A search for each letter that somebody types. Whoever collects names this way does it slowly, too.
    Throttle { route: "user.search", per_s: 200 },
    // A user name that is changed is five items of one transaction, some in partitions that others share.
    Throttle { route: "user.update", per_s: 100 },
];

/// Routes of the HTTP API.
pub const HTTP: &[Throttle] = &[
    // A sign-up hashes a password: 20 ms of a whole core. A thousand new people in less than two minutes.
    Throttle { route: "POST /v1/accounts", per_s: 10 },
    // So does each guess at a password.
    Throttle { route: "POST /v1/sessions", per_s: 50 },
    // A device refreshes once in the life of an access token, or after it was away.
    Throttle { route: "POST /v1/sessions/refresh", per_s: 500 },
    // Each hashes twice, and is a guess at a password.
    Throttle { route: "PUT /v1/account/password", per_s: 10 },
    Throttle { route: "DELETE /v1/account", per_s: 10 },
    // One for each new connection.
    Throttle { route: "POST /v1/tickets", per_s: 500 },
];

/// As the `RouteSettings` of a stage.
pub(crate) fn settings(throttles: &[Throttle]) -> Value {
    let settings: Map<String, Value> = throttles
        .iter()
        .map(|Throttle { route, per_s }| {
            ((*route).to_owned(), json!({ "ThrottlingRateLimit": per_s, "ThrottlingBurstLimit": per_s }))
        })
        .collect();
    Value::Object(settings)
}

#[cfg(test)]
mod tests {
    use tidings_protocol::actions::action;
    use tidings_protocol::http::ROUTES;

    use super::*;

    #[test]
    fn only_routes_that_there_are_have_limits() {
        for Throttle { route, .. } in SOCKET {
            assert!(action(route).is_some(), "{route}");
        }
        for Throttle { route, .. } in HTTP {
            assert!(ROUTES.iter().any(|there| format!("{} {}", there.method, there.path) == *route), "{route}");
        }
    }
}
