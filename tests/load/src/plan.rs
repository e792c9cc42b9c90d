//! What goes wrong throughout a soak.

use std::collections::BTreeMap;

use tidings_local::faults::{ALL_OTHERS, Calls, Kills, Plan, Posts, Queues, Services, Sockets, Wait};

/// Functions killed all the time, those on a message's way most, and a moderate share of everything else: about every
/// tenth request meets something. So a run of minutes sees each kind of fault, and still does what it is there for.
pub fn throughout(seed: u64) -> Plan {
    let kills = Kills { before: 0.003, during: 0.008, after: 0.003 };
    let functions = ["send", "sync", "deliver", "connect"].map(|name| (name.to_owned(), kills));
    let others = (ALL_OTHERS.to_owned(), Kills { before: 0.001, during: 0.002, after: 0.001 });
    let calls = Calls { latency: Wait { share: 0.02, ms: [5, 60] }, throttle: 0.004, error: 0.004, lost_reply: 0.004 };
    Plan {
        seed,
        services: Services {
            dynamodb: calls,
            sqs: calls,
            posts: calls,
            lambda: Calls { latency: calls.latency, ..Calls::default() },
            http: calls,
            s3: Calls::default(),
        },
        queues: Queues { redeliver: 0.02, double: 0.02, delay: Wait { share: 0.02, ms: [100, 2_000] }, reorder: 0.02 },
        posts: Posts { too_many: 0.01, gone: 0.003, too_large: 0.003 },
        sockets: Sockets { cut: 0.002, error_frame: 0.003 },
        functions: functions.into_iter().chain([others]).collect::<BTreeMap<_, _>>(),
        // Tokens bear two seconds between the clocks of who signs and who checks.
        clock_skew_ms: 1_000,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_plan_makes_sense() {
        super::throughout(1).check().expect("shares are shares");
    }
}
