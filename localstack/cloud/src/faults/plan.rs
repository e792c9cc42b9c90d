//! What shall go wrong, and how often: the plan as it stands in a file or comes over HTTP.
//!
//! Every number that says "how often" is a share, from 0 (never, the default) to 1 (always). Shares that stand side
//! by side exclude one another: a call that is throttled isn't also lost. So together they make at most 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::front::Service;

/// The name in [`Plan::functions`] that stands for every function that isn't named itself.
pub const ALL_OTHERS: &str = "*";
/// The services that there can be faults of.
const SERVICES: [Service; 6] =
    [Service::DynamoDb, Service::Sqs, Service::S3, Service::Gateway, Service::Lambda, Service::Http];
/// The longest latency or delay, in milliseconds: beyond it everything has timed out long ago.
const LONGEST_MS: u64 = 60_000;
/// The largest offset of a clock, in milliseconds: a day.
const LARGEST_SKEW_MS: u64 = 24 * 60 * 60 * 1000;

/// Which faults are injected, and how often. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Where the random choices start. The same seed makes the same choices in the same order; which call meets
    /// which choice is up to concurrency.
    pub seed: u64,
    /// Calls to services.
    pub services: Services,
    /// Records on their way from queues to functions.
    pub queues: Queues,
    /// Posts to connections.
    pub posts: Posts,
    /// Open sockets.
    pub sockets: Sockets,
    /// Kills of functions, by name; [`ALL_OTHERS`] stands for all that aren't named.
    pub functions: BTreeMap<String, Kills>,
    /// The clock of each environment that starts is off by up to that many milliseconds, fast or slow. It finds its
    /// offset as `CLOCK_OFFSET_MS`.
    pub clock_skew_ms: u64,
}

/// What happens to calls, by service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Services {
    /// Calls of functions to tables.
    pub dynamodb: Calls,
    /// Calls of functions to queues.
    pub sqs: Calls,
    /// Calls to files: by functions, and by clients with what functions signed.
    pub s3: Calls,
    /// Calls of functions to `@connections`.
    pub posts: Calls,
    /// Calls to functions: by the gateway, by queues' mappings, and by functions.
    pub lambda: Calls,
    /// Requests of clients to the HTTP API.
    pub http: Calls,
}

/// What happens to the calls to one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// They wait before they are carried out. May come with one of the others.
    pub latency: Wait,
    /// Refused as the service refuses what is too much; nothing is done.
    pub throttle: f64,
    /// Answered with a 5xx; nothing is done.
    pub error: f64,
    /// Carried out, and then answered with a 5xx or not at all.
    pub lost_reply: f64,
}

/// How often something waits, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wait {
    /// How often.
    pub share: f64,
    /// From how many to how many milliseconds.
    pub ms: [u64; 2],
}

/// What happens between a queue and its function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queues {
    /// Records that come again: not handed to the function this time, or handed over and then not deleted.
    pub redeliver: f64,
    /// Records that are handed over twice: in one batch, or once more in a batch of their own.
    pub double: f64,
    /// Records that are held back before they are handed over.
    pub delay: Wait,
    /// Batches whose order changes: turned round, or one of their records overtaken by what comes after it.
    pub reorder: f64,
}

/// What is answered to posts, without posting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Posts {
    /// 429: the client's buffer is full.
    pub too_many: f64,
    /// 410, although the connection is up.
    pub gone: f64,
    /// 413, whatever the size.
    pub too_large: f64,
}

/// What happens to open sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sockets {
    /// Frames and posts at which the TCP connection breaks, without a close frame: a frame is lost before its
    /// function is called or its reply afterwards; a post was taken and never arrives.
    pub cut: f64,
    /// Frames that the gateway answers with an error frame of its own, with or without having called the function.
    pub error_frame: f64,
}

