//! The promise under faults: real conversations, all at once, while everything around them breaks. In the end every
//! transcript equals the file.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]
#![expect(clippy::print_stdout, reason = "a run says what it measured")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidings_client::{Options, Timing};
use tidings_e2e::Cloud;
use tidings_local::faults::{Calls, Kills, Plan, Posts, Queues, Services, Sockets, Wait};
use tidings_local::options::workspace;
use tidings_stage::play::{self, Pair, Pick};
use tidings_stage::{Dialogue, Quantiles, Settings, Stage};
use tokio::sync::Mutex;

/// Messages that must be played at least.
const MESSAGES: usize = 2_000;

/// How often each kind of fault must have happened.
const EACH: u64 = 200;

/// How often functions must have been killed, those on a message's way together.
const KILLS: u64 = 50;

/// Functions on a message's way.
const KILLED: [&str; 4] = ["send", "sync", "deliver", "connect"];

/// Devices of the two people in every other dialogue: so few that `send` posts by itself, and so many that the queues
/// deliver.
const DEVICES: [usize; 2] = [2, 3];

/// A device that has not shown everything after so long asks for it: its last push may be among the lost ones.
const SETTLE: Duration = Duration::from_secs(5);

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
fn plan() -> Plan {
    let calls = |latency, share| Calls {
        latency: Wait { share: latency, ms: [1, 30] },
        throttle: share,
        error: share,
        lost_reply: share,
    };
    // Connects are few, and every one of them is also a sync.
    let kills = [("send", 0.005), ("sync", 0.01), ("deliver", 0.005), ("connect", 0.03)];
    let kills =
        kills.map(|(name, share)| (name.to_owned(), Kills { before: share, during: share * 2.0, after: share }));
    Plan {
        seed: 1,
        services: Services {
            dynamodb: calls(0.013, 0.013),
            sqs: calls(0.09, 0.09),
            posts: calls(0.01, 0.005),
            http: calls(0.01, 0.005),
            ..Services::default()
        },
        queues: Queues { redeliver: 0.1, double: 0.1, delay: Wait { share: 0.1, ms: [10, 1_000] }, reorder: 0.35 },
        posts: Posts { too_many: 0.027, gone: 0.027, too_large: 0.027 },
        sockets: Sockets { cut: 0.019, error_frame: 0.09 },
        functions: kills.into(),
        clock_skew_ms: 5_000,
    }
}

/// What must have been injected, by kind; functions' kills are counted together.
fn shortfall(injected: &BTreeMap<String, u64>) -> Vec<String> {
    let kinds = ["dynamodb", "sqs"]
        .into_iter()
        .flat_map(|service| ["latency", "throttle", "error", "lost_reply"].map(|kind| format!("{service}.{kind}")));
    let others = [
        "queues.redeliver",
        "queues.double",
        "queues.delay",
        "queues.reorder",
        "posts.too_many",
        "posts.gone",
        "posts.too_large",
        "sockets.cut",
        "sockets.error_frame",
    ];
    let kinds = kinds.chain(others.map(str::to_owned));
    let count = |kind: &str| injected.get(kind).copied().unwrap_or(0);
    let mut short: Vec<String> =
        kinds.filter(|kind| count(kind) < EACH).map(|kind| format!("{kind}: {} of {EACH}", count(&kind))).collect();
    let kills = KILLED.map(|function| {
        ["before", "during", "after"].map(|when| count(&format!("functions.{function}.{when}"))).iter().sum::<u64>()
    });
    if kills.iter().sum::<u64>() < KILLS || kills.contains(&0) {
        short.push(format!("kills: {kills:?} of {KILLS}, some of each"));
    }
    if count("clock.skewed") == 0 {
        short.push("no clock was skewed".to_owned());
    }
    short
}

/// Plays the whole file under faults, and judges. `cloud` is for the caller to look at and to stop.
async fn replay(cloud: &Cloud) {
    let settings =
        Settings { options: Options { timing: impatient(), ..Settings::default().options }, ..Settings::default() };
    let stage = Stage::new(&cloud.endpoints().api, settings, Arc::new(|_| ())).unwrap();
    let dialogues = Dialogue::read(&workspace().join("tests/data/dialogues.jsonl"), None, None).unwrap();
    let mut pairs: Vec<Pair> = Vec::new();
    let (few, many) = dialogues.split_at(dialogues.len() / 2);
    for (part, devices) in [few, many].into_iter().zip(DEVICES) {
        let names: Vec<_> = part.iter().map(|dialogue| dialogue.people.clone()).collect();
        pairs.extend(play::pairs(&stage, &names, devices).await.unwrap());
    }

    cloud.running().inject(plan()).unwrap();
    let played = play::play(&stage, &pairs, &dialogues, Pick::Random(1)).await.unwrap();
    cloud.running().inject(Plan::default()).unwrap();

    let talks: Vec<_> = pairs.iter().map(Pair::talk).collect();
    let late = stage.compare(&talks, SETTLE).await.unwrap();
    let verdict = stage.recorder().judge();
    let injected = cloud.running().injected();
    let (messages, seconds) = (played.times.len(), played.took.as_secs_f64());
    println!("{messages} messages in {seconds:.1} s, {late} devices were late");
    println!("acknowledged after, in ms: {:?}", Quantiles::of(played.times));
    println!("injected: {injected:?}");
    println!("{verdict}");
    assert!(messages >= MESSAGES);
    assert_eq!(shortfall(&injected), Vec::<String>::new());
    assert!(verdict.holds(), "{verdict}");
    for device in pairs.iter().flat_map(Pair::devices) {
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
        assert!(cloud.cost(&queue).count > 0, "{queue} was not used");
    }
    cloud.stop().await;
}
