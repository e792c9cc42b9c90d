//! `cargo xtask new`: begins an action or a function, and says what remains to do.

use std::path::Path;
use std::process::Command;

use crate::say;

/// A new action: its file in the protocol, and its lines in the table.
pub(crate) fn action(root: &Path, name: &str, function: &str) -> Result<bool, String> {
    let names = Names::of(name)?;
    is_word(function, "a function")?;
    if !root.join("functions").join(function).is_dir() {
        return Err(format!("there is no functions/{function}; `cargo xtask new function {function}` begins it"));
    }
    let folder = root.join("shared/protocol/src/actions");
    let file = folder.join(format!("{}.rs", names.module));
    if file.exists() {
        return Err(format!("{} exists already", file.display()));
    }
    let table = folder.join("mod.rs");
    let source = read(&table)?;
    let changed = with_action(&source, name, function, &names)?;
    write(&file, &action_file(name, &names))?;
    write(&table, &changed)?;
    format(root, &[&file, &table])?;
    say::line(&format!(
        "Begun: `{name}`, served by functions/{function}. It compiles. What remains:\n\
         \x20 1. shared/protocol/src/actions/{module}.rs: fields of request and reply, and one example of each.\n\
         \x20 2. shared/protocol/src/actions/mod.rs: its line in the table - permission, summary, budget.\n\
         \x20 3. shared/application: the use case, tested against fakes.\n\
         \x20 4. functions/{function}/src: one line that hands `{name}` to the use case; its ports in function.toml.\n\
         \x20 5. tests/e2e/tests/cost.rs: the case that its budget is for. The test asks for it.\n\
         \x20 6. cargo xtask generate, and commit what it writes.",
        module = names.module,
    ));
    Ok(true)
}

/// A new function: its folder.
pub(crate) fn function(root: &Path, name: &str) -> Result<bool, String> {
    is_word(name, "a function")?;
    let folder = root.join("functions").join(name);
    if folder.exists() {
        return Err(format!("{} exists already", folder.display()));
    }
    write(&folder.join("Cargo.toml"), &function_package(name))?;
    write(&folder.join("function.toml"), FUNCTION_MANIFEST)?;
    write(&folder.join("src/main.rs"), FUNCTION_MAIN)?;
    say::line(&format!(
        "Begun: functions/{name}. It compiles and does nothing. What remains:\n\
         \x20 1. function.toml: description, memory, time-out, what triggers it, and the ports that it uses.\n\
         \x20 2. What reaches it: a row in shared/protocol/src/actions/mod.rs (`cargo xtask new action ... --function\n\
         \x20    {name}`) or http/mod.rs, or a queue in function.toml. A test names functions that nothing reaches.\n\
         \x20 3. src/main.rs, at most 30 lines: settings -> adapters -> use case -> run. The other functions show how.\n\
         \x20 4. shared/metrics/src/table.rs: its name among those who count cold starts and refusals. A test asks for it.\n\
         \x20 5. ARCHITECTURE.md: one line. A test names crates that it does not mention.\n\
         \x20 6. tests/e2e/tests/roles.rs: one of its rights, and what fails without it. The test asks for it.\n\
         \x20 7. cargo xtask generate, and commit what it writes: the template deploys the function.",
    ));
    Ok(true)
}

/// An action's name in the forms that code needs.
struct Names {
    /// `message_send`.
    module: String,
    /// `MessageSend`.
    request: String,
}

impl Names {
    fn of(action: &str) -> Result<Self, String> {
        let parts: Vec<_> = action.split(['.', '_']).collect();
        let lower = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
        if !parts.iter().all(lower) {
            return Err(format!("{action:?} is no name of an action: small letters, parts joined by `.` or `_`"));
        }
        let capital = |part: &&str| format!("{}{}", part[..1].to_ascii_uppercase(), &part[1..]);
        Ok(Self { module: parts.join("_"), request: parts.iter().map(capital).collect() })
    }
}

fn is_word(name: &str, what: &str) -> Result<(), String> {
    let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if good { Ok(()) } else { Err(format!("{name:?} is no name of {what}: small letters and `-`")) }
}

