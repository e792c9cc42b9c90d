//! A cloud of a test's own.

use std::time::Duration;

use tidings_local::ledger::Counters;
use tidings_local::{LocalCloud, Options, Running};

use crate::person::Person;

/// A running cloud.
#[derive(Debug)]
pub struct Cloud {
    running: Running,
    /// Speaks HTTP to it.
    pub http: reqwest::Client,
}

impl Cloud {
    /// With every parameter as deployed by default.
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// With options changed.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::for_tests();
        change(&mut options);
        let running = LocalCloud::start(options).await.expect("the local cloud starts (build the functions first)");
        Self { running, http: reqwest::Client::new() }
    }

    /// Where everything is.
    pub fn endpoints(&self) -> &tidings_local::Endpoints {
        self.running.endpoints()
    }

    /// The cloud itself.
    pub const fn running(&self) -> &Running {
        &self.running
    }

    /// A new person whose user name begins so.
    pub async fn person(&self, name: &str) -> Person {
        Person::sign_up(self, name).await
    }

    /// What a use case cost since the last reset.
    pub fn cost(&self, use_case: &str) -> Counters {
        self.running.ledger().use_case(use_case).counters
    }

    /// Waits until nothing is under way, so that every call is in the ledger, and stops.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// Waits until `check` is true; fails after ten seconds, naming what was waited for.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}
