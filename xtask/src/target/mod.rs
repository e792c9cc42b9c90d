//! `cargo xtask test --target ...`: one end-to-end suite, on whatever can carry it.
//!
//! | target | what the tests talk to |
//! | --- | --- |
//! | `local` | a local cloud of each test's own; then every role is compared with what its function did |
//! | `ministack` | the template, deployed as it is to a MiniStack of this run's own, which enforces roles |
//! | `ministack-backend` | our gateway and Lambda host on that MiniStack's tables, queues and files |
//! | `localstack` | the same on the LocalStack of `localstack/compose.yaml`, which must be up |
//! | `stage:NAME` | a stage that was deployed to your AWS account; people who sign up there stay |
//!
//! What a target lacks stands in [`lacks::FILE`], test by test.

mod backend;
mod deployment;
mod lacks;
mod ministack;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use crate::suites::TestTargets;
use crate::{call, environment, rights, say};
use lacks::Lacks;
pub(crate) use lacks::LeftOut;

/// The names of all targets, without what follows a colon.
pub(crate) const TARGETS: &[&str] = &["local", "ministack", "ministack-backend", "localstack", "stage"];

/// What the suite runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Our local cloud.
    Local,
    /// A deployment to MiniStack.
    MiniStack,
    /// Our gateway and host, MiniStack's tables, queues and files.
    MiniStackBackend,
    /// Our gateway and host, LocalStack's tables, queues and files.
    LocalStack,
    /// A stage in an AWS account.
    Stage(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "local" => Ok(Self::Local),
            None if text == "ministack" => Ok(Self::MiniStack),
            None if text == "ministack-backend" => Ok(Self::MiniStackBackend),
            None if text == "localstack" => Ok(Self::LocalStack),
            Some(("stage", name)) if !name.is_empty() => Ok(Self::Stage(name.to_owned())),
            _ => Err(format!("there are {}:NAME", TARGETS.join(", "))),
        }
    }
}

impl Target {
    /// As [`lacks::FILE`] has it.
    fn name(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::MiniStack => "ministack",
            Self::MiniStackBackend => "ministack-backend",
            Self::LocalStack => "localstack",
            Self::Stage(_) => "stage",
        }
    }
}

/// Where things are while a suite runs.
struct Here<'a> {
    root: &'a Path,
    target: PathBuf,
}

impl Here<'_> {
    /// A folder under the target folder, empty.
    fn emptied(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.target.join(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} cannot be emptied: {error}", folder.display()));
            }
            _ => {}
        }
        std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        Ok(folder)
    }
}

/// Runs the suite; whether all is well.
pub(crate) fn run(root: &Path, target: &Target, without_nextest: bool) -> Result<bool, String> {
    let nextest = !without_nextest && environment::has_nextest();
    let (tests, folder) = TestTargets::read(root)?;
    let lacks = Lacks::read(root)?;
    for line in lacks.explain(target.name()) {
        say::line(&line);
    }
    let command = tests.suite(&lacks.of(target.name())?, nextest);
    let here = Here { root, target: folder.into() };
    let suite = |variables: &[(&str, &str)]| suite(root, &command, variables);
    match target {
        Target::Local => {
            let record = here.emptied("rights")?;
            Ok(suite(&[("TIDINGS_RIGHTS", &record.display().to_string())])? && rights::run(root, &record)?)
        }
        Target::MiniStack => {
            let emulator = ministack::Emulator::start(&here, ministack::Roles::Enforced)?;
            let file = ministack::deploy(&here, &emulator)?;
            Ok(emulator.explain(suite(&[("TIDINGS_DEPLOYMENT", &file.display().to_string())])?))
        }
        Target::MiniStackBackend => {
            let emulator = ministack::Emulator::start(&here, ministack::Roles::Ignored)?;
            Ok(emulator.explain(suite(&[("TIDINGS_BACKEND", &emulator.url())])?))
        }
        Target::LocalStack => suite(&[("TIDINGS_BACKEND", backend::localstack()?)]),
        Target::Stage(name) => {
            let file = deployment::of_stage(&here, name)?;
            let result = suite(&[("TIDINGS_DEPLOYMENT", &file.display().to_string())]);
            // A key to the account is in it.
            std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            result
        }
    }
}

/// The tests themselves; whether all passed.
fn suite(root: &Path, command: &[String], variables: &[(&str, &str)]) -> Result<bool, String> {
    let [program, args @ ..] = command else { return Err("an empty command".to_owned()) };
    let mut command = Command::new(program);
    command.args(args).current_dir(root).envs(variables.iter().copied());
    call::status(&mut command, "running the tests", "is cargo installed?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named() {
        for (text, target) in [
            ("local", Target::Local),
            ("ministack", Target::MiniStack),
            ("ministack-backend", Target::MiniStackBackend),
            ("localstack", Target::LocalStack),
            ("stage:dev", Target::Stage("dev".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(target.clone()));
            assert!(TARGETS.contains(&target.name()));
        }
        for text in ["", "stage", "stage:", "local:x", "aws"] {
            assert!(text.parse::<Target>().unwrap_err().contains("ministack"), "{text}");
        }
    }
}