/// When the process of a function is killed. The caller sees a crash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kills {
    /// With the event in its hands, before it does anything.
    pub before: f64,
    /// At one of its calls to services, just before or just after the call takes effect.
    pub during: f64,
    /// With everything done, and its answer thrown away.
    pub after: f64,
}

/// Why a plan is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It isn't the JSON of a plan.
    #[error("not a fault plan: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A share that isn't one.
    #[error("{at} is {share}, and must be a share from 0 to 1")]
    Share {
        /// Where in the plan.
        at: String,
        /// What stands there.
        share: f64,
    },
    /// Shares that exclude one another and don't fit beside one another.
    #[error("the shares in {at} make {sum} together, and only one of them can happen: at most 1")]
    Sum {
        /// Where in the plan.
        at: String,
        /// What they make.
        sum: f64,
    },
    /// A range of milliseconds that isn't one.
    #[error("{at}.ms is [{from}, {to}], and must go from a smaller to a larger number, at most {LONGEST_MS}")]
    Range {
        /// Where in the plan.
        at: String,
        /// Where it starts.
        from: u64,
        /// Where it ends.
        to: u64,
    },
    /// More skew than a day.
    #[error("clock_skew_ms is {0}, and must be at most {LARGEST_SKEW_MS}, a day")]
    Skew(u64),
    /// A function that isn't there.
    #[error("there is no function {name:?} to kill; there are {known}, and \"*\" for all others")]
    Function {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

impl Plan {
    /// Reads and checks a plan.
    pub fn from_json(json: &[u8]) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_slice(json)?;
        plan.check()?;
        Ok(plan)
    }

    /// Whether it injects nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self { seed: self.seed, ..Self::default() }
    }

    /// When to kill that function.
    pub(crate) fn kills(&self, function: &str) -> Kills {
        self.functions.get(function).or_else(|| self.functions.get(ALL_OTHERS)).copied().unwrap_or_default()
    }

    /// Whether all its numbers make sense.
    pub fn check(&self) -> Result<(), PlanError> {
        for (name, calls) in SERVICES.into_iter().filter_map(|service| self.services.calls(service)) {
            let at = format!("services.{name}");
            wait(&format!("{at}.latency"), calls.latency)?;
            shares(&at, &[("throttle", calls.throttle), ("error", calls.error), ("lost_reply", calls.lost_reply)])?;
        }
        let Queues { redeliver, double, delay, reorder } = self.queues;
        wait("queues.delay", delay)?;
        // A record is redelivered, doubled or delayed; its batch may be reordered as well.
        shares("queues", &[("redeliver", redeliver), ("double", double), ("delay.share", delay.share)])?;
        shares("queues", &[("reorder", reorder)])?;
        let Posts { too_many, gone, too_large } = self.posts;
        shares("posts", &[("too_many", too_many), ("gone", gone), ("too_large", too_large)])?;
        shares("sockets", &[("cut", self.sockets.cut), ("error_frame", self.sockets.error_frame)])?;
        for (name, &Kills { before, during, after }) in &self.functions {
            shares(&format!("functions.{name}"), &[("before", before), ("during", during), ("after", after)])?;
        }
        if self.clock_skew_ms > LARGEST_SKEW_MS {
            return Err(PlanError::Skew(self.clock_skew_ms));
        }
        Ok(())
    }

    /// Whether all functions that it kills are there.
    pub(crate) fn check_functions(&self, known: &[&str]) -> Result<(), PlanError> {
        let stranger = self.functions.keys().find(|name| *name != ALL_OTHERS && !known.contains(&name.as_str()));
        stranger.map_or(Ok(()), |name| Err(PlanError::Function { name: name.clone(), known: known.join(", ") }))
    }
}

