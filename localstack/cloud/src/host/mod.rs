//! The Lambda host: runs the real function binaries and speaks the Runtime API to them.
//!
//! - [`pool`]: one function's environments, and invocations that wait for one,
//! - [`environment`]: one process, its life and its freezing,
//! - [`runtime_api`]: what the processes ask over HTTP,
//! - [`logs`]: what they print,
//! - [`invoke_api`]: `POST /2015-03-31/functions/{name}/invocations` for any AWS client.

mod environment;
pub(crate) mod invoke_api;
mod logs;
mod pool;
mod runtime_api;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tidings_manifest::Manifest;
use tokio::sync::oneshot;

use crate::caller::Caller;
use crate::front::{Call, Front, Service};
use crate::ids;
use crate::ledger::Counters;
use crate::limits::Limits;
use crate::say::Loudness;
use crate::server::Ending;
use crate::state::FunctionState;
use environment::Environment;
use pool::Pool;

/// The account that everything here belongs to.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The region that everything here is in.
pub(crate) const REGION: &str = "us-east-1";
/// The secret of every access key here.
pub(crate) const SECRET: &str = "local-secret";

/// One function that the host can run.
#[derive(Debug, Clone)]
pub(crate) struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// Its executable.
    pub binary: PathBuf,
    /// Memory, time-out and the rest.
    pub manifest: Manifest,
    /// Its own environment variables: the parameters that it reads, and the signing key if it signs.
    pub own: BTreeMap<String, String>,
}

/// Why an invocation brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvokeError {
    /// The function returned an error: its JSON, with `errorType` and `errorMessage`.
    Function(Bytes),
    /// It took longer than its time-out; its environment is gone.
    TimedOut,
    /// Its process ended while it worked, or before it asked for work.
    Crashed(String),
    /// Too many invocations at once in the account.
    Throttled,
    /// The event or the answer is larger than Lambda carries.
    TooLarge,
    /// The service itself failed; the function may have run or not.
    Service,
    /// There is no such function.
    Unknown,
    /// The cloud is ending.
    Ending,
}

impl InvokeError {
    /// The error's JSON as Lambda answers it.
    pub(crate) fn body(&self) -> Bytes {
        let (kind, message) = match self {
            Self::Function(body) => return body.clone(),
            Self::TimedOut => ("Sandbox.Timedout", "Task timed out".to_owned()),
            Self::Crashed(how) => ("Runtime.ExitError", format!("Runtime exited with error: {how}")),
            Self::Throttled => ("TooManyRequestsException", "Rate Exceeded.".to_owned()),
            Self::TooLarge => ("Function.ResponseSizeTooLarge", "Payload size exceeded the maximum allowed".to_owned()),
            Self::Service => ("ServiceException", "An error occurred and the request cannot be processed.".to_owned()),
            Self::Unknown => ("ResourceNotFoundException", "Function not found".to_owned()),
            Self::Ending => ("ServiceException", "The local cloud is ending".to_owned()),
        };
        serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string().into()
    }
}

/// One event on its way to an environment.
#[derive(Debug)]
struct Invocation {
    request_id: String,
    event: Bytes,
    caller: Caller,
    reply: oneshot::Sender<Outcome>,
    /// Whether a process had to be started for it.
    cold: bool,
}

/// What came of it, and how long an environment worked on it, in milliseconds as Lambda bills them.
#[derive(Debug)]
struct Outcome {
    answer: Result<Bytes, InvokeError>,
    billed_ms: u64,
    cold: bool,
}

/// One function and its environments.
#[derive(Debug)]
struct Function {
    spec: FunctionSpec,
    pool: Mutex<Pool>,
}

impl Function {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.spec.name)
    }
}

/// The host.
#[derive(Debug)]
pub(crate) struct Host {
    functions: HashMap<String, Arc<Function>>,
    environments: Mutex<HashMap<u64, Arc<Environment>>>,
    next_environment: AtomicU64,
    running: AtomicUsize,
    front: Arc<Front>,
    limits: Limits,
    loudness: Loudness,
    /// What every function finds in its environment variables.
    variables: BTreeMap<String, String>,
    runtime_api: SocketAddr,
    ending: Ending,
}

