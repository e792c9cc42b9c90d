//! A backend's files: makes the bucket, and passes on what is asked of it.
//!
//! `s3s` stays in front. It checks the signature and takes the wrapping of chunked uploads off; what is left is signed
//! anew, without its content, and streams through in both directions.

use aws_sigv4::http_request::SignableBody;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

use super::remote::{self, Outgoing, Remote, RemoteError};
use super::{Backend, BackendError};

/// Headers that are of a connection, a signature or a wrapping, and not of a file.
const NOT_PASSED_ON: [HeaderName; 11] = [
    header::AUTHORIZATION,
    header::HOST,
    header::CONNECTION,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("x-amz-content-sha256"),
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-decoded-content-length"),
    HeaderName::from_static("x-amz-security-token"),
    HeaderName::from_static("x-amz-trailer"),
    // Announces a checksum that came in the trailer, with the wrapping.
    HeaderName::from_static("x-amz-sdk-checksum-algorithm"),
];
/// The wrapping of a chunked upload, as a content encoding.
const WRAPPING: &str = "aws-chunked";

/// The files of a backend.
#[derive(Debug)]
pub(crate) struct Files {
    remote: Remote,
}

impl Files {
    /// With the bucket.
    pub(crate) async fn on(backend: &Backend) -> Result<Self, BackendError> {
        let files = Self { remote: Remote::new(backend, remote::Service::S3)? };
        let bucket = backend.names().bucket();
        match files.ask_for_bucket(Method::HEAD, &bucket).await? {
            StatusCode::OK => Ok(files),
            StatusCode::NOT_FOUND => match files.ask_for_bucket(Method::PUT, &bucket).await? {
                // Another cloud was faster.
                StatusCode::OK | StatusCode::CONFLICT => Ok(files),
                status => Err(failed(RemoteError::Refused { status, answer: "the bucket is not made".to_owned() })),
            },
            status => Err(failed(RemoteError::Refused { status, answer: format!("no answer for {bucket}") })),
        }
    }

    async fn ask_for_bucket(&self, method: Method, bucket: &str) -> Result<StatusCode, BackendError> {
        let refused =
            |error: http::uri::InvalidUri| RemoteError::Silent { url: bucket.to_owned(), reason: error.to_string() };
        let path = PathAndQuery::try_from(format!("/{bucket}")).map_err(refused).map_err(failed)?;
        let nothing: Outgoing = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let sent = self.remote.send(method, path, HeaderMap::new(), SignableBody::Bytes(b""), nothing);
        Ok(self.remote.in_time(sent).await.map_err(failed)?.status())
    }
}

fn failed(reason: RemoteError) -> BackendError {
    BackendError::Fails { what: "S3's bucket".to_owned(), reason }
}

#[async_trait::async_trait]
impl S3Route for Files {
    fn is_match(&self, _: &Method, _: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        true
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let S3Request { input, method, uri, headers, .. } = request;
        if is_form(&headers) {
            // s3s has read it already.
            return Err(s3_error!(NotImplemented, "uploads by forms are not passed on"));
        }
        let path = PathAndQuery::try_from(passed_on_path(&uri)).map_err(|error| s3_error!(error, InvalidURI))?;
        let body = input.boxed_unsync();
        let sent = self.remote.send(method, path, passed_on(headers), SignableBody::UnsignedPayload, body).await;
        let (parts, answer) = sent.map_err(|error| s3_error!(error, ServiceUnavailable))?.into_parts();
        let mut response = S3Response::new(Body::from(answer));
        response.status = Some(parts.status);
        response.headers = parts.headers;
        response.headers.remove(header::CONNECTION);
        response.headers.remove(header::TRANSFER_ENCODING);
        Ok(response)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// The path with its query, but for a signature in it.
fn passed_on_path(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let left: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("X-Amz-")).collect();
    if left.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), left.join("&")) }
}

/// The headers that go on.
fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    for name in &NOT_PASSED_ON {
        headers.remove(name);
    }
    if let Some(encodings) = headers.get(header::CONTENT_ENCODING).and_then(|encodings| encodings.to_str().ok()) {
        let left: Vec<_> = encodings.split(',').map(str::trim).filter(|encoding| *encoding != WRAPPING).collect();
        let left = HeaderValue::try_from(left.join(","));
        headers.remove(header::CONTENT_ENCODING);
        if let Ok(left) = left
            && !left.is_empty()
        {
            headers.insert(header::CONTENT_ENCODING, left);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_wrappings_stay_behind() {
        for (path, expected) in [
            ("/b/k", "/b/k"),
            ("/b/a%20b?X-Amz-Signature=0&X-Amz-Date=1", "/b/a%20b"),
            ("/b/k?uploadId=7&X-Amz-Expires=60&partNumber=2", "/b/k?uploadId=7&partNumber=2"),
            ("/b?list-type=2", "/b?list-type=2"),
        ] {
            assert_eq!(passed_on_path(&path.parse().unwrap()), expected);
        }
        let headers = [
            ("authorization", "AWS4"),
            ("x-amz-date", "now"),
            ("content-encoding", "aws-chunked, gzip"),
            ("x-amz-meta-name", "kept"),
            ("range", "bytes=0-1"),
        ];
        let headers: HeaderMap =
            headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).into_iter().collect();
        let left = passed_on(headers);
        let mut names: Vec<_> = left.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-encoding", "range", "x-amz-meta-name"]);
        assert_eq!(left[header::CONTENT_ENCODING], "gzip");
        let wrapped = HeaderMap::from_iter([(header::CONTENT_ENCODING, "aws-chunked".parse().unwrap())]);
        assert!(passed_on(wrapped).is_empty());
    }
}
