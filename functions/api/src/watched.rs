//! What stands around every request: the fields of its log lines, and its metrics.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use lambda_http::RequestExt;
use tidings_metrics::Metric;
use tidings_runtime::invocation;
use tidings_runtime::meter::Meter;

/// The same routes, watched.
pub(crate) fn watched(routes: Router, meter: Meter) -> Router {
    // Only what is inside knows which route it was.
    routes.route_layer(from_fn(name)).layer(from_fn_with_state(meter, watch))
}

async fn name(request: Request, next: Next) -> Response {
    if let Some(path) = request.extensions().get::<MatchedPath>() {
        invocation::is_for(&format!("{} {}", request.method(), path.as_str()));
    }
    next.run(request).await
}

async fn watch(State(meter): State<Meter>, request: Request, next: Next) -> Response {
    let context = request.lambda_context_ref().cloned().unwrap_or_default();
    let served = async {
        let response = next.run(request).await;
        if let Some(metric) = refusal(response.status()) {
            meter.count(metric, 1);
        }
        response
    };
    invocation::watch(&meter, invocation::span(&context), served).await
}

/// Whose fault a status says it was.
fn refusal(status: StatusCode) -> Option<Metric> {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => Some(Metric::Unavailable),
        status if status.is_server_error() => Some(Metric::InternalFaults),
        status if status.is_client_error() => Some(Metric::Refusals),
        _ => None,
    }
}
