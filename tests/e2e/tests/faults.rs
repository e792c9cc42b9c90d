//! The promise under faults: real conversations, all at once, while everything around them breaks. In the end every
//! transcript equals the file.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]
#![expect(clippy::print_stdout, reason = "a run says what it measured")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings_client::{Options, Timing};
use tidings_e2e::Cloud;
use tidings_local::faults::{Calls, Kills, Plan, Posts, Queues, Services, Sockets, Wait};
use tidings_local::options::workspace;
use tidings_stage::play::{self, Manner, Pair, Pick};
use tidings_stage::{Dialogue, Part, Quantiles, Settings, Stage};
use tokio::sync::Mutex;

/// Messages that must be played at least.
const MESSAGES: usize = 2_000;

/// How often each kind of fault must have happened.
const EACH: u64 = 200;

/// How often functions must have been killed, those on a message's way together.
const KILLS: u64 = 50;

/// Devices of the two people in every other dialogue: so few that `send` posts by itself, and so many that the queues
/// deliver.
const DEVICES: [usize; 2] = [2, 3];

/// A device that has not shown everything after so long asks for it: its last push may be among the lost ones.
const SETTLE: Duration = Duration::from_secs(5);

/// So many of a hundred devices may be late. One is if the last push of its conversation was lost on purpose, which
/// happens to a few of a hundred pushes; if queues delivered nothing, half of the devices would be.
const LATE: usize = 10;

/// After so many messages of a dialogue somebody reads: several times in a short one.
const READ_EVERY: usize = 5;

/// Each run takes the whole machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits as in real use, but shorter, so that what fails is repeated within seconds.
fn impatient() -> Timing {
    Timing {
        resend_after: Duration::from_secs(3),
        back_off_base: Duration::from_millis(100),
        back_off_cap: Duration::from_secs(2),
        ..Timing::default()
    }
}

/// So much that each kind happens half as often again as it must.
///
/// Not injected: `s3`, which no function calls, and so nothing could happen there.
fn plan() -> Plan {
    let calls =
        |share| Calls { latency: Wait { share, ms: [1, 30] }, throttle: share, error: share, lost_reply: share };
    // Connects are few, and every one of them is also a sync.
    let kills = [("send", 0.005), ("sync", 0.01), ("deliver", 0.005), ("connect", 0.03)];
    let kills =
        kills.map(|(name, share)| (name.to_owned(), Kills { before: share, during: share * 2.0, after: share }));
    Plan {
        seed: 1,
        services: Services {
            dynamodb: calls(0.013),
            sqs: calls(0.09),
            posts: calls(0.03),
            lambda: calls(0.037),
            http: calls(0.14),
            s3: Calls::default(),
        },
        queues: Queues { redeliver: 0.1, double: 0.1, delay: Wait { share: 0.1, ms: [10, 1_000] }, reorder: 0.35 },
        posts: Posts { too_many: 0.027, gone: 0.027, too_large: 0.027 },
        sockets: Sockets { cut: 0.019, error_frame: 0.09 },
        functions: kills.into(),
        // Tokens bear two seconds between the clocks of who signs and who checks.
        clock_skew_ms: 1_000,
    }
}

/// What the plan wants and did not happen often enough. Read from the plan itself, so that whatever is injected is also
/// required.
fn shortfall(plan: &Plan, injected: &BTreeMap<String, u64>) -> Vec<String> {
    let count = |kind: &str| injected.get(kind).copied().unwrap_or(0);
    let mut short = Vec::new();
    for kind in kinds(plan) {
        if count(&kind) < EACH {
            short.push(format!("{kind}: {} of {EACH}", count(&kind)));
        }
    }
    let kills = plan.functions.keys().map(|function| {
        let kills: u64 =
            ["before", "during", "after"].map(|when| count(&format!("functions.{function}.{when}"))).iter().sum();
        (function, kills)
    });
    let kills: BTreeMap<&String, u64> = kills.collect();
    if kills.values().sum::<u64>() < KILLS || kills.values().any(|kills| *kills == 0) {
        short.push(format!("kills: {kills:?} of {KILLS}, some of each"));
    }
    // Once for each process that starts, so their number is that of kills and of calls side by side.
    if plan.clock_skew_ms > 0 && count("clock.skewed") == 0 {
        short.push("no clock was skewed".to_owned());
    }
    short
}

