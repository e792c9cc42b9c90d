//! The command line dies between writing a frame and hearing its acknowledgement. Nothing is missing or doubled.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tidings_e2e::{Cli, Cloud};

/// How often it dies.
const DEATHS: usize = 20;

async fn texts(cli: &Cli, profile: &str, peer: &str) -> Vec<String> {
    let history = cli.ok(profile, &["history", peer, "--json", "-n", "200"]).await;
    let text = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        entry
            .pointer("/entry/body/text")
            .or(entry.pointer("/body/text"))
            .or(entry.get("text"))
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    history.lines().map(text).collect()
}

#[tokio::test]
async fn dying_after_each_write_loses_and_doubles_nothing() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (_ann, bob) = (cli.register("ann").await, cli.register("bob").await);
    let mut said = Vec::new();
    for number in 0..DEATHS {
        let text = format!("message {number}");
        let output = cli
            .command("ann", &["send", &bob, &text])
            .env("TIDINGS_TEST_EXIT_AFTER_WRITE", "1")
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(86), "it died: {}", String::from_utf8_lossy(&output.stderr));
        said.push(text);
        if number % 3 == 2 {
            // Sometimes it comes back properly in between, sometimes the outbox grows.
            let text = format!("alive {number}");
            cli.ok("ann", &["send", &bob, &text]).await;
            said.push(text);
        }
    }
    cli.ok("ann", &["send", &bob, "the end"]).await;
    said.push("the end".to_owned());
    assert_eq!(texts(&cli, "ann", &bob).await, said);
    cloud.stop().await;
}

#[tokio::test]
async fn being_killed_at_any_time_loses_and_doubles_nothing() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (_ann, bob) = (cli.register("ann").await, cli.register("bob").await);
    let mut said = Vec::new();
    for number in 0..DEATHS {
        // Durable from here on: it must arrive, whatever happens.
        let text = format!("message {number}");
        cli.ok("ann", &["send", &bob, &text, "--queue"]).await;
        said.push(text);
        let mut child = cli.command("ann", &["conversations"]).stdout(Stdio::null()).spawn().unwrap();
        // From before it connects to after everything is acknowledged.
        tokio::time::sleep(Duration::from_millis(10 * number as u64)).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }
    cli.ok("ann", &["send", &bob, "the end"]).await;
    said.push("the end".to_owned());
    assert_eq!(texts(&cli, "ann", &bob).await, said);
    cloud.stop().await;
}
