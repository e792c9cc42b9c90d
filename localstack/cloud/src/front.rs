//! The one place that every service call passes: gateway frames and posts, HTTP requests, function calls, tables,
//! queues, files. Here a call gets its use case, its entry in the ledger, and its faults.
//!
//! Whatever shall happen to calls in general belongs into [`Front::call`], because nothing reaches a service by
//! another way. What the cloud does by itself, and nobody calls for, is only booked: [`Front::book`].

use std::future::Future;

use crate::activity::Activity;
use crate::caller::{Badges, Caller};
use crate::faults::{CallFault, Faults, Injected, LATENCY, Mishap, Moment};
use crate::ledger::{Counters, Ledger, Right};
use crate::watch::Metrics;

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

/// The front: badges, the ledger, the fault switch, and the counts of what is under way and of what functions count.
#[derive(Debug, Default)]
pub(crate) struct Front {
    badges: Badges,
    ledger: Ledger,
    faults: Faults,
    activity: Activity,
    metrics: Metrics,
}

impl Front {
    /// The badges of environments: who calls.
    pub(crate) fn badges(&self) -> &Badges {
        &self.badges
    }

    /// The ledger, to read and to reset.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The fault switch.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What functions count.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What is under way.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
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
            self.faults.count_call(&fault, LATENCY);
            tokio::time::sleep(latency).await;
        }
        self.step(call.caller).await?;
        if let Some(mishap @ Mishap::Refused(refusal)) = fault.mishap {
            self.faults.count_call(&fault, mishap.as_str());
            self.book(call, &Counters::default());
            return Err(refusal);
        }
        let (answer, bill) = serve.await;
        self.book(call, &bill);
        self.step(call.caller).await?;
        if let Some(mishap @ Mishap::Lost(instead)) = fault.mishap {
            self.faults.count_call(&fault, mishap.as_str());
            return Err(instead);
        }
        Ok(answer)
    }

    /// Writes down what the calling function must be allowed to do. What comes from elsewhere needs no role.
    pub(crate) fn note(&self, caller: &Caller, rights: impl FnOnce() -> Vec<Right>) {
        if let Some(badge) = caller.environment() {
            for right in rights() {
                self.ledger.note(badge.function(), right);
            }
        }
    }

    /// Books what a call cost.
    pub(crate) fn book(&self, call: Call<'_>, bill: &Counters) {
        let operation = format!("{}.{}", call.service.as_str(), call.operation);
        self.ledger.book_call(&call.caller.use_case, operation, bill);
    }

    /// A call is about to take effect, or has just done so: the moment for its caller to be killed.
    async fn step(&self, caller: &Caller) -> Result<(), Injected> {
        let Some(badge) = caller.environment() else { return Ok(()) };
        if badge.fuse().step() {
            self.faults.count_kill(badge.function(), Moment::During);
            // Most often that is the end of this, too, because it breaks the connection that the call came by. Not of
            // a call that goes on without its caller.
            badge.ended().await;
            return Err(Injected::Broken);
        }
        Ok(())
    }
}
