//! Who calls a service, and for which use case.
//!
//! Each environment of a function has an access key of its own, and a badge under it that says what it works on. So
//! a service knows by a request's signature whom the call is for, without any help from the function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use http::HeaderMap;
use tokio::sync::watch;

use crate::faults::{Fate, Fuse};

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

    /// The environment that calls, if a function does.
    pub(crate) fn environment(&self) -> Option<&Badge> {
        self.environment.as_deref()
    }
}

/// What one environment works on, and how that ends.
#[derive(Debug)]
pub(crate) struct Badge {
    function: String,
    /// Whom it works for.
    principal: Mutex<Caller>,
    /// When its process is to be killed.
    fuse: Fuse,
    gone: watch::Sender<bool>,
}

impl Badge {
    /// The badge of an environment of that function, which starts: nothing is injected into that.
    pub(crate) fn new(function: &str) -> Self {
        let principal = Caller::new(format!("init:{function}")).spared();
        Self {
            function: function.to_owned(),
            principal: Mutex::new(principal),
            fuse: Fuse::default(),
            gone: watch::channel(false).0,
        }
    }

    /// The function's name.
    pub(crate) fn function(&self) -> &str {
        &self.function
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

    /// Its process has ended.
    pub(crate) fn end(&self) {
        self.gone.send_replace(true);
    }

    /// Waits until its process has ended.
    pub(crate) async fn ended(&self) {
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// It calls for whom it works for.
    fn caller(self: &Arc<Self>) -> Caller {
        let principal = self.principal.lock().unwrap_or_else(PoisonError::into_inner);
        Caller { environment: Some(Arc::clone(self)), ..principal.clone() }
    }
}

/// The badges that are out, by access key id.
#[derive(Debug, Default)]
pub(crate) struct Badges(RwLock<HashMap<String, Arc<Badge>>>);

impl Badges {
    /// Gives out a badge under an access key id.
    pub(crate) fn admit(&self, access_key: &str, badge: Arc<Badge>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(access_key.to_owned(), badge);
    }

    /// Takes a badge back.
    pub(crate) fn dismiss(&self, access_key: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(access_key);
    }

    /// Whether an environment holds that access key.
    pub(crate) fn knows(&self, access_key: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(access_key)
    }

    /// Who signed a request. Signatures aren't checked: this is a laptop.
    pub(crate) fn caller(&self, headers: &HeaderMap, query: Option<&str>) -> Caller {
        let badge = |key| self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(badge) = header_access_key(headers).and_then(badge) {
            return badge.caller();
        }
        match query.and_then(query_access_key).and_then(badge) {
            // A client with a request that the function has signed: the function itself may do other things by now.
            Some(badge) => Caller { environment: None, ..badge.caller() },
            None => Caller::external(),
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
        let badges = Badges::default();
        let badge = Arc::new(Badge::new("send"));
        badges.admit("LOCAL7", Arc::clone(&badge));
        let mut headers = HeaderMap::new();
        let seen = |headers: &HeaderMap, query: Option<&str>| {
            let caller = badges.caller(headers, query);
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
        badges.dismiss("LOCAL7");
        assert_eq!(seen(&headers, Some(query)), external);
    }
}
