//! The WebSocket API, of plain resources: SAM's own type for it knows neither mock integrations nor route responses.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidings_manifest::{Function, Trigger};
use tidings_protocol::actions::{ACTIONS, Action};

use crate::document::{Named, Resource, Section};
use crate::domains::SOCKET_DOMAIN;
use crate::functions::{self, invocation, permission};
use crate::intrinsics::{arn, either, named, reference, sub};
use crate::parameters::{EMULATED, SETS_GATEWAY_ROLE};
use crate::{access_logs, names, throttles};

/// The only stage of the API. A stage of the deployment is a stack of its own.
pub(crate) const STAGE: &str = "live";

const CONNECT: &str = "$connect";

/// What a line of the access log says.
const LOG_FIELDS: &[(&str, &str)] = &[
    ("time", "$context.requestTimeEpoch"),
    ("request", "$context.requestId"),
    ("connection", "$context.connectionId"),
    ("route", "$context.routeKey"),
    ("status", "$context.status"),
    ("error", access_logs::ERROR),
    ("integration_error", "$context.integrationErrorMessage"),
];

/// The API with its routes.
pub(crate) fn section(functions: &[Function]) -> Section {
    let mut resources = Named::default();
    let api = json!({
        "Name": named("socket"),
        "Description": "Tidings: one socket for each device",
        "ProtocolType": "WEBSOCKET",
        "RouteSelectionExpression": "$request.body.action",
    });
    resources.add("SocketApi", Resource::new("AWS::ApiGatewayV2::Api", api));
    let authorizer = functions.iter().find(|function| function.manifest.trigger == Trigger::Authorizer);
    if let Some(authorizer) = authorizer {
        add_authorizer(&mut resources, &authorizer.name);
    }
    let serving: BTreeSet<_> = ACTIONS.iter().filter_map(|action| action.function).collect();
    for function in &serving {
        resources.add(integration_id(function), integration(function));
        resources.add(
            format!("SocketInvokes{}", names::camel(function)),
            permission(function, &format!("${{SocketApi}}/{STAGE}/*")),
        );
    }
    for action in ACTIONS {
        add_route(&mut resources, action, authorizer.is_some());
    }
    resources.add("SocketLogGroup", access_logs::group("socket"));
    add_gateway_role(&mut resources);
    resources.add("SocketStage", stage());
    Section { title: "The WebSocket API: a route for each action", resources }
}

fn add_authorizer(resources: &mut Named<Resource>, function: &str) {
    let authorizer = json!({
        "ApiId": reference("SocketApi"),
        "Name": "ticket",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": invocation(function),
        // Without a ticket nobody is asked.
        "IdentitySource": ["route.request.querystring.ticket"],
    });
    resources.add("SocketAuthorizer", Resource::new("AWS::ApiGatewayV2::Authorizer", authorizer));
    resources.add("SocketAsksAuthorizer", permission(function, "${SocketApi}/authorizers/${SocketAuthorizer}"));
}

fn integration_id(function: &str) -> String {
    format!("SocketTo{}", names::camel(function))
}

fn integration(function: &str) -> Resource {
    Resource::new("AWS::ApiGatewayV2::Integration", functions::integration("SocketApi", function))
}

/// What swallows a frame: nobody is called, nothing is answered.
fn mock() -> Resource {
    Resource::new(
        "AWS::ApiGatewayV2::Integration",
        json!({
            "ApiId": reference("SocketApi"),
            "IntegrationType": "MOCK",
            "TemplateSelectionExpression": "200",
            "RequestTemplates": { "200": "{\"statusCode\":200}" },
        }),
    )
}

/// The logical id of an action's route.
pub fn route_id(action: &Action) -> String {
    format!("SocketRoute{}", names::camel(action.name))
}

