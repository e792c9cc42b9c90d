//! Real conversations, all at once, through the command line: every transcript equals the file.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use serde_json::Value;
use tidings_e2e::{Cli, Cloud};

/// How many dialogues of the file: about 200 messages.
const DIALOGUES: usize = 12;

async fn replay(args: &[&str]) -> Value {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let printed = cli.ok("replayer", &[&["replay"], args, &["--json"]].concat()).await;
    cloud.stop().await;
    let summary = printed.lines().rfind(|line| line.starts_with('{')).unwrap().to_owned();
    serde_json::from_str(&summary).unwrap()
}

fn assert_clean(summary: &Value, messages: u64) {
    let violations = summary["violations"].as_object().unwrap();
    assert!(!violations.is_empty() && violations.values().all(|count| *count == 0), "{summary}");
    assert_eq!(summary["messages"].as_u64(), Some(messages), "{summary}");
    // Where nothing goes wrong, pushes alone tell everybody everything.
    assert_eq!(summary["late_devices"], 0, "{summary}");
}

#[tokio::test]
async fn dialogues_end_as_they_are_in_the_file() {
    let file = tidings_local::options::workspace().join("tests/data/dialogues.jsonl");
    let summary = replay(&[file.to_str().unwrap(), "--dialogues", &DIALOGUES.to_string()]).await;
    let text = std::fs::read_to_string(file).unwrap();
    let mut messages: Vec<(&str, u64)> = Vec::new();
    for line in text.lines() {
        let dialogue = line.split('"').nth(3).unwrap();
        match messages.iter_mut().find(|(name, _)| *name == dialogue) {
            Some((_, count)) => *count += 1,
            None => messages.push((dialogue, 1)),
        }
    }
    assert_clean(&summary, messages[..DIALOGUES].iter().map(|(_, count)| count).sum());
}

#[tokio::test]
async fn four_devices_contend_for_one_conversation() {
    assert_clean(&replay(&["--contend"]).await, 2_000);
}
