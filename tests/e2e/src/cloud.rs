//! A cloud of a test's own or a deployment that all share, and the guard that looks after it at the end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_domain::ids::UserId;
use tidings_local::faults::{Calls, Plan, Services};
use tidings_local::ledger::Counters;
use tidings_local::{Backend, Endpoints, LocalCloud, Options, Running};
use tokio::time::sleep;

use crate::deployment::Deployment;
use crate::person::Person;

/// Time between two looks at it.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// How long a cloud may take to come to rest: a failed record comes again after 2 s, five times at most, and a task
/// waits for its request's time-out.
const REST_WITHIN: Duration = Duration::from_mins(1);

/// How long the last `$disconnect` may take from the end of its socket.
const RELEASE_WITHIN: Duration = Duration::from_secs(10);

/// A running cloud. A test ends with [`Cloud::stop`]; one that passes without it fails all the same.
#[derive(Debug)]
pub struct Cloud {
    place: Place,
    endpoints: Endpoints,
    /// Speaks HTTP to it.
    pub http: reqwest::Client,
}

/// Whose it is.
#[derive(Debug)]
enum Place {
    /// This test's alone.
    Local(Running),
    /// A deployment, which other tests use too.
    Deployed(Box<Deployment>),
    /// It was stopped.
    Stopped,
}

impl Cloud {
    /// With every parameter as deployed by default.
    pub async fn start() -> Self {
        if let Some(deployment) = Deployment::named() {
            let endpoints = deployment.endpoints.clone();
            return Self { place: Place::Deployed(deployment.into()), endpoints, http: reqwest::Client::new() };
        }
        Self::with(|_| ()).await
    }

    /// With one parameter changed.
    pub async fn with_parameter(name: &str, value: &str) -> Self {
        Self::with(|options| {
            options.set(name, value).expect("there is such a parameter");
        })
        .await
    }

