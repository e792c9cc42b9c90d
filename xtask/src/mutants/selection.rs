//! One test: how it is built, and how it ends.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::copy::Copy;

/// How long a test may run. Those that guard rules take seconds.
const RUN_MAX: Duration = Duration::from_mins(2);

/// Characters of a test's words that are shown.
const WORDS_MAX: usize = 90;

/// Dependencies are compiled once and run for seconds: the compiler's time is what counts here.
const PROFILE: &str = "profile.dev.package.\"*\".opt-level=0";

/// A test, as one would hand it to `cargo test`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selection {
    /// What selects its binary, like `-p tidings-domain --lib`.
    pub(super) cargo: Vec<String>,
    /// Its whole name, like `send::tests::refusals`.
    pub(super) name: String,
}

/// What came of building a test's binary.
#[derive(Debug)]
pub(super) enum Built {
    /// It is there.
    Test(Binary),
    /// The compiler's first error.
    DoesNotCompile(String),
}

/// A test binary.
#[derive(Debug)]
pub(super) struct Binary {
    path: PathBuf,
    package: PathBuf,
}

/// How a test ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// And the first thing that it said.
    Failed(String),
    TimedOut,
    NotRun,
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo test {} -- {}", self.cargo.join(" "), self.name)
    }
}

impl Selection {
    /// Reads `-p PACKAGE --test TARGET -- NAME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (cargo, name) = text.split_once(" -- ")?;
        let cargo: Vec<_> = cargo.split_whitespace().map(str::to_owned).collect();
        let name = name.trim().to_owned();
        (!cargo.is_empty() && !name.is_empty() && !name.contains(' ')).then_some(Self { cargo, name })
    }

    /// Builds the binary that has the test.
    pub(super) fn build(&self, copy: &Copy) -> Result<Built, String> {
        let output = Command::new("cargo")
            .args(["test", "--locked", "--no-run", "--message-format=json", "--config", PROFILE])
            .args(&self.cargo)
            .current_dir(&copy.root)
            .env("CARGO_TARGET_DIR", &copy.target)
            // Also where it is off for everything that is built once: the same few crates are built for every mutant.
            .env("CARGO_INCREMENTAL", "1")
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let messages: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if !output.status.success() {
            let error = messages.iter().find(|it| it["message"]["level"] == "error");
            return match error.and_then(|it| it["message"]["message"].as_str()) {
                Some(error) => Ok(Built::DoesNotCompile(error.to_owned())),
                None => Err(format!("cargo could not build {}", self.cargo.join(" "))),
            };
        }
        let tests: Vec<_> = messages.iter().filter(|it| it["profile"]["test"] == true).filter_map(Binary::of).collect();
        match <[Binary; 1]>::try_from(tests) {
            Ok([binary]) => Ok(Built::Test(binary)),
            Err(tests) => Err(format!("{} selects {} test binaries, not one", self.cargo.join(" "), tests.len())),
        }
    }
}

impl Binary {
    fn of(artifact: &Value) -> Option<Self> {
        let path = artifact["executable"].as_str()?.into();
        Some(Self { path, package: Path::new(artifact["manifest_path"].as_str()?).parent()?.into() })
    }

    /// Runs one test.
    pub(super) fn run(&self, name: &str) -> Result<Outcome, String> {
        let explain = |error: std::io::Error| format!("{}: {error}", self.path.display());
        let mut child = Command::new(&self.path)
            .args(["--exact", name])
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(explain)?;
        let out = child.stdout.take();
        let reader = std::thread::spawn(move || out.map(std::io::read_to_string).and_then(Result::ok));
        let end = Instant::now() + RUN_MAX;
        while child.try_wait().map_err(explain)?.is_none() {
            if Instant::now() >= end {
                child.kill().and_then(|()| child.wait()).map_err(explain)?;
                return Ok(Outcome::TimedOut);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = reader.join().ok().flatten().unwrap_or_default();
        Ok(outcome(&text, name))
    }
}

/// Reads what a test binary printed.
fn outcome(text: &str, name: &str) -> Outcome {
    let verdict = text.lines().find_map(|line| line.strip_prefix("test ")?.strip_prefix(name)?.rsplit(' ').next());
    match verdict {
        Some("ok") => Outcome::Passed,
        Some("FAILED") => Outcome::Failed(first_words(text)),
        _ => Outcome::NotRun,
    }
}

/// How a model begins to say that a law is broken; see `tests/models/src/check.rs`.
const BROKEN: &str = "broken: ";
/// How it begins to say that its world has shrunk.
pub(super) const SHRUNK: &str = "fewer than ";
/// How it begins to say that a case was not seen.
pub(super) const MISSED: &str = "never reached: ";

/// What a model has to say, a broken law first, or the line after the panic's place. No more than fits a line.
fn first_words(text: &str) -> String {
    let model = [BROKEN, SHRUNK, MISSED];
    let law = model.iter().find_map(|prefix| text.lines().find(|line| line.starts_with(prefix)));
    let said = || text.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    law.or_else(said).unwrap_or_default().trim().chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_cargo_s_words_and_one_name() {
        let selection = Selection::parse("-p tidings-domain --lib -- send::tests::refusals").unwrap();
        assert_eq!(selection.to_string(), "cargo test -p tidings-domain --lib -- send::tests::refusals");
        for bad in ["-p tidings-domain", "-p x -- ", "-p x -- two names", " -- name"] {
            assert_eq!(Selection::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_named_test_counts() {
        let text =
            "running 1 test\ntest a::b ... FAILED\n\nthread 'a::b' (7) panicked at x.rs:1:2:\nsays no\nnote: x\n";
        assert_eq!(outcome(text, "a::b"), Outcome::Failed("says no".to_owned()));
        assert_eq!(outcome(text, "a::c"), Outcome::NotRun);
        assert_eq!(outcome("test a::b ... ok\n", "a::b"), Outcome::Passed);
        let model = "test a ... FAILED\nthread 'a' panicked at x:\n9 states\nbroken: ORD-1\n 1. step\n";
        assert_eq!(outcome(model, "a"), Outcome::Failed("broken: ORD-1".to_owned()));
        let shrunk =
            "test a ... FAILED\nthread 'a' panicked at x:\n9 states\nnever reached: b\nfewer than 10 states: x\n";
        assert_eq!(outcome(shrunk, "a"), Outcome::Failed("fewer than 10 states: x".to_owned()));
        assert_eq!(outcome("running 0 tests\n", "a"), Outcome::NotRun);
    }
}
