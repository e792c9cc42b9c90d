//! Signed calls to one service of a backend.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use super::{Backend, BackendError};
use crate::clock;
use crate::host::REGION;

/// How long a backend may take to answer, files apart: the longest poll of a queue, and as much again.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// How long a connection is kept without a call. Python's servers end theirs after five seconds, and a call that meets
/// the end of its connection is lost. Source: uvicorn, `timeout_keep_alive`.
const KEPT_FOR: Duration = Duration::from_secs(4);
/// The largest answer that is read as a whole, in bytes: sixteen megabytes of items, and JSON around them. Source:
/// DynamoDB quotas, BatchGetItem.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It does not answer.
    #[error("{url} does not answer ({reason})")]
    Silent {
        /// Where it should be.
        url: String,
        /// What happened instead.
        reason: String,
    },
    /// It answers that it won't.
    #[error("{status}, {answer}")]
    Refused {
        /// HTTP's status.
        status: StatusCode,
        /// What it says of it.
        answer: String,
    },
}

impl RemoteError {
    /// Whether it is an error of that kind, in AWS's JSON protocol.
    pub(crate) fn is(&self, kind: &str) -> bool {
        let Self::Refused { answer, .. } = self else { return false };
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        let found = answer["__type"].as_str().unwrap_or_default();
        found.rsplit(['#', '.']).next() == Some(kind)
    }
}

/// What goes out: a whole body, or one that streams.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// The three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    Sqs,
    S3,
}

impl Service {
    /// As signatures spell it.
    fn signed_as(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::S3 => "s3",
        }
    }

    /// Before an operation's name, in AWS's JSON protocol, and the protocol's version.
    fn json(self) -> (&'static str, &'static str) {
        match self {
            Self::DynamoDb => ("DynamoDB_20120810", "application/x-amz-json-1.0"),
            Self::Sqs => ("AmazonSQS", "application/x-amz-json-1.0"),
            Self::S3 => ("AmazonS3", "application/xml"),
        }
    }
}

/// One service of a backend.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    client: Client<HttpConnector, Outgoing>,
    service: Service,
    authority: Authority,
    credentials: Credentials,
}

impl Remote {
    /// The service of that backend. Nobody is called yet.
    pub(crate) fn new(backend: &Backend, service: Service) -> Result<Self, BackendError> {
        let url = match service {
            Service::DynamoDb => &backend.dynamodb,
            Service::Sqs => &backend.sqs,
            Service::S3 => &backend.s3,
        };
        let origin = super::origin(url)?;
        let authority = origin.authority().cloned().ok_or_else(|| BackendError::Url(url.clone()))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_FOR)
            .build(connector);
        let credentials = Credentials::new(&backend.access_key_id, &backend.secret_access_key, None, None, "backend");
        Ok(Self { client, service, authority, credentials })
    }

    /// An operation in AWS's JSON protocol: what it answered, whatever that is.
    pub(crate) async fn operate(
        &self,
        operation: &str,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), RemoteError> {
        let (target, content_type) = self.service.json();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let target = HeaderValue::try_from(format!("{target}.{operation}")).map_err(|error| self.silent(&error))?;
        headers.insert(HeaderName::from_static("x-amz-target"), target);
        let signed = SignableBody::Bytes(&body);
        let whole = Full::new(body.clone()).map_err(|never| match never {}).boxed_unsync();
        let root = PathAndQuery::from_static("/");
        let exchange = async {
            let (parts, answer) = self.send(Method::POST, root, headers, signed, whole).await?.into_parts();
            let answer = Limited::new(answer, ANSWER_BYTES).collect().await.map_err(|error| self.silent(&error))?;
            Ok((parts.status, parts.headers, answer.to_bytes()))
        };
        self.in_time(exchange).await
    }

    /// Ends what takes too long: from the request to the last byte of its answer.
    pub(crate) async fn in_time<T>(
        &self,
        exchange: impl Future<Output = Result<T, RemoteError>>,
    ) -> Result<T, RemoteError> {
        tokio::time::timeout(ANSWER_WITHIN, exchange).await.unwrap_or_else(|late| Err(self.silent(&late)))
    }

    /// The same for ourselves, where a refusal is an error.
    pub(crate) async fn ask(&self, operation: &str, request: &impl serde::Serialize) -> Result<Value, RemoteError> {
        let body = serde_json::to_vec(request).map_err(|error| self.silent(&error))?;
        let (status, _, answer) = self.operate(operation, body.into()).await?;
        if !status.is_success() {
            return Err(RemoteError::Refused { status, answer: String::from_utf8_lossy(&answer).into_owned() });
        }
        // SQS answers some operations with nothing.
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|error| self.silent(&error))
    }

    /// Signs a request and sends it. A file may take as long as it takes; whatever else is sent, [`Self::in_time`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: PathAndQuery,
        headers: HeaderMap,
        signed: SignableBody<'_>,
        body: Outgoing,
    ) -> Result<Response<Incoming>, RemoteError> {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path).build();
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.map_err(|error| self.silent(&error))?;
        *request.headers_mut() = headers;
        self.sign(&mut request, signed).map_err(|reason| self.silent(&reason))?;
        self.client.request(request).await.map_err(|error| self.silent(&Causes(&error)))
    }

    fn sign(&self, request: &mut Request<Outgoing>, body: SignableBody<'_>) -> Result<(), String> {
        let mut settings = SigningSettings::default();
        if self.service == Service::S3 {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder().identity(&identity).region(REGION).name(self.service.signed_as());
        let params = params.time(clock::now()).settings(settings).build().map_err(|error| error.to_string())?.into();
        // S3 wants all of these signed, and signatures of what isn't text can't be.
        let headers: Vec<_> = request
            .headers()
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-"))
            .map(|(name, value)| value.to_str().map(|value| (name.as_str(), value)))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let url = request.uri().to_string();
        let signable = SignableRequest::new(request.method().as_str(), url, headers.into_iter(), body);
        let signed = sign(signable.map_err(|error| error.to_string())?, &params).map_err(|error| error.to_string())?;
        signed.into_parts().0.apply_to_request_http1x(request);
        Ok(())
    }

    fn silent(&self, reason: &dyn std::fmt::Display) -> RemoteError {
        RemoteError::Silent { url: format!("http://{}", self.authority), reason: reason.to_string() }
    }
}

/// An error with what caused it: hyper's own say no more than "client error (Connect)".
struct Causes<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut next = Some(self.0);
        let mut first = true;
        while let Some(error) = next {
            write!(formatter, "{}{error}", if first { "" } else { ": " })?;
            first = false;
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_is_read_with_and_without_its_namespace() {
        for kind in ["com.amazonaws.sqs#QueueDoesNotExist", "QueueDoesNotExist", "AWS.SQS.QueueDoesNotExist"] {
            let answer = serde_json::json!({ "__type": kind }).to_string();
            let error = RemoteError::Refused { status: StatusCode::BAD_REQUEST, answer };
            assert!(error.is("QueueDoesNotExist") && !error.is("Queue"), "{kind}");
        }
    }
}
