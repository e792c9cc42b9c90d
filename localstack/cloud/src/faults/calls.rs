//! Faults of calls to services: latency, throttling, errors, replies lost after success.

use std::time::Duration;

use super::{Calls, Faults};
use crate::front::Service;

/// How latency is counted.
pub(crate) const LATENCY: &str = "latency";

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

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It isn't carried out, and answered with that.
    Refused(Injected),
    /// It is carried out, and then answered with that.
    Lost(Injected),
}

impl Mishap {
    /// How it is counted.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused(Injected::Throttled) => "throttle",
            Self::Refused(Injected::Failed | Injected::Broken) => "error",
            Self::Lost(_) => "lost_reply",
        }
    }
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallFault {
    /// The service's name in the plan.
    service: &'static str,
    /// It waits that long before anything else.
    pub(crate) latency: Option<Duration>,
    /// Then that goes wrong.
    pub(crate) mishap: Option<Mishap>,
}

impl Faults {
    /// What happens to a call to a service. It is counted when it comes to that, because the call's end may come
    /// before: see [`Faults::count_call`].
    pub(crate) fn of_call(&self, service: Service) -> CallFault {
        let Some((service, calls)) = self.plan().and_then(|plan| plan.services.calls(service)) else {
            return CallFault::default();
        };
        let Calls { latency, throttle, error, lost_reply } = calls;
        let latency = self.happens(latency.share).then(|| self.within(latency));
        let mishaps = [
            (throttle, Mishap::Refused(Injected::Throttled)),
            (error, Mishap::Refused(Injected::Failed)),
            (lost_reply, Mishap::Lost(Injected::Failed)),
        ];
        let mishap = match self.choose(mishaps) {
            // A reply is lost in two ways.
            Some(Mishap::Lost(_)) if self.toss() => Some(Mishap::Lost(Injected::Broken)),
            chosen => chosen,
        };
        CallFault { service, latency, mishap }
    }

    /// That has just happened to a call.
    pub(crate) fn count_call(&self, fault: &CallFault, what: &str) {
        self.count(format!("{}.{what}", fault.service));
    }
}
