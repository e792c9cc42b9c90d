//! Faults of calls to services: latency, throttling, errors, replies lost after success.

use std::time::Duration;

use super::{Calls, Faults, Plan};
use crate::front::Service;

/// What is injected instead of a service's answer. How the service says it stands in [`super::answers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Injected {
    /// Too much is asked of it.
    Throttled,
    /// It failed.
    Failed,
    /// It says nothing: the connection breaks.
    Broken,
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallFault {
    /// It waits that long before anything else.
    pub(crate) latency: Option<Duration>,
    /// It isn't carried out, and answered with that.
    pub(crate) refused: Option<Injected>,
    /// It is carried out, and then answered with that.
    pub(crate) lost: Option<Injected>,
}

impl Faults {
    /// What happens to a call to a service, counted.
    pub(crate) fn of_call(&self, service: Service) -> CallFault {
        let Some((name, calls)) = self.plan().and_then(|plan| calls(&plan, service)) else {
            return CallFault::default();
        };
        let Calls { latency, throttle, error, lost_reply } = calls;
        let mut fault = CallFault::default();
        if self.happens(latency.share) {
            self.count(format!("{name}.latency"));
            fault.latency = Some(self.within(latency));
        }
        let kinds = [
            (throttle, ("throttle", Some(Injected::Throttled))),
            (error, ("error", Some(Injected::Failed))),
            (lost_reply, ("lost_reply", None)),
        ];
        if let Some((kind, refused)) = self.choose(kinds) {
            self.count(format!("{name}.{kind}"));
            fault.refused = refused;
            if refused.is_none() {
                fault.lost = Some(if self.toss() { Injected::Failed } else { Injected::Broken });
            }
        }
        fault
    }
}

/// What the plan says of a service, and the service's name in it.
fn calls(plan: &Plan, service: Service) -> Option<(&'static str, Calls)> {
    let services = &plan.services;
    match service {
        Service::DynamoDb => Some(("dynamodb", services.dynamodb)),
        Service::Sqs => Some(("sqs", services.sqs)),
        Service::S3 => Some(("s3", services.s3)),
        // What else the gateway does is its own, and no call that anybody makes.
        Service::Gateway => Some(("posts", services.posts)),
        Service::Lambda => Some(("lambda", services.lambda)),
        Service::Http => Some(("http", services.http)),
        Service::Logs => None,
    }
}
