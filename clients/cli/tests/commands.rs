//! What the commands say when they cannot do what they are asked. The rest runs against the local cloud, in
//! `tests/e2e`.
#![expect(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Nothing listens on the discard port.
const NOBODY: &str = "http://127.0.0.1:9";

fn tidings(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args(args)
        .env("TIDINGS_HOME", home)
        .env("TIDINGS_SERVER", NOBODY)
        .env_remove("TIDINGS_PROFILE")
        .env_remove("TIDINGS_PASSWORD")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn failures_say_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["register", "alice", "--password", "correct horse"], "cargo local"),
        (&["register", "al", "--password", "correct horse"], "3 to 32"),
        (&["register", "alice", "--password", "short"], "8 to 128"),
        (&["login", "alice"], "TIDINGS_PASSWORD"),
        (&["login", "alice", "--password", "correct horse"], NOBODY),
        (&["--profile", "../x", "conversations"], "a profile's name"),
        (&["--server", "nowhere", "login", "alice", "--password", "correct horse"], "http:// or https://"),
        (&["chat", "bob"], "tidings register"),
        (&["group", "list"], "tidings register"),
        (&["devices", "list"], "tidings register"),
        (&["presence", "bob"], "tidings register"),
        (&["profile", "--time-zone", "over there"], "Europe/Berlin"),
        (&["profile", "--presence-to", "friends"], "everybody, contacts or nobody"),
        (&["profile"], "tidings register"),
        (&["people", "search", "a"], "2 to 32"),
        (&["people", "search", "al"], "tidings register"),
        (&["account", "password"], "tidings register"),
        (&["account", "delete", "--yes"], "tidings register"),
        (&["replay", "/does/not/exist"], "cannot be read"),
    ];
    for (args, want) in cases {
        let output = tidings(home.path(), args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(want), "{args:?}: {said}");
    }
}

#[test]
fn groups_explain_themselves() {
    let home = tempfile::tempdir().unwrap();
    let help = tidings(home.path(), &["group", "--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("tidings group link book --for 7d"));
    let cases: &[(&[&str], &str)] = &[
        (&["mute", "book", "bob", "--for", "soon"], "10m"),
        (&["mute", "book", "--for", "10m"], "USER"),
        (&["create", "Book club", "--open", "--approval"], "--approval"),
        (&["link", "book", "--uses", "0"], "--uses"),
        (&["invite", "book"], "<USER>"),
    ];
    for (args, want) in cases {
        let output = tidings(home.path(), &[&["group"], *args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(want), "{args:?}: {said}");
    }
}

#[test]
fn a_profile_has_one_user_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("default");
    std::fs::create_dir(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let output = tidings(home.path(), &["listen"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("in use by another"));
    drop(lock);
    let output = tidings(home.path(), &["listen"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("nobody is signed in"));
}
