//! The command line as a person at a terminal has it: real processes, profiles in a folder of the test's own.

use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;

use crate::cloud::Cloud;
use crate::person::PASSWORD;

/// A folder of profiles, and the server that they are for.
#[derive(Debug)]
pub struct Cli {
    home: PathBuf,
    server: String,
}

impl Cli {
    /// Profiles in `home`, at this cloud.
    pub fn new(cloud: &Cloud, home: &Path) -> Self {
        Self { home: home.to_owned(), server: cloud.endpoints().api.clone() }
    }

    /// `tidings --profile PROFILE ARGS...`.
    pub fn command(&self, profile: &str, args: &[&str]) -> Command {
        let binary = tidings_local::options::own_folder().join("tidings");
        assert!(binary.exists(), "build tidings-cli first: there is no {}", binary.display());
        let mut command = Command::new(binary);
        command
            .args(["--profile", profile])
            .args(args)
            .env("TIDINGS_HOME", &self.home)
            .env("TIDINGS_SERVER", &self.server)
            .env("TIDINGS_PASSWORD", PASSWORD)
            .env("NO_COLOR", "1")
            .env_remove("TIDINGS_TEST_EXIT_AFTER_WRITE")
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, profile: &str, args: &[&str]) -> Output {
        self.command(profile, args).output().await.expect("tidings runs")
    }

    /// Runs it, expects success, and gives what it printed.
    pub async fn ok(&self, profile: &str, args: &[&str]) -> String {
        let output = self.run(profile, args).await;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {}\n{stdout}\n{stderr}", output.status);
        stdout.into_owned()
    }

    /// Registers somebody under a new name, which is given back.
    pub async fn register(&self, profile: &str) -> String {
        let username = format!("{profile}_{:x}", rand::random::<u32>());
        self.ok(profile, &["register", &username]).await;
        username
    }
}
