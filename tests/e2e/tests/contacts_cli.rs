//! Contacts as people at terminals have them.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use serde_json::Value;
use tidings_e2e::{Cli, Cloud};

/// The lines of one's notices without their time.
async fn notices(cli: &Cli, profile: &str) -> Vec<String> {
    let me: Value = serde_json::from_str(&cli.ok(profile, &["profile", "--json"]).await).unwrap();
    let notices = format!("n:{}", me["user"]["id"].as_str().unwrap());
    let printed = cli.ok(profile, &["history", &notices]).await;
    printed.lines().map(|line| line["2026-11-24 12:03 ".len()..].to_owned()).collect()
}

#[tokio::test]
async fn contacts_live_on_the_command_line() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (ann, bob) = (cli.register("ann").await, cli.register("bob").await);
    let list = async |profile: &'static str| cli.ok(profile, &["contacts", "list"]).await;

    cli.ok("ann", &["contacts", "request", &bob, "--greeting", "It is me"]).await;
    let asked = list("bob").await;
    assert!(asked.contains(&ann) && asked.contains("It is me"), "{asked}");
    cli.ok("bob", &["contacts", "decline", &ann]).await;
    assert!(!list("bob").await.contains(&ann));
    cli.ok("bob", &["contacts", "request", &ann]).await;
    cli.ok("ann", &["contacts", "accept", &bob]).await;
    cli.ok("ann", &["contacts", "remark", &bob, "Bobby", "--tag", "work"]).await;
    let named = list("ann").await;
    assert!(named.contains("Bobby") && named.contains("#work"), "{named}");
    cli.ok("ann", &["contacts", "remove", &bob]).await;
    assert!(!list("bob").await.contains(&ann));

    // Who is blocked hears no more than a stranger of somebody who takes none.
    cli.ok("bob", &["contacts", "block", &ann]).await;
    assert!(cli.ok("bob", &["contacts", "blocked"]).await.contains(&ann));
    let refused = cli.run("ann", &["send", &bob, "hello?"]).await;
    let blocked = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{blocked}");
    cli.ok("bob", &["contacts", "unblock", &ann]).await;
    cli.ok("bob", &["profile", "--messages-from", "contacts"]).await;
    let refused = cli.run("ann", &["send", &bob, "hello?"]).await;
    assert_eq!(String::from_utf8(refused.stderr).unwrap(), blocked);
    cli.ok("bob", &["profile", "--messages-from", "anyone"]).await;
    cli.ok("ann", &["send", &bob, "hello"]).await;

    let told = [
        format!("you asked {bob} to be your contact: It is me"),
        format!("{bob} does not want to be your contact"),
        format!("{bob} asks to be your contact (`tidings contacts list` names whom to accept)"),
        format!("{bob} and you are contacts"),
        format!("you have changed what you call {bob} or keep them under"),
        format!("{bob} is your contact no more"),
    ];
    assert_eq!(notices(&cli, "ann").await, told);
    let told = [
        format!("{ann} asks to be your contact: It is me (`tidings contacts list` names whom to accept)"),
        format!("you do not want to be a contact of {ann}"),
        format!("you asked {ann} to be your contact"),
        format!("{ann} and you are contacts"),
        format!("{ann} is your contact no more"),
        format!("you blocked {ann}"),
        format!("you no longer block {ann}"),
    ];
    assert_eq!(notices(&cli, "bob").await[..told.len()], told);
    cloud.stop().await;
}
