//! Groups as people at terminals have them.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::process::Stdio;

use serde_json::Value;
use tidings_e2e::{Cli, Cloud};
use tokio::io::{AsyncBufReadExt, BufReader};

/// What a command that must fail says, with its code.
async fn refused(cli: &Cli, profile: &str, args: &[&str]) -> String {
    let output = cli.run(profile, args).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    said
}

/// The lines of a group's history without their time.
async fn history(cli: &Cli, profile: &str, group: &str) -> Vec<String> {
    let printed = cli.ok(profile, &["history", group]).await;
    printed.lines().map(|line| line["2026-11-24 12:03 ".len()..].to_owned()).collect()
}

#[tokio::test]
async fn a_group_lives_on_the_command_line() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (ann, bob) = (cli.register("ann").await, cli.register("bob").await);
    let (cat, dan) = (cli.register("cat").await, cli.register("dan").await);
    let create = ["group", "create", "Book club", "--member", &bob, "--approval", "--findable", "--history", "all"];
    let group = cli.ok("ann", &create).await.trim().to_owned();
    assert!(group.starts_with("g_"), "{group}");

    // By invitation, by asking, by link.
    cli.ok("bob", &["group", "invite", "book", &cat, "--greeting", "Come!"]).await;
    let told = cli.ok("cat", &["conversations"]).await;
    assert!(told.contains("notices") && told.contains(&format!("{bob} invites you to “Book club”")), "{told}");
    cli.ok("cat", &["group", "join", "book"]).await;
    assert!(cli.ok("dan", &["group", "info", &group]).await.contains("3 members"));
    assert!(cli.ok("dan", &["group", "join", &group, "--greeting", "May I?"]).await.contains("asked"));
    assert!(cli.ok("ann", &["group", "requests", "book"]).await.contains(&format!("{dan} asks: May I?")));
    cli.ok("ann", &["group", "decline", "book", &dan]).await;
    let link = cli.ok("ann", &["group", "link", "book", "--for", "10m", "--uses", "1"]).await.trim().to_owned();
    assert!(link.starts_with(&format!("{group}/")), "{link}");
    assert!(cli.ok("dan", &["group", "join", &link]).await.contains("member"));

    // Talking, and hearing of it; of what came before, first.
    cli.ok("bob", &["history", "book"]).await;
    let mut listening = cli.command("bob", &["listen", "--count", "2"]);
    let mut listening = listening.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(listening.stderr.take().unwrap()).lines();
    while notes.next_line().await.unwrap().is_some_and(|line| !line.starts_with("listening")) {}
    cli.ok("cat", &["send", "book", "hello"]).await;
    cli.ok("ann", &["group", "announce", "book", "On Friday at eight"]).await;
    let heard = listening.wait_with_output().await.unwrap();
    let heard = String::from_utf8(heard.stdout).unwrap();
    let lines: Vec<&str> = heard.lines().map(|line| &line["12:03 ".len()..]).collect();
    assert_eq!(
        lines,
        [format!("{cat} to Book club: hello"), format!("Book club: {ann} announced: On Friday at eight")]
    );
    let mut chat = cli.command("dan", &["chat", "book"]);
    let mut chat = chat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut chat.stdin.take().unwrap(), b"I will be there\n").await.unwrap();
    let shown = String::from_utf8(chat.wait_with_output().await.unwrap().stdout).unwrap();
    assert!(shown.contains(&format!("{cat}: hello")) && shown.contains(&format!("{dan}: I will be there")), "{shown}");

    // Running it.
    cli.ok("ann", &["group", "role", "book", &bob, "admin"]).await;
    cli.ok("ann", &["group", "update", "book", "--name", "Reading club", "--may-invite", "admin"]).await;
    cli.ok("cat", &["group", "nickname", "read", "Kitty"]).await;
    cli.ok("cat", &["group", "remark", "read", "Books"]).await;
    assert!(refused(&cli, "cat", &["group", "invite", "books", &ann]).await.contains("role"));
    cli.ok("bob", &["group", "mute", "reading", &cat, "--for", "1h"]).await;
    let members = cli.ok("bob", &["group", "members", "reading"]).await;
    for want in
        [format!("owner   {ann}"), format!("admin   {bob}"), format!("member  {cat}, called Kitty, muted until")]
    {
        assert!(members.contains(&want), "{members}");
    }
    for one in [["members", "reading", &cat].as_slice(), &["members", "reading", "--called", "kit"]] {
        let shown = cli.ok("bob", &[&["group"], one].concat()).await;
        assert!(shown.starts_with(&format!("member  {cat}, called Kitty")) && shown.lines().count() == 1, "{shown}");
    }
    assert!(refused(&cli, "cat", &["send", "books", "hm"]).await.contains("muted"));
    cli.ok("bob", &["group", "unmute", "reading", &cat]).await;
    cli.ok("cat", &["send", "books", "thanks"]).await;

    // Its end, for each in turn.
    cli.ok("bob", &["group", "kick", "reading", &cat]).await;
    assert!(cli.ok("cat", &["conversations"]).await.contains("Books (left)"));
    assert!(refused(&cli, "cat", &["send", "books", "hey"]).await.contains("not a member"));
    cli.ok("ann", &["group", "transfer", "reading", &bob]).await;
    cli.ok("ann", &["group", "leave", "reading"]).await;
    cli.ok("bob", &["group", "dissolve", "reading"]).await;
    assert!(refused(&cli, "dan", &["send", "reading", "too late"]).await.contains("over"));
    let listed: Value = serde_json::from_str(&cli.ok("dan", &["group", "list", "--json"]).await).unwrap();
    assert_eq!((&listed["member"], &listed["card"]["members"]), (&Value::Bool(true), &Value::from(2)));

    // All of it can be read, within what each may see.
    let seen = history(&cli, "dan", "reading").await;
    let want = [
        format!("{ann} founded “Book club” with {bob}"),
        format!("{cat} joined, invited by {bob}"),
        "LINK".to_owned(),
        format!("{dan} joined, invited by {ann}"),
        format!("{cat}: hello"),
        format!("{ann} announced: On Friday at eight"),
        format!("{dan}: I will be there"),
        format!("{ann} made {bob} an admin"),
        format!("{ann} called the group “Reading club” and changed how it is run"),
        format!("{cat} is called Kitty here"),
        "MUTED".to_owned(),
        format!("{bob} lets {cat} write again"),
        format!("{cat}: thanks"),
        format!("{bob} removed {cat}"),
        format!("{ann} handed the group over to {bob}"),
        format!("{ann} left"),
        format!("{bob} dissolved the group"),
    ];
    assert_eq!(seen.len(), want.len(), "{seen:#?}");
    for (line, want) in seen.iter().zip(&want) {
        match want.as_str() {
            "LINK" => assert!(line.starts_with(&format!("{ann} made a link that lets people in until ")), "{line}"),
            "MUTED" => assert!(line.starts_with(&format!("{bob} muted {cat} until ")), "{line}"),
            want => assert_eq!(line, want),
        }
    }
    assert_eq!(history(&cli, "cat", "books").await.last().unwrap(), &format!("{bob} removed {cat}"));
    cloud.stop().await;
}
