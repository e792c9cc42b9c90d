//! Queue records: they come again, twice, late and out of order, and never end in the dead-letter queue for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tidings_local::faults::{Kills, Plan, Queues, Wait};
use tidings_local::state::QueueState;

use crate::common::{TestCloud, lines, until};
use crate::counts;

/// Faults happen to a record as long as it has more than one try left after the next: of five, to the first three.
const EXPOSED_TRIES: u64 = 3;

async fn start(plan: Plan) -> TestCloud {
    TestCloud::start_with(|options| {
        options.faults = plan;
        options.limits.failed_visibility_s = Some(0);
    })
    .await
}

async fn all_done(cloud: &TestCloud, queue: &str) {
    until("the queue is empty", || async { cloud.running.state().await.queues[queue] == QueueState::default() }).await;
    let dead = cloud.running.state().await.queues[&format!("{queue}-dlq")];
    assert_eq!(dead, QueueState::default());
}

fn names(mark: &Path) -> Vec<String> {
    lines(mark).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn records_come_again_but_not_for_ever() {
    let redeliver = Queues { redeliver: 1.0, ..Queues::default() };
    let mut seen = BTreeSet::new();
    let cloud = start(Plan { queues: redeliver, ..Plan::default() }).await;
    for round in 1..=4 {
        let mark = cloud.folder().join(format!("mark{round}"));
        cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "a"})).await;
        until("it is seen", || async { mark.exists() }).await;
        all_done(&cloud, "fanout-0").await;
        assert_eq!(cloud.running.injected(), counts([("queues.redeliver", EXPOSED_TRIES * round)]));
        seen.insert(lines(&mark).len());
    }
    // Each time it was either not handed over, or handed over and not deleted; the last time it was both.
    assert!(seen.iter().all(|times| (1..=4).contains(times)), "{seen:?}");
    assert!(seen.iter().any(|times| *times > 1), "{seen:?}");
    cloud.running.stop().await;
}

#[tokio::test]
async fn kills_alone_bring_no_record_to_the_dead_letter_queue() {
    let before = Kills { before: 1.0, ..Kills::default() };
    let plan = Plan { functions: BTreeMap::from([("deliver".to_owned(), before)]), ..Plan::default() };
    let cloud = start(plan).await;
    let mark = cloud.folder().join("mark");
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "a"})).await;
    until("it is seen", || async { mark.exists() }).await;
    all_done(&cloud, "fanout-0").await;
    assert_eq!(names(&mark), ["a"]);
    assert_eq!(cloud.running.injected(), counts([("functions.deliver.before", EXPOSED_TRIES)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn records_come_twice() {
    let cloud = start(Plan { queues: Queues { double: 1.0, ..Queues::default() }, ..Plan::default() }).await;
    let mark = cloud.folder().join("mark");
    for n in 0..8 {
        cloud.enqueue("fanout-0", &json!({"mark": mark, "name": n.to_string()})).await;
    }
    until("all are seen twice", || async { lines(&mark).len() == 16 }).await;
    all_done(&cloud, "fanout-0").await;
    let mut seen = names(&mark);
    seen.sort();
    let expected: Vec<_> = (0..8).flat_map(|n| [n.to_string(), n.to_string()]).collect();
    assert_eq!(seen, expected);
    assert_eq!(cloud.running.injected(), counts([("queues.double", 8)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn records_come_late() {
    let delay = Wait { share: 1.0, ms: [400, 450] };
    let cloud = start(Plan { queues: Queues { delay, ..Queues::default() }, ..Plan::default() }).await;
    let mark = cloud.folder().join("mark");
    let sent = Instant::now();
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "a"})).await;
    until("it is seen", || async { mark.exists() }).await;
    assert!(sent.elapsed() >= Duration::from_millis(400), "{:?}", sent.elapsed());
    all_done(&cloud, "fanout-0").await;
    assert_eq!(names(&mark), ["a"]);
    assert_eq!(cloud.running.injected(), counts([("queues.delay", 1)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_delay_beyond_the_visibility_brings_no_record_to_the_dead_letter_queue() {
    // Whatever is held back is held back beyond the test's end, and comes again in the meantime.
    let delay = Wait { share: 1.0, ms: [60_000, 60_000] };
    let cloud = start(Plan { queues: Queues { delay, ..Queues::default() }, ..Plan::default() }).await;
    let url = &cloud.running.endpoints().queues["fanout-0"];
    let attributes = cloud.sqs().await.set_queue_attributes().queue_url(url);
    attributes.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    let mark = cloud.folder().join("mark");
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "a"})).await;
    until("it is seen", || async { mark.exists() }).await;
    all_done(&cloud, "fanout-0").await;
    assert_eq!(names(&mark), ["a"]);
    assert_eq!(cloud.running.injected(), counts([("queues.delay", EXPOSED_TRIES)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn records_come_out_of_order_within_a_batch_and_across() {
    let cloud = start(Plan { queues: Queues { reorder: 1.0, ..Queues::default() }, ..Plan::default() }).await;
    // A batch of its own for each: only what is held back changes the order.
    let mark = cloud.folder().join("across");
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "0"})).await;
    until("it is taken", || async { cloud.running.injected().contains_key("queues.reorder") }).await;
    cloud.running.inject(Plan::default()).unwrap();
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "1"})).await;
    until("both are seen", || async { lines(&mark).len() == 2 }).await;
    assert_eq!(names(&mark), ["1", "0"]);
    assert_eq!(cloud.running.injected(), counts([("queues.reorder", 1)]));

    // The retry queue has a batch window, which gathers them all.
    let mut turned = false;
    for seed in 1..=4 {
        cloud
            .running
            .inject(Plan { seed, queues: Queues { reorder: 1.0, ..Queues::default() }, ..Plan::default() })
            .unwrap();
        let mark = cloud.folder().join(format!("within{seed}"));
        for n in 0..9 {
            cloud.enqueue("retry", &json!({"mark": mark, "name": n.to_string()})).await;
        }
        until("all are seen", || async { lines(&mark).len() == 9 }).await;
        turned |= !names(&mark).is_sorted();
    }
    assert!(turned);
    all_done(&cloud, "retry").await;
    cloud.running.stop().await;
}