fn add_route(resources: &mut Named<Resource>, action: &Action, has_authorizer: bool) {
    let integration =
        action.function.map_or_else(|| format!("SocketSwallows{}", names::camel(action.name)), integration_id);
    if action.function.is_none() {
        resources.add(&integration, mock());
    }
    let id = route_id(action);
    let mut route = json!({
        "ApiId": reference("SocketApi"),
        "RouteKey": action.name,
        "Target": sub(format!("integrations/${{{integration}}}")),
    });
    if action.name == CONNECT && has_authorizer {
        route["AuthorizationType"] = json!("CUSTOM");
        route["AuthorizerId"] = reference("SocketAuthorizer");
    }
    if action.answers() {
        route["RouteResponseSelectionExpression"] = json!("$default");
    }
    resources.add(&id, Resource::new("AWS::ApiGatewayV2::Route", route));
    if action.answers() {
        let response = json!({
            "ApiId": reference("SocketApi"),
            "RouteId": reference(&id),
            "RouteResponseKey": "$default",
        });
        // MiniStack returns what a function says without it, and knows no such resource. The stage cannot wait for what
        // depends on a condition; it deploys by itself whatever comes after it.
        resources.add(format!("{id}Answers"), Resource::new("AWS::ApiGatewayV2::RouteResponse", response).on_aws());
    }
}

/// The account's setting.
const ACCOUNT: &str = "GatewayAccount";

/// WebSocket APIs log through a role that is a setting of the whole account and region.
fn add_gateway_role(resources: &mut Named<Resource>) {
    let role = json!({
        "Description": "Lets API Gateway write logs, for all WebSocket APIs of the account in this region",
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "apigateway.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }],
        },
        "ManagedPolicyArns": [
            sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
        ],
    });
    // The setting outlives the stack, and so must what it names: every other API of the account logs through it.
    let role = Resource::new("AWS::IAM::Role", role).when(SETS_GATEWAY_ROLE).left_behind();
    resources.add("GatewayLogWriter", role);
    let account = json!({ "CloudWatchRoleArn": arn("GatewayLogWriter") });
    // An account in which nothing of API Gateway ever was does not take the setting yet.
    let account = Resource::new("AWS::ApiGateway::Account", account).after(["SocketApi".to_owned()]);
    resources.add(ACCOUNT, account.when(SETS_GATEWAY_ROLE).left_behind());
}

fn stage() -> Resource {
    // The settings name routes by their keys, which CloudFormation does not take for references.
    let routes = ACTIONS.iter().map(route_id);
    let properties = json!({
        "ApiId": reference("SocketApi"),
        "StageName": STAGE,
        // Named so that the stage waits for it: a condition's resource may not stand under DependsOn.
        "Description": either(SETS_GATEWAY_ROLE, sub(format!("Logs as set by ${{{ACCOUNT}}}")), "Logs as the account does"),
        "AutoDeploy": true,
        "AccessLogSettings": access_logs::settings("SocketLogGroup", LOG_FIELDS),
        "DefaultRouteSettings": {
            "ThrottlingRateLimit": reference("SocketRequestsPerS"),
            "ThrottlingBurstLimit": reference("SocketRequestBurst"),
            // Frames would be in it.
            "DataTraceEnabled": false,
        },
        "RouteSettings": throttles::settings(throttles::SOCKET),
    });
    Resource::new("AWS::ApiGatewayV2::Stage", properties).after(routes)
}

/// Where functions post to connections.
pub(crate) fn management_endpoint() -> Value {
    either(EMULATED, emulated("http"), sub(format!("https://{HOST}/{STAGE}")))
}

/// Where clients connect to.
pub(crate) fn url() -> Value {
    let own = sub(format!("wss://{HOST}/{STAGE}"));
    let deployed = either(SOCKET_DOMAIN.condition, sub("wss://${SocketDomain}"), own);
    either(EMULATED, emulated("ws"), deployed)
}

/// The API's own host.
pub(crate) const HOST: &str = "${SocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}";

fn emulated(scheme: &str) -> Value {
    sub(format!("{scheme}://${{EmulatorHost}}/_aws/execute-api/${{SocketApi}}/{STAGE}"))
}
