//! The HTTP API, of plain routes: emulators ignore the routes of an OpenAPI document in a template, and SAM's own type
//! writes one.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidings_protocol::http::{HttpRoute, ROUTES};

use crate::document::{Named, Resource, Section};
use crate::domains::API_DOMAIN;
use crate::functions::{self, permission};
use crate::intrinsics::{either, named, reference, sub};
use crate::parameters::EMULATED;
use crate::{access_logs, names, throttles};

/// How long a browser may remember what it may send where, in seconds: as long as any browser remembers it (Firefox a
/// day, others less).
const CORS_AGE_S: u32 = 24 * 60 * 60;

/// What a line of the access log says.
const LOG_FIELDS: &[(&str, &str)] = &[
    ("time", "$context.requestTimeEpoch"),
    ("request", "$context.requestId"),
    ("route", "$context.routeKey"),
    ("status", "$context.status"),
    ("error", access_logs::ERROR),
    ("integration_error", "$context.integrationErrorMessage"),
];

/// The API with its routes.
pub(crate) fn section() -> Section {
    let mut resources = Named::default();
    let methods: BTreeSet<_> = ROUTES.iter().map(|route| route.method).collect();
    let api = json!({
        "Name": named("api"),
        "Description": "Tidings: signing in, and whatever is large",
        "ProtocolType": "HTTP",
        "CorsConfiguration": {
            "AllowOrigins": reference("AllowedOrigins"),
            "AllowMethods": methods,
            "AllowHeaders": ["authorization", "content-type"],
            "MaxAge": CORS_AGE_S,
        },
    });
    resources.add("HttpApi", Resource::new("AWS::ApiGatewayV2::Api", api));
    let serving: BTreeSet<_> = ROUTES.iter().map(|route| route.function).collect();
    for function in serving {
        resources.add(integration_id(function), integration(function));
        resources.add(format!("HttpInvokes{}", names::camel(function)), permission(function, "${HttpApi}/*"));
    }
    for route in ROUTES {
        resources.add(route_id(route), self::route(route));
    }
    resources.add("HttpLogGroup", access_logs::group("api"));
    resources.add("HttpStage", stage());
    Section { title: "The HTTP API: a route for each operation", resources }
}

fn integration_id(function: &str) -> String {
    format!("HttpTo{}", names::camel(function))
}

fn integration(function: &str) -> Resource {
    let mut properties = functions::integration("HttpApi", function);
    properties["PayloadFormatVersion"] = json!("2.0");
    Resource::new("AWS::ApiGatewayV2::Integration", properties)
}

/// The logical id of a route.
pub fn route_id(route: &HttpRoute) -> String {
    format!("HttpRoute{}", names::camel(route.operation))
}

fn route(route: &HttpRoute) -> Resource {
    Resource::new(
        "AWS::ApiGatewayV2::Route",
        json!({
            "ApiId": reference("HttpApi"),
            "RouteKey": format!("{} {}", route.method, route.path),
            "OperationName": route.operation,
            "Target": sub(format!("integrations/${{{}}}", integration_id(route.function))),
        }),
    )
}

fn stage() -> Resource {
    let properties = json!({
        "ApiId": reference("HttpApi"),
        "StageName": "$default",
        "AutoDeploy": true,
        "AccessLogSettings": access_logs::settings("HttpLogGroup", LOG_FIELDS),
        "DefaultRouteSettings": {
            "ThrottlingRateLimit": reference("HttpRequestsPerS"),
            "ThrottlingBurstLimit": reference("HttpRequestBurst"),
        },
        "RouteSettings": throttles::settings(throttles::HTTP),
    });
    // The settings name routes by their keys, which CloudFormation does not take for references.
    Resource::new("AWS::ApiGatewayV2::Stage", properties).after(ROUTES.iter().map(route_id))
}

/// The API's own host.
pub(crate) const HOST: &str = "${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}";

/// Where clients find it.
pub(crate) fn url() -> Value {
    let deployed = either(API_DOMAIN.condition, sub("https://${ApiDomain}"), sub(format!("https://{HOST}")));
    either(EMULATED, sub("http://${EmulatorHost}/_aws/execute-api/${HttpApi}/$default"), deployed)
}
