//! The program itself, as a person starts it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A program that runs.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// What it said up to the line that says ready.
    pub(crate) said: Vec<String>,
    pub(crate) api: String,
}

impl Program {
    /// `-TERM`, `-KILL` ...
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Program {
    /// A test that fails leaves nothing behind either.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How it is started with the functions in a folder.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings-local"));
    command
        .arg("--functions")
        .arg(folder.join("functions"))
        .arg("--binaries")
        .arg(folder.join("binaries"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Starts it and reads what it says up to the line that says ready.
pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Program {
    let child = program(folder, arguments).spawn().unwrap();
    let mut program = Program { child, said: Vec::new(), api: String::new() };
    let mut output = BufReader::new(program.child.stdout.take().unwrap());
    while program.api.is_empty() {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended: {:?}", program.said);
        let line = line.trim_end();
        program.api = line.strip_prefix("ready ").unwrap_or_default().to_owned();
        program.said.push(line.to_owned());
    }
    // Whatever else it says goes nowhere, but the pipe stays open.
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    program
}
