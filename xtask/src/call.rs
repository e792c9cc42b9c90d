//! Other programs, called so that an error names the step and what to do about it.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

/// Runs a command, with its output where ours goes. It cannot ask anything.
pub(crate) fn run(command: &mut Command, step: &str, advice: &str) -> Result<(), String> {
    run_with(command, Stdio::null(), step, advice)
}

/// The same for a command that may ask the person something.
pub(crate) fn run_in_dialogue(command: &mut Command, step: &str, advice: &str) -> Result<(), String> {
    run_with(command, Stdio::inherit(), step, advice)
}

/// Runs a command with its output where ours goes; whether it succeeded.
pub(crate) fn status(command: &mut Command, step: &str, advice: &str) -> Result<bool, String> {
    let status = command.stdin(Stdio::null()).status();
    status.map(|status| status.success()).map_err(|error| complain(command, step, &error.to_string(), advice))
}

fn run_with(command: &mut Command, input: Stdio, step: &str, advice: &str) -> Result<(), String> {
    let status = command.stdin(input).status();
    let status = status.map_err(|error| complain(command, step, &error.to_string(), advice))?;
    if status.success() { Ok(()) } else { Err(complain(command, step, &status.to_string(), advice)) }
}

/// Runs a command, and returns what it prints.
pub(crate) fn ask(command: &mut Command, step: &str, advice: &str) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    answer(command, output, step, advice)
}

/// The same for a command that reads something.
pub(crate) fn ask_with(command: &mut Command, input: &str, step: &str, advice: &str) -> Result<String, String> {
    let output =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().and_then(|mut child| {
            // Closed with the end of this, which is how the command sees that there is no more.
            if let Some(mut pipe) = child.stdin.take() {
                pipe.write_all(input.as_bytes())?;
            }
            child.wait_with_output()
        });
    answer(command, output, step, advice)
}

fn answer(command: &Command, output: io::Result<Output>, step: &str, advice: &str) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        output.map_err(|error| complain(command, step, &error.to_string(), advice))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        let why = if said.trim().is_empty() { status.to_string() } else { format!("{status}: {}", said.trim()) };
        return Err(complain(command, step, &why, advice));
    }
    String::from_utf8(stdout).map_err(|_| complain(command, step, "it printed no text", advice))
}

fn complain(command: &Command, step: &str, why: &str, advice: &str) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program);
    let first = command.get_args().take(3).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    format!("{step} failed: `{name} {first} ...`: {why}\n  {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_step_the_command_the_reason_and_what_to_do() {
        let reason =
            ask(Command::new("sh").args(["-c", "echo no such bucket >&2; exit 3"]), "copying", "make one").unwrap_err();
        for part in ["copying failed", "sh -c", "exit status: 3", "no such bucket", "make one"] {
            assert!(reason.contains(part), "{part:?} is not in {reason}");
        }
        let reason = run(&mut Command::new("/nowhere/aws"), "copying", "install it").unwrap_err();
        assert!(reason.contains("`aws ") && reason.contains("install it"), "{reason}");
    }

    #[test]
    fn what_a_command_prints_is_returned() {
        assert_eq!(ask_with(&mut Command::new("cat"), "seed", "asking", ""), Ok("seed".to_owned()));
        assert_eq!(ask(Command::new("echo").arg("3 11"), "asking", ""), Ok("3 11\n".to_owned()));
    }
}
