//! The one place that every service call passes: gateway frames and posts, HTTP requests, function calls, tables,
//! queues, files. Here a call gets its use case, its entry in the ledger, and its faults.
//!
//! Whatever shall happen to calls in general belongs into [`Front::call`], because nothing reaches a service by
//! another way. What the cloud does by itself, and nobody calls for, is only booked: [`Front::book`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::HeaderMap;

use crate::activity::Activity;
use crate::faults::{CallFault, Fate, Faults, Fuse, Injected};
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
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// `message.send`, `GET /v1/sync`, `queue:retry`, `external` ...
    pub use_case: Arc<str>,
    /// Whether faults may be injected into what it calls for.
    pub exposed: bool,
    /// The environment that calls, if a function does.
    environment: Option<Arc<Badge>>,
}

impl Caller {
    /// The cloud itself, which serves this use case.
    pub(crate) fn new(use_case: impl Into<Arc<str>>) -> Self {
        Self { use_case: use_case.into(), exposed: true, environment: None }
    }

    /// The same, but nothing is injected.
    pub(crate) fn spared(self) -> Self {
        Self { exposed: false, ..self }
    }

    /// Somebody outside the cloud: a person with the AWS CLI, a test. They want to see what is.
    pub(crate) fn external() -> Self {
        Self::new("external").spared()
    }
}

/// The use case that one environment works on. Each environment has its own access key, so a service knows by the
/// request's signature whom the call is for, without any help from the function.
#[derive(Debug)]
pub(crate) struct Badge {
    function: String,
    /// Whom it works for.
    principal: Mutex<Caller>,
    /// When its process is to be killed.
    fuse: Fuse,
}

impl Badge {
    /// The badge of an environment of that function, which starts: nothing is injected into that.
    pub(crate) fn new(function: &str) -> Self {
        let principal = Caller::new(format!("init:{function}")).spared();
        Self { function: function.to_owned(), principal: Mutex::new(principal), fuse: Fuse::default() }
    }

    /// From now on it works for that caller, and ends like this.
    pub(crate) fn begin(&self, principal: Caller, fate: Option<Fate>) {
        self.fuse.set(fate);
        let principal = Caller { environment: None, ..principal };
        *self.principal.lock().unwrap_or_else(PoisonError::into_inner) = principal;
    }

    /// What it works on.
    pub(crate) fn use_case(&self) -> Arc<str> {
        Arc::clone(&self.principal.lock().unwrap_or_else(PoisonError::into_inner).use_case)
    }

    /// When its process is to be killed.
    pub(crate) fn fuse(&self) -> &Fuse {
        &self.fuse
    }

    /// It calls for whom it works for.
    fn caller(self: &Arc<Self>) -> Caller {
        let principal = self.principal.lock().unwrap_or_else(PoisonError::into_inner);
        Caller { environment: Some(Arc::clone(self)), ..principal.clone() }
    }
}

/// The front: badges, the ledger, the fault switch, and the count of what is under way.
#[derive(Debug, Default)]
pub(crate) struct Front {
    badges: RwLock<HashMap<String, Arc<Badge>>>,
    ledger: Ledger,
    faults: Faults,
    activity: Activity,
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

    /// What is under way.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
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
        let badge = |key| self.badges.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(badge) = header_access_key(headers).and_then(badge) {
            return badge.caller();
        }
        match query.and_then(query_access_key).and_then(badge) {
            // A client with a request that the function has signed: the function itself may do other things by now.
            Some(badge) => Caller { environment: None, ..badge.caller() },
            None => Caller::external(),
        }
    }

    /// Carries a call to its service, books what it cost, and injects faults. The service says the cost, because
    /// only it knows how many units an operation took; and it says an injected fault in its own words.
    pub(crate) async fn call<T>(
        &self,
        call: Call<'_>,
        serve: impl Future<Output = (T, Counters)>,
    ) -> Result<T, Injected> {
        let fault = if call.caller.exposed { self.faults.of_call(call.service) } else { CallFault::default() };
        if let Some(latency) = fault.latency {
            tokio::time::sleep(latency).await;
        }
        self.step(call.caller).await;
        if let Some(refused) = fault.refused {
            self.book(call, &Counters::default());
            return Err(refused);
        }
        let (answer, bill) = serve.await;
        self.book(call, &bill);
        self.step(call.caller).await;
        fault.lost.map_or(Ok(answer), Err)
    }

    /// Books what a call cost.
    pub(crate) fn book(&self, call: Call<'_>, bill: &Counters) {
        let operation = format!("{}.{}", call.service.as_str(), call.operation);
        self.ledger.book_call(&call.caller.use_case, operation, bill);
    }

    /// A call is about to take effect, or has just done so: the moment for its caller to be killed.
    async fn step(&self, caller: &Caller) {
        let Some(badge) = &caller.environment else { return };
        if badge.fuse.step() {
            self.faults.count_kill(&badge.function, Fate::During(badge.fuse.taken()));
            // The call is over when the process is: its end breaks the connection, and this is dropped.
            std::future::pending::<()>().await;
        }
    }
}

/// The access key id in a request's signature: `Authorization: AWS4-HMAC-SHA256 Credential=KEY/date/...`.
fn header_access_key(headers: &HeaderMap) -> Option<&str> {
    let signature = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = signature.split_once("Credential=")?;
    credential.split('/').next()
}

/// The access key id in a presigned query: `X-Amz-Credential=KEY%2Fdate...`.
fn query_access_key(query: &str) -> Option<&str> {
    let (_, credential) = query.split_once("X-Amz-Credential=")?;
    credential.split(['%', '/', '&']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_booked_for_who_signed_it() {
        let front = Front::default();
        let badge = Arc::new(Badge::new("send"));
        front.admit("LOCAL7", Arc::clone(&badge));
        let mut headers = HeaderMap::new();
        let seen = |headers: &HeaderMap, query: Option<&str>| {
            let caller = front.caller(headers, query);
            (caller.use_case.to_string(), caller.exposed, caller.environment.is_some())
        };
        let external = ("external".to_owned(), false, false);
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=LOCAL7%2F20261124%2Fus-east-1";
        let signature = "AWS4-HMAC-SHA256 Credential=LOCAL7/20261124/us-east-1/dynamodb/aws4_request, Signature=0";
        assert_eq!(seen(&headers, None), external);
        headers.insert("authorization", signature.parse().unwrap());
        assert_eq!(seen(&headers, None), ("init:send".to_owned(), false, true));
        badge.begin(Caller::new("message.send"), None);
        assert_eq!(seen(&headers, None), ("message.send".to_owned(), true, true));
        headers.clear();
        assert_eq!(seen(&headers, Some(query)), ("message.send".to_owned(), true, false));
        front.dismiss("LOCAL7");
        assert_eq!(seen(&headers, Some(query)), external);
    }
}
