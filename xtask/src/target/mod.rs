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

mod deployment;
mod lacks;
mod localstack;
mod ministack;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use crate::files;
use crate::suites::TestTargets;
use crate::{call, environment, rights, say};
use deployment::Deployment;
use lacks::Lacks;
pub(crate) use lacks::LeftOut;

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

/// The variables that tell tests where to run and what to keep.
const DEPLOYMENT: &str = "TIDINGS_DEPLOYMENT";
const BACKEND: &str = "TIDINGS_BACKEND";
const RIGHTS: &str = "TIDINGS_RIGHTS";

/// What stands before the name of a stage.
const STAGE: &str = "stage";

/// Every target but the stages, of which there may be any.
const NAMED: &[(&str, Target)] = &[
    ("local", Target::Local),
    ("ministack", Target::MiniStack),
    ("ministack-backend", Target::MiniStackBackend),
    ("localstack", Target::LocalStack),
];

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, target)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(target.clone());
        }
        match text.split_once(':') {
            Some((STAGE, name)) if !name.is_empty() => Ok(Self::Stage(name.to_owned())),
            _ => Err(format!("there are {} and {STAGE}:NAME", names().collect::<Vec<_>>().join(", "))),
        }
    }
}

impl Target {
    /// As [`lacks::FILE`] has it.
    fn name(&self) -> &'static str {
        NAMED.iter().find(|(_, target)| target == self).map_or(STAGE, |(name, _)| name)
    }
}

/// The names of all targets but stages.
fn names() -> impl Iterator<Item = &'static str> {
    NAMED.iter().map(|(name, _)| *name)
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
        files::emptied(&folder).map(|()| folder)
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
    let suite = |variables: &[(&str, String)]| suite(root, &command, variables);
    let at = |deployment: &Deployment| -> Result<bool, String> {
        let before = deployment.dead_letters()?;
        let passed = suite(&[(DEPLOYMENT, deployment.description.to_string())])?;
        let complaints = deployment.come_to_rest(&before)?;
        for complaint in &complaints {
            say::error(complaint);
        }
        Ok(passed && complaints.is_empty())
    };
    match target {
        Target::Local => {
            let record = here.emptied("rights")?;
            Ok(suite(&[(RIGHTS, record.display().to_string())])? && rights::run(root, &record)?)
        }
        Target::MiniStack => {
            let emulator = ministack::Emulator::start(&here, ministack::Roles::Enforced)?;
            let deployment = ministack::deploy(&here, &emulator)?;
            Ok(emulator.explain(at(&deployment)?))
        }
        Target::MiniStackBackend => {
            let emulator = ministack::Emulator::start(&here, ministack::Roles::Ignored)?;
            let passed = suite(&[(BACKEND, emulator.url())])?;
            if !emulator.was_used() {
                return Err(format!("nothing was written to {}: the tests do not look at {BACKEND}", emulator.url()));
            }
            Ok(emulator.explain(passed))
        }
        Target::LocalStack => suite(&[(BACKEND, localstack::up()?.to_owned())]),
        Target::Stage(name) => at(&deployment::of_stage(&here, name)?),
    }
}

/// The tests themselves; whether all passed.
fn suite(root: &Path, command: &[String], variables: &[(&str, String)]) -> Result<bool, String> {
    let [program, args @ ..] = command else { return Err("an empty command".to_owned()) };
    let mut command = Command::new(program);
    command.args(args).current_dir(root);
    // One that somebody has set would have them run elsewhere.
    for name in [DEPLOYMENT, BACKEND, RIGHTS] {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    call::status(&mut command, "running the tests", "is cargo installed?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named() {
        for (name, target) in NAMED {
            assert_eq!((name.parse().as_ref(), target.name()), (Ok(target), *name));
        }
        let stage = Target::Stage("dev".to_owned());
        assert_eq!(("stage:dev".parse().as_ref(), stage.name()), (Ok(&stage), STAGE));
        for text in ["", "stage", "stage:", "local:x", "aws"] {
            assert!(text.parse::<Target>().unwrap_err().contains("ministack"), "{text}");
        }
    }
}
