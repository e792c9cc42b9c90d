//! The command line dies between writing a frame and hearing its acknowledgement. Nothing is missing or doubled.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tidings_e2e::{Cli, Cloud};

/// How often it dies.
const DEATHS: usize = 20;

/// Two people at the command line, and what the first must have said in the end.
struct Stage {
    cloud: Cloud,
    cli: Cli,
    bob: String,
    said: Vec<String>,
    _home: tempfile::TempDir,
}

impl Stage {
    async fn set() -> Self {
        let cloud = Cloud::start().await;
        let home = tempfile::tempdir().unwrap();
        let cli = Cli::new(&cloud, home.path());
        cli.register("ann").await;
        let bob = cli.register("bob").await;
        Self { cloud, cli, bob, said: Vec::new(), _home: home }
    }

    /// Comes back properly once more: then all that was said is stored, once, in order.
    async fn ends_with_everything_once(mut self) {
        self.cli.ok("ann", &["send", &self.bob, "the end"]).await;
        self.said.push("the end".to_owned());
        let history = self.cli.ok("ann", &["history", &self.bob, "--json", "-n", "200"]).await;
        let text = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["body"]["text"].as_str().unwrap().to_owned()
        };
        assert_eq!(history.lines().map(text).collect::<Vec<_>>(), self.said);
        self.cloud.stop().await;
    }
}

#[tokio::test]
async fn dying_after_each_write_loses_and_doubles_nothing() {
    let mut stage = Stage::set().await;
    let bob = stage.bob.clone();
    for number in 0..DEATHS {
        let text = format!("message {number}");
        let output = stage
            .cli
            .command("ann", &["send", &bob, &text])
            .env("TIDINGS_TEST_EXIT_AFTER_WRITE", "1")
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(86), "it died: {}", String::from_utf8_lossy(&output.stderr));
        stage.said.push(text);
        if number % 3 == 2 {
            // Sometimes it comes back properly in between, sometimes the outbox grows.
            let text = format!("alive {number}");
            stage.cli.ok("ann", &["send", &bob, &text]).await;
            stage.said.push(text);
        }
    }
    stage.ends_with_everything_once().await;
}

#[tokio::test]
async fn being_killed_at_any_time_loses_and_doubles_nothing() {
    let mut stage = Stage::set().await;
    let bob = stage.bob.clone();
    for number in 0..DEATHS {
        // Durable from here on: it must arrive, whatever happens.
        let text = format!("message {number}");
        stage.cli.ok("ann", &["send", &bob, &text, "--queue"]).await;
        stage.said.push(text);
        let mut child = stage.cli.command("ann", &["conversations"]).stdout(Stdio::null()).spawn().unwrap();
        // From before it connects to after everything is acknowledged.
        tokio::time::sleep(Duration::from_millis(10 * number as u64)).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
    }
    stage.ends_with_everything_once().await;
}