impl Services {
    /// What happens to calls to a service, and the service's name in the plan; `None` for one that is in no plan.
    pub(crate) fn calls(&self, service: Service) -> Option<(&'static str, Calls)> {
        match service {
            Service::DynamoDb => Some(("dynamodb", self.dynamodb)),
            Service::Sqs => Some(("sqs", self.sqs)),
            Service::S3 => Some(("s3", self.s3)),
            // What else the gateway does is its own, and no call that anybody makes.
            Service::Gateway => Some(("posts", self.posts)),
            Service::Lambda => Some(("lambda", self.lambda)),
            Service::Http => Some(("http", self.http)),
            Service::Logs => None,
        }
    }
}

/// Shares that exclude one another.
fn shares(at: &str, shares: &[(&str, f64)]) -> Result<(), PlanError> {
    for &(name, share) in shares {
        // Not a number is in no range.
        if !(0.0..=1.0).contains(&share) {
            return Err(PlanError::Share { at: format!("{at}.{name}"), share });
        }
    }
    let sum = shares.iter().map(|(_, share)| share).sum::<f64>();
    // Ten times a tenth is a little more than one.
    if sum > 1.0 + 1e-9 { Err(PlanError::Sum { at: at.to_owned(), sum }) } else { Ok(()) }
}

fn wait(at: &str, wait: Wait) -> Result<(), PlanError> {
    shares(at, &[("share", wait.share)])?;
    let [from, to] = wait.ms;
    if from > to || to > LONGEST_MS { Err(PlanError::Range { at: at.to_owned(), from, to }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_and_written() {
        let json = r#"{
            "seed": 7,
            "services": {"dynamodb": {"latency": {"share": 0.05, "ms": [5, 100]}, "throttle": 0.01}, "sqs": {}},
            "queues": {"redeliver": 0.02, "delay": {"share": 0.02, "ms": [100, 2000]}},
            "functions": {"send": {"before": 0.01, "during": 0.02}, "*": {"after": 1}},
            "clock_skew_ms": 5000
        }"#;
        let plan = Plan::from_json(json.as_bytes()).unwrap();
        assert_eq!(plan.services.dynamodb.latency, Wait { share: 0.05, ms: [5, 100] });
        assert_eq!(plan.services.sqs, Calls::default());
        assert_eq!(plan.kills("send"), Kills { before: 0.01, during: 0.02, after: 0.0 });
        assert_eq!(plan.kills("sync"), Kills { after: 1.0, ..Kills::default() });
        assert_eq!(Plan::from_json(&serde_json::to_vec(&plan).unwrap()).unwrap(), plan);
        assert!(!plan.is_empty());
        assert!(Plan::from_json(br#"{"seed": 7, "posts": {}}"#).unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_named() {
        for (json, says) in [
            ("7", "not a fault plan"),
            (r#"{"service": {}}"#, "unknown field `service`"),
            (r#"{"services": {"dynamo": {}}}"#, "unknown field `dynamo`"),
            (r#"{"posts": {"gone": 1.5}}"#, "posts.gone is 1.5"),
            (r#"{"posts": {"gone": -0.1}}"#, "posts.gone is -0.1"),
            (r#"{"posts": {"gone": 0.6, "too_many": 0.6}}"#, "posts make 1.2"),
            (r#"{"functions": {"send": {"before": 2}}}"#, "functions.send.before is 2"),
            (r#"{"services": {"s3": {"latency": {"share": 1, "ms": [9, 3]}}}}"#, "services.s3.latency.ms is [9, 3]"),
            (r#"{"queues": {"delay": {"share": 1, "ms": [0, 60001]}}}"#, "queues.delay.ms is [0, 60001]"),
            (r#"{"clock_skew_ms": 86400001}"#, "clock_skew_ms is 86400001"),
        ] {
            let error = Plan::from_json(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{json}: {error}");
        }
        let plan = Plan::from_json(br#"{"functions": {"sned": {}, "*": {}}}"#).unwrap();
        let error = plan.check_functions(&["send", "sync"]).unwrap_err().to_string();
        assert!(error.contains("sned") && error.contains("send, sync"), "{error}");
        assert!(plan.check_functions(&["sned"]).is_ok());
    }
}
