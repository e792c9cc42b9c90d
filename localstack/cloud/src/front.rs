//! The one place that every service call passes: gateway frames and posts, HTTP requests, function calls, tables,
//! queues, files. Here a call gets its use case and its entry in the ledger.
//!
//! Whatever shall happen to calls in general (latency, throttling, errors, a reply lost after success) belongs into
//! [`Front::call`], because nothing reaches a service by another way.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::HeaderMap;

use crate::faults::Faults;
use crate::ledger::{Counters, Ledger};

/// The services that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// The WebSocket API: frames in and out, and `@connections`.
    Gateway,
    /// The HTTP API.
    Http,
    /// Function calls.
    Lambda,
    /// Tables.
    DynamoDb,
    /// Queues.
    Sqs,
    /// Files.
    S3,
    /// Logs.
    Logs,
}

impl Service {
    /// As the ledger spells it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Http => "http",
            Self::Lambda => "lambda",
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::S3 => "s3",
            Self::Logs => "logs",
        }
    }
}

/// One call on its way to a service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Which service.
    pub service: Service,
    /// Which operation, in the service's own words: `PutItem`, `SendMessage`, a function's name.
    pub operation: &'a str,
    /// Who calls, and what for.
    pub caller: &'a Caller,
}

/// Who calls: the use case that is being served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `message.send`, `GET /v1/sync`, `queue:retry`, `external` ...
    pub use_case: Arc<str>,
}

impl Caller {
    /// Somebody who serves this use case.
    pub(crate) fn new(use_case: impl Into<Arc<str>>) -> Self {
        Self { use_case: use_case.into() }
    }

    /// Somebody outside the cloud: a person with the AWS CLI, a test.
    pub(crate) fn external() -> Self {
        Self::new("external")
    }
}

/// The use case that one environment works on. Each environment has its own access key, so a service knows by the
/// request's signature whom the call is for, without any help from the function.
#[derive(Debug)]
pub(crate) struct Badge {
    use_case: Mutex<Arc<str>>,
}

impl Badge {
    /// A badge that says what its holder does before its first work: start.
    pub(crate) fn new(use_case: impl Into<Arc<str>>) -> Self {
        Self { use_case: Mutex::new(use_case.into()) }
    }

    /// From now on it works on this.
    pub(crate) fn set(&self, use_case: Arc<str>) {
        *self.use_case.lock().unwrap_or_else(PoisonError::into_inner) = use_case;
    }

    /// What it works on.
    pub(crate) fn caller(&self) -> Caller {
        Caller { use_case: Arc::clone(&self.use_case.lock().unwrap_or_else(PoisonError::into_inner)) }
    }
}

/// The front: badges, the ledger and the fault switch.
#[derive(Debug, Default)]
pub(crate) struct Front {
    badges: RwLock<HashMap<String, Arc<Badge>>>,
    ledger: Ledger,
    faults: Faults,
}

impl Front {
    /// The ledger, to read and to reset.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The fault switch.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Gives out a badge under an access key id.
    pub(crate) fn admit(&self, access_key: &str, badge: Arc<Badge>) {
        self.badges.write().unwrap_or_else(PoisonError::into_inner).insert(access_key.to_owned(), badge);
    }

    /// Takes a badge back.
    pub(crate) fn dismiss(&self, access_key: &str) {
        self.badges.write().unwrap_or_else(PoisonError::into_inner).remove(access_key);
    }

    /// Whether an environment holds that access key.
    pub(crate) fn knows(&self, access_key: &str) -> bool {
        self.badges.read().unwrap_or_else(PoisonError::into_inner).contains_key(access_key)
    }

    /// Who signed a request. Signatures aren't checked: this is a laptop.
    pub(crate) fn caller(&self, headers: &HeaderMap, query: Option<&str>) -> Caller {
        let badge = access_key(headers, query)
            .and_then(|key| self.badges.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned());
        badge.map_or_else(Caller::external, |badge| badge.caller())
    }

    /// Carries a call to its service and books what it cost. The service says the cost, because only it knows how
    /// many units an operation took.
    pub(crate) async fn call<T>(&self, call: Call<'_>, serve: impl Future<Output = (T, Counters)>) -> T {
        let (answer, bill) = serve.await;
        let operation = format!("{}.{}", call.service.as_str(), call.operation);
        self.ledger.book_call(&call.caller.use_case, operation, &bill);
        answer
    }
}

/// The access key id in a request's signature: `Authorization: AWS4-HMAC-SHA256 Credential=KEY/date/...`, or a
/// presigned query's `X-Amz-Credential=KEY%2Fdate...`.
fn access_key<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<&'a str> {
    let signed = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, credential)| credential.split('/').next());
    signed.or_else(|| {
        let (_, credential) = query?.split_once("X-Amz-Credential=")?;
        credential.split(['%', '/', '&']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_booked_for_who_signed_it() {
        let front = Front::default();
        let badge = Arc::new(Badge::new("init"));
        front.admit("LOCAL7", Arc::clone(&badge));
        badge.set("message.send".into());
        let mut headers = HeaderMap::new();
        assert_eq!(front.caller(&headers, None), Caller::external());
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=LOCAL7%2F20261124%2Fus-east-1";
        assert_eq!(front.caller(&headers, Some(query)), Caller::new("message.send"));
        let signature = "AWS4-HMAC-SHA256 Credential=LOCAL7/20261124/us-east-1/dynamodb/aws4_request, Signature=0";
        headers.insert("authorization", signature.parse().unwrap());
        assert_eq!(front.caller(&headers, None), Caller::new("message.send"));
        front.dismiss("LOCAL7");
        assert_eq!(front.caller(&headers, None), Caller::external());
    }
}