    /// With options changed.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        assert!(Deployment::named().is_none(), "{}", not_here("a cloud of a test's own"));
        let mut options = Options::for_tests();
        change(&mut options);
        // Of a test about a data folder, or a backend, the tables and queues are the point.
        if options.data.is_none() && options.backend.is_none() {
            options.backend = backend();
        }
        let running = LocalCloud::start(options).await.expect("the local cloud starts (build the functions first)");
        let endpoints = running.endpoints().clone();
        Self { place: Place::Local(running), endpoints, http: reqwest::Client::new() }
    }

    /// Where everything is.
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The deployment that this is, if it is one.
    pub(crate) fn deployment(&self) -> Option<&Deployment> {
        if let Place::Deployed(deployment) = &self.place { Some(deployment) } else { None }
    }

    /// The local cloud itself.
    pub fn running(&self) -> &Running {
        let Place::Local(running) = &self.place else { panic!("{}", not_here("the local cloud's insides")) };
        running
    }

    /// A new person whose user name begins so.
    pub async fn person(&self, name: &str) -> Person {
        Person::sign_up(self, name).await
    }

    /// How often a fault was injected: `posts.too_many`.
    pub fn injected(&self, fault: &str) -> u64 {
        self.running().injected().get(fault).copied().unwrap_or(0)
    }

    /// From now on every call to the tables is carried out, and none is answered.
    pub fn lose_replies_of_tables(&self) {
        let lost = Calls { lost_reply: 1.0, ..Calls::default() };
        let services = Services { dynamodb: lost, ..Services::default() };
        self.inject(Plan { services, ..Plan::default() });
    }

    /// From now on nothing is injected.
    pub fn mend(&self) {
        self.inject(Plan::default());
    }

    /// From now on this goes wrong.
    pub fn inject(&self, plan: Plan) {
        self.running().inject(plan).expect("a plan that makes sense");
    }

    /// What a use case cost since the last reset.
    pub fn cost(&self, use_case: &str) -> Counters {
        self.running().ledger().use_case(use_case).counters
    }

    /// Ends it with everything that is under way, for a test that goes on with its data in another cloud.
    pub async fn interrupt(mut self) {
        if matches!(self.place, Place::Local(_)) {
            self.keep_rights();
        }
        if let Place::Local(running) = std::mem::replace(&mut self.place, Place::Stopped) {
            running.stop().await;
        }
    }

    /// The guard at the end of a test: faults are over, whatever was under way is done, and then no record is left in
    /// a queue or a dead-letter queue, no function waits or works, and with all sockets cut no route is left behind.
    ///
    /// A deployment, in which other tests are at work, is looked after when all have ended.
    pub async fn stop(self) {
        if matches!(self.place, Place::Local(_)) {
            self.mend();
            self.come_to_rest().await;
            self.running().cut_sockets();
            self.come_to_rest().await;
            self.release_routes().await;
        }
        self.interrupt().await;
    }

    /// Waits until no record is in a queue and no function has work; fails if any is dead.
    async fn come_to_rest(&self) {
        let began = Instant::now();
        loop {
            let state = self.running().state().await;
            let (dead, unrest) = (state.dead(), state.unrest());
            assert!(dead.is_empty(), "records are dead: {dead:?}");
            if unrest.is_empty() {
                return;
            }
            assert!(began.elapsed() < REST_WITHIN, "no rest: {unrest:?}");
            sleep(POLL_EVERY).await;
        }
    }

    /// Waits until no route names a connection: `$disconnect` is called when its socket is gone already.
    async fn release_routes(&self) {
        let began = Instant::now();
        loop {
            let left = self.routes().await;
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < RELEASE_WITHIN, "routes are left behind: {left:?}");
            sleep(POLL_EVERY).await;
        }
    }

    /// The routes that name a connection. A released one keeps the time of its ticket and nothing else.
    async fn routes(&self) -> Vec<Value> {
        let filter = "attribute_exists(connection_id)";
        let scan = json!({ "TableName": self.endpoints().tables["routes"], "FilterExpression": filter });
        let mut answer = self.dynamodb("Scan", scan).await;
        serde_json::from_value(answer["Items"].take()).expect("a scan answers items")
    }

    /// The route of a device as the table has it; null if there is none.
    pub async fn route(&self, user: UserId, device: &str) -> Value {
        let key = json!({ "user": { "S": user.to_string() }, "device": { "S": device } });
        let get = json!({ "TableName": self.endpoints.tables["routes"], "Key": key, "ConsistentRead": true });
        self.dynamodb("GetItem", get).await["Item"].take()
    }

    /// A call of the tables, past the functions.
    pub async fn dynamodb(&self, operation: &str, request: Value) -> Value {
        let target = format!("DynamoDB_20120810.{operation}");
        self.signed("dynamodb", &self.endpoints.dynamodb, &target, &request).await
    }
}

/// With `TIDINGS_BACKEND` set, the URL of somebody else's DynamoDB, SQS and S3 (MiniStack, in CI). Each cloud has a prefix
/// there of its own, because tests run side by side.
fn backend() -> Option<Backend> {
    #[expect(clippy::disallowed_methods, reason = "a test's only look at its environment")]
    let url = std::env::var("TIDINGS_BACKEND").ok()?;
    Some(Backend { prefix: format!("t-{:016x}", rand::random::<u64>()), ..Backend::at(url) })
}

impl Drop for Cloud {
    fn drop(&mut self) {
        assert!(
            matches!(self.place, Place::Stopped) || std::thread::panicking(),
            "a test ends with `Cloud::stop`, which looks after it"
        );
    }
}

fn not_here(what: &str) -> String {
    format!("a deployment has not {what}: name the test in tests/e2e/targets.toml")
}

/// Waits until `check` is true; fails after ten seconds, naming what was waited for.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        sleep(POLL_EVERY).await;
    }
    panic!("never: {what}");
}
