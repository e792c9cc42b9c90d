//! S3: `s3s` over files in a folder, or before a backend's.

use std::path::Path;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpResponse, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use crate::backend::files::Files;
use crate::faults::Injected;
use crate::front::{Call, Front, Service};
use crate::host::SECRET;
use crate::ledger::{Counters, Right};
use crate::names::Names;
use crate::server::{self, Ending};

/// Why the file store did not start.
#[derive(Debug, thiserror::Error)]
#[error("the file store in {folder} cannot start: {reason}")]
pub struct S3Error {
    folder: String,
    reason: String,
}

/// Who may sign: the person at the laptop, and every environment with its own key.
#[derive(Debug)]
struct Keys {
    own: String,
    front: Arc<Front>,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.own || self.front.badges().knows(access_key) {
            Ok(SecretKey::from(SECRET))
        } else {
            Err(s3_error!(InvalidAccessKeyId))
        }
    }
}

/// Serves the folder as S3 until the end, with one bucket in it; or, in its place, a backend's files.
pub(crate) fn serve(
    listener: TcpListener,
    ending: Ending,
    (folder, backend): (&Path, Option<Files>),
    access_key: &str,
    (front, names): (&Arc<Front>, Names),
) -> Result<(), S3Error> {
    let failed = |reason: String| S3Error { folder: folder.display().to_string(), reason };
    std::fs::create_dir_all(folder.join(names.bucket())).map_err(|error| failed(error.to_string()))?;
    let files = FileSystem::new(folder).map_err(|error| failed(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(Keys { own: access_key.to_owned(), front: Arc::clone(front) });
    if let Some(files) = backend {
        builder.set_route(files);
    }
    let service = builder.build();
    let front = Arc::clone(front);
    let names = Arc::new(names);
    server::serve(listener, ending, move |request, _| {
        let service = service.clone();
        let front = Arc::clone(&front);
        let names = Arc::clone(&names);
        async move { answer(&service, &front, &names, request).await }
    });
    Ok(())
}

async fn answer(service: &S3Service, front: &Front, names: &Names, request: Request<Incoming>) -> HttpResponse {
    // Browsers transfer files directly, so the bucket has CORS, which `s3s` leaves to others.
    let mut response = if server::is_preflight(&request) {
        Response::new(s3s::Body::empty())
    } else {
        let caller = front.badges().caller(request.headers(), request.uri().query());
        let bill = bill(&request);
        let operation = request.method().to_string();
        front.note(&caller, || {
            right(&operation, request.uri().path()).map(|right| names.told(right)).into_iter().collect()
        });
        let call = Call { service: Service::S3, operation: &operation, caller: &caller };
        let serve = async {
            let response = service.call(request.map(s3s::Body::from)).await.unwrap_or_else(|error| {
                let mut response = Response::new(s3s::Body::from(format!("{error:?}")));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            });
            (response, bill)
        };
        front.call(call, serve).await.unwrap_or_else(Injected::by_s3)
    };
    server::allow_any_origin(&mut response);
    response
}

/// What a role must allow for a request on a file. A part of an upload and its completion are putting it.
fn right(method: &str, path: &str) -> Option<Right> {
    let (bucket, _) = path.trim_start_matches('/').split_once('/')?;
    let action = match method {
        "GET" | "HEAD" => "s3:GetObject",
        "DELETE" => "s3:DeleteObject",
        _ => "s3:PutObject",
    };
    Some(Right::on(action, format!("bucket/{bucket}")))
}

/// S3 bills writes and lists twelve times as high as reads, and deletes not at all.
fn bill(request: &Request<Incoming>) -> Counters {
    let lists = || {
        let path = request.uri().path().trim_matches('/');
        // A bucket without a key.
        !path.contains('/')
    };
    match *request.method() {
        Method::DELETE => Counters::default(),
        Method::GET if lists() => Counters { storage_writes: 1, ..Counters::default() },
        Method::GET | Method::HEAD => Counters { storage_reads: 1, ..Counters::default() },
        _ => Counters { storage_writes: 1, ..Counters::default() },
    }
}