fn action_file(action: &str, names: &Names) -> String {
    let request = &names.request;
    format!(
        r##"//! `{action}`: what it does, in one line.

use schemars::JsonSchema;
use serde::{{Deserialize, Serialize}};

/// A request and the reply that answers it.
pub(super) const EXAMPLES: &[(&str, &str)] = &[(r#"{{"action":"{action}","id":"1"}}"#, r#"{{"reply":"1","ok":{{}}}}"#)];

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct {request} {{}}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct {request}Reply {{}}
"##
    )
}

/// The table's file with the module, the types and the row of a new action.
fn with_action(source: &str, action: &str, function: &str, names: &Names) -> Result<String, String> {
    let Names { module, request } = names;
    if source.contains(&format!("\"{action}\"")) {
        return Err(format!("the table has {action} already"));
    }
    let row = format!(
        "    \"{action}\" in \"{function}\": Reply({request} -> {request}Reply, {module}), SignedIn,\n        \
         \"What it does.\",\n        [\"any\", gateway 2, write 0, read 0, calls 1, queue 0];\n"
    );
    // Where exactly does not matter within a block: rustfmt sorts modules and uses.
    let source = before(source, "pub mod ", &format!("pub mod {module};\n"))?;
    let source = before(&source, "pub use ", &format!("pub use {module}::{{{request}, {request}Reply}};\n"))?;
    let table = source.find("\nactions! {\n").ok_or("the table `actions! { ... }` is not where it was")?;
    let end = source[table..].find("\n}\n").ok_or("the table `actions! { ... }` does not end")? + table + 1;
    Ok(format!("{}{row}{}", &source[..end], &source[end..]))
}

/// The text with a line put before the first line that begins with `anchor`.
fn before(text: &str, anchor: &str, line: &str) -> Result<String, String> {
    let at = text.find(&format!("\n{anchor}")).ok_or_else(|| format!("no line begins with `{anchor}`"))? + 1;
    Ok(format!("{}{line}{}", &text[..at], &text[at..]))
}

fn function_package(name: &str) -> String {
    format!(
        "[package]\nname = \"tidings-fn-{name}\"\nversion.workspace = true\nedition.workspace = true\n\
         rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n\
         [[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\n\n[lints]\nworkspace = true\n"
    )
}

const FUNCTION_MANIFEST: &str = "description = \"What it does\"\nmemory_mb = 256\ntimeout_s = 10\n\
    trigger = \"websocket\"\nports = []\n";

const FUNCTION_MAIN: &str = "//! What it does, in one line.\n\nfn main() {}\n";

fn format(root: &Path, files: &[&Path]) -> Result<(), String> {
    let status = Command::new("rustfmt").args(["--edition", "2024"]).args(files).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("rustfmt ended with {status}")),
        Err(error) => Err(format!("rustfmt: {error}")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The real table: when its form changes, this fails and not somebody's `cargo xtask new`.
    const TABLE: &str = include_str!("../../shared/protocol/src/actions/mod.rs");

    #[test]
    fn an_action_gets_a_module_a_use_and_a_row() {
        let names = Names::of("message.recall").unwrap();
        let changed = with_action(TABLE, "message.recall", "message", &names).unwrap();
        for line in [
            "\npub mod message_recall;\n",
            "\npub use message_recall::{MessageRecall, MessageRecallReply};\n",
            "\n    \"message.recall\" in \"message\": Reply(MessageRecall -> MessageRecallReply, message_recall), SignedIn,\n",
        ] {
            assert_eq!(changed.matches(line).count(), 1, "{line}");
        }
        let table = changed.find("\nactions! {").unwrap();
        let row = changed.find("\"message.recall\" in").unwrap();
        assert!(table < row && row < changed.find("pub fn action(").unwrap(), "the row is inside the table");
    }

    #[test]
    fn what_cannot_be_begun_is_refused() {
        assert!(with_action(TABLE, "message.send", "send", &Names::of("message.send").unwrap()).is_err());
        for bad in ["Message", "message..send", "message send", "", "message.send2"] {
            assert!(Names::of(bad).is_err(), "{bad}");
        }
        for bad in ["", "../x", "Send"] {
            assert!(is_word(bad, "a function").is_err(), "{bad}");
        }
    }

    #[test]
    fn the_manifest_of_a_new_function_has_every_field() {
        for field in ["description", "memory_mb", "timeout_s", "trigger", "ports"] {
            assert!(FUNCTION_MANIFEST.contains(&format!("{field} = ")), "{field}");
        }
    }
}