impl Host {
    /// A host for these functions. `runtime_api` is where [`Host::serve_runtime_api`] will listen.
    pub(crate) fn new(
        functions: Vec<FunctionSpec>,
        variables: BTreeMap<String, String>,
        runtime_api: SocketAddr,
        front: Arc<Front>,
        limits: Limits,
        loudness: Loudness,
        ending: Ending,
    ) -> Arc<Self> {
        let functions = functions
            .into_iter()
            .map(|spec| (spec.name.clone(), Arc::new(Function { spec, pool: Mutex::default() })))
            .collect();
        Arc::new(Self {
            functions,
            environments: Mutex::default(),
            next_environment: AtomicU64::new(1),
            running: AtomicUsize::new(0),
            front,
            limits,
            loudness,
            variables,
            runtime_api,
            ending,
        })
    }

    /// The functions' names, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.functions.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// What each function is at, by name.
    pub(crate) fn states(&self) -> BTreeMap<String, FunctionState> {
        self.functions.iter().map(|(name, function)| (name.clone(), function.lock().state())).collect()
    }

    /// Process ids of a function's environments: for tests that look from outside.
    pub(crate) fn processes(&self, function: &str) -> Vec<u32> {
        let environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        let of_function = environments.values().filter(|environment| environment.function.spec.name == function);
        of_function.filter_map(|environment| environment.pid()).collect()
    }

    /// Calls a function and waits for its answer.
    ///
    /// Await it to the end: what a call cost is booked when its answer is here. A caller that may be dropped (the
    /// handler of a request whose client hangs up) spawns it.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        function: &str,
        event: Bytes,
        caller: &Caller,
    ) -> Result<Bytes, InvokeError> {
        // Not only while a function's pool knows of it: injected latency comes before that.
        let _under_way = self.front.activity().begin();
        let call = Call { service: Service::Lambda, operation: function, caller };
        let answer = self.front.call(call, self.run(function, event, caller)).await;
        answer.unwrap_or_else(|injected| Err(injected.by_lambda()))
    }

    async fn run(
        self: &Arc<Self>,
        function: &str,
        event: Bytes,
        caller: &Caller,
    ) -> (Result<Bytes, InvokeError>, Counters) {
        let Some(function) = self.functions.get(function) else {
            return (Err(InvokeError::Unknown), Counters::default());
        };
        if event.len() > self.limits.payload_bytes {
            return (Err(InvokeError::TooLarge), Counters::default());
        }
        if self.running.fetch_add(1, Ordering::Relaxed) >= self.limits.account_concurrency {
            self.running.fetch_sub(1, Ordering::Relaxed);
            return (Err(InvokeError::Throttled), Counters::default());
        }
        let (reply, outcome) = oneshot::channel();
        let request_id = ids::uuid();
        let caller = caller.clone();
        self.place(function, Invocation { request_id, event, caller, reply, cold: false });
        let outcome = outcome.await.unwrap_or(Outcome { answer: Err(InvokeError::Ending), billed_ms: 0, cold: false });
        self.running.fetch_sub(1, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one call")]
        let gb_ms = outcome.billed_ms as f64 * f64::from(function.spec.manifest.memory_mb) / 1024.0;
        let bill = Counters {
            invocations: 1,
            cold_starts: outcome.cold.into(),
            failed_invocations: outcome.answer.is_err().into(),
            gb_ms,
            ..Counters::default()
        };
        (outcome.answer, bill)
    }

    /// Ends every process.
    pub(crate) fn kill_all(&self) {
        let environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        environments.values().for_each(|environment| environment.kill());
    }

    /// Ends every process and waits until they are gone.
    pub(crate) async fn stop(&self) {
        let environments: Vec<_> =
            self.environments.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        self.kill_all();
        for environment in &environments {
            environment.gone().await;
        }
    }
}