/// Every kind of fault but kills that has a share in the plan, as it is counted.
fn kinds(plan: &Plan) -> BTreeSet<String> {
    let plan = serde_json::to_value(plan).unwrap();
    let services = plan["services"].as_object().unwrap().iter().map(|(name, calls)| (name.as_str(), calls));
    let parts = services.chain(["queues", "posts", "sockets"].map(|part| (part, &plan[part])));
    let shares = parts.flat_map(|(part, shares)| {
        shares.as_object().unwrap().iter().map(move |(kind, share)| (format!("{part}.{kind}"), share))
    });
    // A share, or what comes with one.
    let happens = |share: &Value| share.as_f64().or_else(|| share["share"].as_f64()).unwrap() > 0.0;
    shares.filter(|(_, share)| happens(share)).map(|(kind, _)| kind).collect()
}

/// Plays the whole file under faults, and judges. `cloud` is for the caller to look at and to stop.
async fn replay(cloud: &Cloud) {
    let settings =
        Settings { options: Options { timing: impatient(), ..Settings::default().options }, ..Settings::default() };
    let stage = Stage::new(&cloud.endpoints().api, settings, Arc::new(|_| ())).unwrap();
    let dialogues = Dialogue::read(&workspace().join("tests/data/dialogues.jsonl"), Part::default()).unwrap();
    let mut pairs: Vec<Pair> = Vec::new();
    let (few, many) = dialogues.split_at(dialogues.len() / 2);
    for (part, devices) in [few, many].into_iter().zip(DEVICES) {
        let names: Vec<_> = part.iter().map(|dialogue| dialogue.people.clone()).collect();
        pairs.extend(play::pairs(&stage, &names, devices).await.unwrap());
    }

    let plan = plan();
    cloud.running().inject(plan.clone()).unwrap();
    let manner = Manner { pick: Pick::Random(1), read_every: Some(READ_EVERY) };
    let played = play::play(&stage, &pairs, &dialogues, manner).await.unwrap();
    cloud.running().inject(Plan::default()).unwrap();

    let talks: Vec<_> = pairs.iter().map(Pair::talk).collect();
    let late = stage.compare(&talks, SETTLE).await.unwrap();
    let verdict = stage.recorder().judge();
    let injected = cloud.running().injected();
    let (messages, seconds) = (played.times.len(), played.took.as_secs_f64());
    let devices: Vec<_> = pairs.iter().flat_map(Pair::devices).collect();
    println!("{messages} messages in {seconds:.1} s, {late} of {} devices were late", devices.len());
    println!("acknowledged after, in ms: {:?}", Quantiles::of(played.times));
    println!("injected: {injected:?}");
    println!("{verdict}");
    assert!(messages >= MESSAGES);
    assert_eq!(shortfall(&plan, &injected), Vec::<String>::new());
    assert!(verdict.holds(), "{verdict}");
    assert!(late * 100 <= LATE * devices.len(), "{late} of {} devices were late", devices.len());
    for device in devices {
        device.client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dialogues_survive_faults() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::start().await;
    replay(&cloud).await;
    cloud.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dialogues_survive_faults_through_four_shards() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::with(|options| {
        options.set("INLINE_PUSH_MAX", "0").unwrap();
        options.set("FANOUT_SHARDS", "4").unwrap();
    })
    .await;
    replay(&cloud).await;
    for shard in 0..4 {
        let queue = format!("queue:fanout-{shard}");
        let cost = cloud.cost(&queue);
        assert!(cost.count > 0 && cost.gateway_messages > 0, "{queue} was not used, or its workers posted nothing");
    }
    cloud.stop().await;
}
