//! What the machine must have, said before the first lane instead of in the middle of one.

use std::process::{Command, Stdio};

use crate::tools;

/// What a lane may need beyond cargo itself: the command that shows it, and how to get it.
const NEEDED: &[(&[&str], &str)] = &[
    (&["cc", "--version"], "a C compiler and linker: `apt-get install build-essential`, or Xcode's command line tools"),
    (&["git", "--version"], "git: `apt-get install git`, or Xcode's command line tools"),
    (&["cargo", "fmt", "--version"], "rustfmt: `rustup component add rustfmt`"),
    (&["python3", "-m", "venv", "--help"], "Python 3 with venv: `apt-get install python3-venv`"),
    (&["strip", "--version"], "binutils: `apt-get install binutils`, or Xcode's command line tools"),
    (&["cargo", "clippy", "--version"], "clippy: `rustup component add clippy`"),
];

/// One sentence for each thing that is missing.
pub(crate) fn missing() -> Vec<String> {
    let commands = NEEDED
        .iter()
        .filter(|(command, _)| !answers(command))
        .map(|(command, how)| format!("`{}` does not run. Needed is {how}", command.join(" ")));
    commands.chain(tools::check_python().err()).collect()
}

/// Whether cargo-nextest is installed.
pub(crate) fn has_nextest() -> bool {
    answers(&["cargo", "nextest", "--version"])
}

fn answers(command: &[&str]) -> bool {
    let [program, args @ ..] = command else { return false };
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
