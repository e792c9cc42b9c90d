//! Presence as people at terminals have it.

use std::process::Stdio;

use tidings_e2e::{Cli, Cloud};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::test]
async fn who_comes_and_who_writes_is_seen_on_the_command_line() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (ann, bob) = (cli.register("ann").await, cli.register("bob").await);

    let mut watching = cli.command("ann", &["presence", &bob, "--watch", "--count", "2"]);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(first.starts_with(&bob) && !first.ends_with("online"), "{first}");
    cli.ok("bob", &["typing", &ann, "--seconds", "1"]).await;
    assert_eq!(lines.next_line().await.unwrap().unwrap(), format!("{bob:<20} online"));
    assert!(watching.wait().await.unwrap().success());

    let mut listening = cli.command("ann", &["listen", "--count", "1"]);
    let mut listening = listening.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(listening.stderr.take().unwrap()).lines();
    while notes.next_line().await.unwrap().is_some_and(|line| !line.starts_with("listening")) {}
    cli.ok("bob", &["typing", &ann, "--seconds", "1"]).await;
    assert_eq!(notes.next_line().await.unwrap().unwrap(), format!("{bob} is writing"));
    cli.ok("bob", &["send", &ann, "hello"]).await;
    let heard = String::from_utf8(listening.wait_with_output().await.unwrap().stdout).unwrap();
    assert!(heard.trim_end().ends_with(&format!("{bob}: hello")), "{heard}");
    cloud.stop().await;
}
