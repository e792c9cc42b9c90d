//! Tools that come from PyPI, for deploying and for tests: each list in `infra/tools` becomes a virtual environment
//! under the target folder, made once and made again when its list changes.
//!
//! An environment for each list, because their pins contradict each other.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::call;
use crate::say;

/// One list of `infra/tools`, by its name without the ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool(&'static str);

/// Builds the functions; its wheel brings zig.
pub(crate) const CARGO_LAMBDA: Tool = Tool("cargo-lambda");
/// AWS SAM's command line, and the cfn-lint that it uses.
pub(crate) const SAM: Tool = Tool("sam");
/// The AWS command line.
pub(crate) const AWS_CLI: Tool = Tool("aws-cli");

/// MiniStack, which stands in for AWS in tests.
pub(crate) const MINISTACK: Tool = Tool("ministack");

/// The oldest Python that all lists install on. Source: `Requires-Python` of networkx, which cfn-lint needs.
const OLDEST_PYTHON: (u32, u32) = (3, 11);

/// An environment that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Venv {
    bin: PathBuf,
    /// What its commands find in their environment beside.
    variables: Vec<(String, String)>,
}

impl Venv {
    /// The same for another AWS: its commands find these variables, and nothing that is meant for the real one.
    pub(crate) fn instead_of_aws(mut self, variables: &[(&str, &str)]) -> Self {
        self.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// A command of the environment, which finds the environment's other commands and its Python first.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env("PATH", path_with(&self.bin)).env("PYTHONNOUSERSITE", "1").env_remove("PYTHONPATH");
        // What these tools would otherwise tell their makers.
        command.env("SAM_CLI_TELEMETRY", "0").env("AWS_PAGER", "");
        if !self.variables.is_empty() {
            forget_aws(&mut command);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Takes from a command whatever says who is meant by AWS, and where it is.
pub(crate) fn forget_aws(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
}

/// The environment of a tool; made if it is not there, is broken, or was made from another list.
pub(crate) fn ready(root: &Path, target: &Path, tool: Tool) -> Result<Venv, String> {
    let list = root.join("infra/tools").join(format!("{}.txt", tool.0));
    let wanted = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    if let Some(line) = unpinned(&wanted) {
        return Err(format!("{}: {line:?} names no exact version; write it as name==1.2.3", list.display()));
    }
    let folder = target.join("tools");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let venv = folder.join(tool.0);
    // Two commands at once must not make it into each other; the lock ends with the process.
    let lock = folder.join(format!("{}.lock", tool.0));
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _locked = locked.map_err(|error| format!("{} cannot be locked: {error}", lock.display()))?;
    if !is_current(&venv, &wanted) {
        make(&venv, &list, &wanted)?;
    }
    Ok(Venv { bin: venv.join("bin"), variables: Vec::new() })
}

fn make(venv: &Path, list: &Path, wanted: &str) -> Result<(), String> {
    check_python()?;
    say::line(&format!("installing {} into {}", list.display(), venv.display()));
    let mut python = Command::new("python3");
    python.args(["-m", "venv", "--clear"]).arg(venv);
    call::run(
        &mut python,
        "making a Python environment",
        "install Python's venv module (Debian, Ubuntu: `apt-get install python3-venv`)",
    )?;
    let python = venv.join("bin/python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    pip.arg("--requirement").arg(list);
    call::run(&mut pip, "installing pinned packages", "is PyPI reachable, and is pip part of this Python?")?;
    // `--no-deps` installs exactly what the list says; this says what the list forgets for this Python.
    let mut check = Command::new(&python);
    check.args(["-m", "pip", "check", "--disable-pip-version-check"]);
    call::run(&mut check, "checking the installed packages", "add what is missing to the list, with its version")?;
    let stamp = stamp_of(venv);
    std::fs::write(&stamp, wanted).map_err(|error| format!("{} cannot be written: {error}", stamp.display()))
}

/// Whether there is a Python that all lists install on.
pub(crate) fn check_python() -> Result<(), String> {
    let (major, minor) = OLDEST_PYTHON;
    let needed = format!("Python {major}.{minor} or newer is needed (Debian, Ubuntu: `apt-get install python3-venv`)");
    let mut python = Command::new("python3");
    python.args(["-c", "import sys; print(*sys.version_info[:2])"]);
    let said = call::ask(&mut python, "looking for Python 3", &needed)?;
    if python_suits(&said) { Ok(()) } else { Err(format!("python3 is version {}: {needed}", said.trim())) }
}

/// Whether a version as `3 11` is new enough.
fn python_suits(said: &str) -> bool {
    let mut numbers = said.split_whitespace().map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_PYTHON,
        _ => false,
    }
}

/// Whether the environment was finished from this very list, and its Python is still there.
fn is_current(venv: &Path, wanted: &str) -> bool {
    let made = std::fs::read_to_string(stamp_of(venv));
    made.is_ok_and(|made| made == wanted) && venv.join("bin/python").exists()
}

/// The list that the environment was made from. Written last, so one that is half made has none.
fn stamp_of(venv: &Path) -> PathBuf {
    venv.join("installed.txt")
}

/// The first line that names no exact version.
fn unpinned(list: &str) -> Option<&str> {
    let pinned = |line: &str| {
        let (name, version) = line.split_once("==")?;
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b));
        (plain(name) && plain(version)).then_some(())
    };
    list.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#') && pinned(line).is_none())
}

fn path_with(bin: &Path) -> OsString {
    let present = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&present));
    std::env::join_paths(folders).unwrap_or(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_an_exact_version() {
        for (list, first) in [
            ("# a note\n\nawscli==1.46.3\nPyYAML==6.0.4\n", None),
            ("awscli==1.46.3\nboto3>=1\n", Some("boto3>=1")),
            ("awscli\n", Some("awscli")),
            ("awscli==\n", Some("awscli==")),
            ("awscli==1.*\n", Some("awscli==1.*")),
            ("--index-url https://example.org\n", Some("--index-url https://example.org")),
        ] {
            assert_eq!(unpinned(list), first, "{list}");
        }
    }

    #[test]
    fn the_lists_are_there_and_pinned() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/tools");
        for tool in [CARGO_LAMBDA, SAM, AWS_CLI, MINISTACK] {
            let list = std::fs::read_to_string(folder.join(format!("{}.txt", tool.0))).unwrap();
            assert_eq!(unpinned(&list), None, "{}", tool.0);
            assert!(list.contains("=="), "{} is empty", tool.0);
        }
    }

    #[test]
    fn an_environment_is_made_again_when_its_list_changes_or_it_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("tool");
        assert!(!is_current(&venv, "a==1"), "there is none yet");
        std::fs::create_dir_all(venv.join("bin")).unwrap();
        std::fs::write(venv.join("bin/python"), "").unwrap();
        assert!(!is_current(&venv, "a==1"), "it is half made");
        std::fs::write(stamp_of(&venv), "a==1").unwrap();
        assert!(is_current(&venv, "a==1"));
        assert!(!is_current(&venv, "a==2"), "the list changed");
        std::fs::remove_file(venv.join("bin/python")).unwrap();
        assert!(!is_current(&venv, "a==1"), "the Python that it was made with is gone");
    }

    #[test]
    fn an_old_python_is_refused() {
        for (said, suits) in
            [("3 11\n", true), ("3 13", true), ("4 0", true), ("3 10", false), ("2 7", false), ("", false)]
        {
            assert_eq!(python_suits(said), suits, "{said}");
        }
    }

    #[test]
    fn an_unpinned_list_is_refused_before_anything_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("infra/tools")).unwrap();
        std::fs::write(folder.path().join("infra/tools/sam.txt"), "aws-sam-cli\n").unwrap();
        let reason = ready(folder.path(), &folder.path().join("target"), SAM).unwrap_err();
        assert!(reason.contains("sam.txt") && reason.contains("aws-sam-cli"), "{reason}");
        assert!(!folder.path().join("target").exists());
    }

    #[test]
    fn commands_of_an_environment_come_first() {
        let path = path_with(Path::new("/some/venv/bin"));
        assert_eq!(std::env::split_paths(&path).next().unwrap(), Path::new("/some/venv/bin"));
        assert!(std::env::split_paths(&path).count() > 1);
    }
}
