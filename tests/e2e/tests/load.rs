//! Short forms of the load runs: a reconnect storm, contention, a soak. `tidings-load` has the long ones.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]
#![expect(clippy::print_stdout, reason = "a run says what it measured")]

use std::sync::Arc;
use std::time::Duration;

use tidings_e2e::Cloud;
use tidings_load::{Crowd, Report, Target, contention, soak, storm, throughout};
use tidings_local::faults::{Kills, Plan};
use tidings_stage::{Settings, Stage};
use tokio::sync::Mutex;

/// Devices of the storm.
const STORM: usize = 1_000;

/// Senders who contend, in turn.
const SENDERS: [usize; 2] = [10, 100];

/// How often they take turns.
const TURNS: u32 = 3;

/// How long each turn lasts: some hundred messages.
const TURN: Duration = Duration::from_secs(5);

/// What the many must keep of the few's throughput.
const KEEPS: f64 = 0.8;

/// Functions on a message's way.
const KILLED: [&str; 4] = ["send", "sync", "deliver", "connect"];

/// Each run takes the whole machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A cloud, and so many people on it, each with so many devices that are online.
struct Scene {
    cloud: Cloud,
    target: Target,
    stage: Stage,
    crowd: Crowd,
}

impl Scene {
    async fn set(people: usize, devices: usize) -> Self {
        tidings_stage::raise_file_limit();
        let cloud = Cloud::start().await;
        let target = Target::at(&cloud.endpoints().api).await.unwrap();
        let stage = Stage::new(target.server(), Settings::default(), Arc::new(|_| ())).unwrap();
        let crowd = Crowd::gather(&stage, people, devices).await.unwrap();
        Self { cloud, target, stage, crowd }
    }

    async fn end(cloud: Cloud, report: &Report) {
        println!("{report}");
        assert!(report.holds(), "{report}");
        cloud.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_devices_come_back_at_once() {
    let _alone = ALONE.lock().await;
    let Scene { cloud, target, stage, crowd } = Scene::set(STORM / 10, 10).await;
    let settings = storm::Settings {
        writers: 10,
        every: Duration::from_millis(250),
        back_within: Duration::from_mins(2),
        seed: 1,
    };
    let report = storm::run(&stage, &target, &crowd, &settings).await.unwrap();
    Scene::end(cloud, &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_senders_are_about_as_fast_as_few() {
    let _alone = ALONE.lock().await;
    let Scene { cloud, target, stage, crowd } = Scene::set(2, SENDERS[1] / 2).await;
    let settings = contention::Settings { senders: SENDERS.to_vec(), turns: TURNS, time: TURN, keeps: KEEPS };
    let report = contention::run(&stage, &target, &crowd, &settings).await.unwrap();
    Scene::end(cloud, &report).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_soak_holds_while_functions_are_killed() {
    let _alone = ALONE.lock().await;
    let Scene { cloud, target, stage, crowd } = Scene::set(10, 3).await;
    // So short a soak opens some fifty sockets, and each function is to be killed for certain.
    let often = Kills { before: 0.05, during: 0.1, after: 0.05 };
    let functions = KILLED.map(|name| (name.to_owned(), often)).into();
    let faults = Plan { functions, ..throughout(1) };
    let settings = soak::Settings {
        time: Duration::from_secs(20),
        rate: 30.0,
        faults,
        seed: 1,
        tell_every: Duration::from_secs(20),
    };
    let report = soak::run(&stage, &target, crowd, &settings, |line| println!("{line}")).await.unwrap();
    for function in KILLED {
        assert!(report.killed(function) > 0, "{function} was not killed: {report}");
    }
    Scene::end(cloud, &report).await;
}
