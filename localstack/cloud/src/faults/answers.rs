//! How each service says what is injected into it: in the words that an AWS SDK takes for the real thing.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::calls::Injected;
use crate::host::InvokeError;
use crate::ids;
use crate::server::{self, Body};

const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

impl Injected {
    /// As DynamoDB says it.
    pub(crate) fn by_dynamodb(self) -> Response<Body> {
        let (status, kind, text) = match self {
            Self::Throttled => (
                StatusCode::BAD_REQUEST,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal server error"),
            Self::Broken => return server::hang_up(Response::default()),
        };
        aws_json(status, &format!("com.amazonaws.dynamodb.v20120810#{kind}"), text)
    }

    /// As SQS says it.
    pub(crate) fn by_sqs(self) -> Response<Body> {
        let (status, kind, text, fault) = match self {
            Self::Throttled => (
                StatusCode::BAD_REQUEST,
                "RequestThrottled",
                "The request was denied due to request throttling.",
                "RequestThrottled;Sender",
            ),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or failure.",
                "InternalFailure;Receiver",
            ),
            Self::Broken => return server::hang_up(Response::default()),
        };
        let mut response = aws_json(status, &format!("com.amazonaws.sqs#{kind}"), text);
        response.headers_mut().insert(QUERY_ERROR, HeaderValue::from_static(fault));
        response
    }

    /// As S3 says it.
    pub(crate) fn by_s3(self) -> Response<s3s::Body> {
        let (status, code, text) = match self {
            Self::Throttled => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
            Self::Broken => return server::hang_up(Response::new(s3s::Body::empty())),
        };
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{text}</Message>\
             <RequestId>{}</RequestId></Error>",
            ids::uuid()
        );
        server::respond(status, "application/xml", xml).map(s3s::Body::http_body)
    }

    /// As the gateway's management API says it.
    pub(crate) fn by_connections(self) -> Response<Body> {
        let (status, kind, text) = match self {
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Too Many Requests"),
            Self::Failed => {
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException", "Internal server error")
            }
            Self::Broken => return server::hang_up(Response::default()),
        };
        server::refuse(status, kind, text)
    }

    /// As the HTTP API says it.
    pub(crate) fn by_http_api(self) -> Response<Body> {
        match self {
            Self::Throttled => server::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::Failed => server::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Self::Broken => server::hang_up(Response::default()),
        }
    }

    /// As Lambda says it to whoever calls a function.
    pub(crate) fn by_lambda(self) -> InvokeError {
        match self {
            Self::Throttled => InvokeError::Throttled,
            Self::Failed | Self::Broken => InvokeError::Service,
        }
    }
}

fn aws_json(status: StatusCode, kind: &str, text: &str) -> Response<Body> {
    server::aws_json(status, serde_json::json!({ "__type": kind, "message": text }).to_string())
}
