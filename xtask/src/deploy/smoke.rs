//! The smoke test: two people sign up at a running deployment, become contacts (strangers may not write to each other
//! unless it says so), and one hears what the other sends.
//!
//! Small, and through everything: the HTTP API, the authorizer, the socket, the log, the inboxes, a push and a history.
//! The two accounts stay; nothing deletes accounts yet.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{call, say};

/// How long one step may take. The slowest is a sign-up against cold functions: some seconds.
const STEP_WITHIN: Duration = Duration::from_mins(1);

/// What to do when it fails.
const ADVICE: &str = "the stack is up, but does not work; its functions' logs say why (`sam logs --stack-name ...`). \
                      If sign-ups are closed on purpose, say --without-smoke-test";

/// Runs it against the server's address.
pub(crate) fn run(client: &Path, target: &Path, server: &str) -> Result<(), String> {
    let start = Instant::now();
    let name = format!("{:08x}", rand::random::<u32>());
    let folder = target.join("deploy").join(format!("smoke-{name}"));
    let people = People { client: client.to_owned(), server: server.to_owned(), home: folder.clone(), name };
    let result = people.talk();
    // Their tokens are in it.
    let removed = std::fs::remove_dir_all(&folder);
    result?;
    removed.map_err(|error| format!("{} cannot be removed: {error}", folder.display()))?;
    say::line(&format!("two people talked, in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

struct People {
    client: PathBuf,
    server: String,
    /// Where the clients keep what they hold.
    home: PathBuf,
    /// Told apart from earlier tests.
    name: String,
}

impl People {
    fn talk(&self) -> Result<(), String> {
        let name = &self.name;
        let (ann, bob) = (format!("smoke.a{name}"), format!("smoke.b{name}"));
        for person in [&ann, &bob] {
            // Nobody needs it again, and the account stays: not to be guessed.
            let password = format!("{:032x}", rand::random::<u128>());
            let mut command = self.command(person, &["register", person]);
            call::ask(command.env("TIDINGS_PASSWORD", password), "smoke test: signing up", ADVICE)?;
        }
        let text = format!("smoke test {name}");
        self.ask(&ann, &["contacts", "request", &bob], "asking to be a contact")?;
        self.ask(&bob, &["contacts", "accept", &ann], "accepting a contact")?;
        let mut listener = Listener::start(self.command(&bob, &["listen", "--json"]))?;
        listener.wait_for(Heard::online, "coming online")?;
        self.ask(&ann, &["send", &bob, &text], "sending")?;
        listener.wait_for(|heard| heard.message(&text), "hearing what was sent")?;
        listener.end();
        let history = self.ask(&bob, &["history", &ann, "--json"], "reading the history")?;
        if history.lines().filter(|line| says(line, &text)).count() != 1 {
            return Err(format!("the history does not hold the message once: {history}\n  {ADVICE}"));
        }
        Ok(())
    }

    fn ask(&self, person: &str, words: &[&str], step: &str) -> Result<String, String> {
        call::ask(&mut self.command(person, words), &format!("smoke test: {step}"), ADVICE)
    }

    fn command(&self, person: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.client);
        command.args(["--profile", person]).args(words);
        command.env("TIDINGS_SERVER", &self.server).env("TIDINGS_HOME", &self.home).env("NO_COLOR", "1");
        command
    }
}

/// A line of a listening client.
enum Heard {
    /// For people.
    Note(String),
    /// A message, as JSON.
    Message(String),
}

impl Heard {
    fn online(&self) -> bool {
        matches!(self, Self::Note(line) if line.starts_with("listening"))
    }

    fn message(&self, text: &str) -> bool {
        matches!(self, Self::Message(line) if says(line, text))
    }

    fn line(&self) -> &str {
        match self {
            Self::Note(line) | Self::Message(line) => line,
        }
    }
}

/// A client that listens; ended with it.
struct Listener {
    child: Child,
    heard: Receiver<Heard>,
}

impl Listener {
    fn start(mut command: Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("smoke test: the client cannot be started: {error}"))?;
        let (sender, heard) = channel();
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            let notes = sender.clone();
            thread::spawn(move || each_line(stdout, |line| drop(sender.send(Heard::Message(line)))));
            thread::spawn(move || each_line(stderr, |line| drop(notes.send(Heard::Note(line)))));
        }
        Ok(Self { child, heard })
    }

    /// Waits for a line; what came instead is in the error.
    fn wait_for(&self, wanted: impl Fn(&Heard) -> bool, step: &str) -> Result<(), String> {
        let until = Instant::now() + STEP_WITHIN;
        let mut instead = Vec::new();
        loop {
            match self.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(heard) if wanted(&heard) => return Ok(()),
                Ok(heard) => instead.push(heard.line().to_owned()),
                Err(ended) => {
                    let why = match ended {
                        RecvTimeoutError::Timeout => format!("nothing for {} s", STEP_WITHIN.as_secs()),
                        RecvTimeoutError::Disconnected => "the client ended".to_owned(),
                    };
                    return Err(format!("smoke test: {step} failed: {why}; it said {instead:?}\n  {ADVICE}"));
                }
            }
        }
    }

    /// Ends it: the profile is free for the next command then.
    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.end();
    }
}

fn each_line(from: impl Read, mut take: impl FnMut(String)) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { return };
        take(line);
    }
}

/// Whether a line of JSON is an entry with this text.
fn says(line: &str, text: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|entry| entry["body"]["text"] == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_the_text_is_told_from_others() {
        let line = r#"{"conversation":"d:a:b","seq":1,"body":{"type":"text","text":"smoke test 1"}}"#;
        assert!(says(line, "smoke test 1"));
        for (line, text) in [(line, "smoke test 2"), ("listening", "listening"), ("{}", ""), ("", "")] {
            assert!(!says(line, text), "{line}");
        }
    }

    #[test]
    fn a_listener_that_ends_or_hears_something_else_is_no_success() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Listener::start(command).unwrap()
        };
        let mut deaf = shell("echo offline >&2");
        let reason = deaf.wait_for(Heard::online, "coming online").unwrap_err();
        assert!(reason.contains("the client ended") && reason.contains("offline"), "{reason}");
        deaf.end();
        let listener = shell(r#"echo listening >&2; echo '{"body":{"text":"hi"}}'"#);
        assert_eq!(listener.wait_for(|heard| heard.message("hi"), "hearing"), Ok(()));
    }
}
