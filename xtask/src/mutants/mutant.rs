//! The patches: a unified diff under a header of three fields.
//!
//! ```text
//! Rule: every member's inbox entry is open before a message is acknowledged.
//! Why: a sync of a settled entry does not ask the log, and so does not show the message.
//! Test: -p tidings-models --test visible -- a_quiet_conversation_is_opened_before_every_acknowledgement
//! ```
//!
//! A field may go on in the next line, indented.

use std::path::{Path, PathBuf};

use super::selection::Selection;

/// Where the patches lie, from the root.
const FOLDER: &str = "tests/mutants";

/// A patch that breaks a rule.
#[derive(Debug)]
pub(super) struct Mutant {
    /// The file's name without its ending.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The rule that it breaks.
    pub(super) rule: String,
    /// The test that must fail.
    pub(super) test: Selection,
}

/// Every patch, by name.
pub(super) fn read_all(root: &Path) -> Result<Vec<Mutant>, String> {
    let folder = root.join(FOLDER).canonicalize().map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut mutants = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| format!("{FOLDER}: {error}"))? {
        let path = entry.map_err(|error| format!("{FOLDER}: {error}"))?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            mutants.push(read(path)?);
        }
    }
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

fn read(path: PathBuf) -> Result<Mutant, String> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    let field = |key| field(&text, key).ok_or_else(|| format!("{FOLDER}/{name}.patch has no {key}"));
    field("Why:")?;
    let (rule, test) = (field("Rule:")?, field("Test:")?);
    let test = Selection::parse(&test).ok_or_else(|| format!("{FOLDER}/{name}.patch names no test: {test}"))?;
    Ok(Mutant { name, path, rule, test })
}

/// A field of the header, in one line.
fn field(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().take_while(|line| !line.starts_with("---")).skip_while(|line| !line.starts_with(key));
    let first = lines.next()?.strip_prefix(key)?.trim().to_owned();
    let rest = lines.take_while(|line| line.starts_with(' ')).map(str::trim);
    Some(std::iter::once(first.as_str()).chain(rest).collect::<Vec<_>>().join(" ")).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_header_is_read_in_its_fields() {
        let text = "Rule: one\n  and two\nWhy: three\nTest: -p x -- y\n\n--- a/f\n+++ b/f\nWhy: no field\n";
        assert_eq!(field(text, "Rule:").unwrap(), "one and two");
        assert_eq!(field(text, "Why:").unwrap(), "three");
        assert_eq!(field("Rule:\n--- a/f\nWhy: too late", "Rule:"), None);
        assert_eq!(field("Rule:\n--- a/f\nWhy: too late", "Why:"), None);
    }

    /// A tree that drifts away from its mutants would be noticed only where they are run.
    #[test]
    fn every_patch_applies_and_names_a_test_that_exists() {
        let root = Path::new("..");
        let mutants = read_all(root).unwrap();
        assert!(!mutants.is_empty());
        for Mutant { name, path, test, .. } in mutants {
            let check = Command::new("git").args(["apply", "--check"]).arg(path).current_dir(root).output().unwrap();
            assert!(check.status.success(), "{name}: {}", String::from_utf8_lossy(&check.stderr));
            let function = format!("fn {}(", test.name.rsplit("::").next().unwrap());
            let grep = Command::new("git")
                .args(["grep", "--quiet", "--untracked", "--fixed-strings", &function])
                .current_dir(root)
                .status();
            assert!(grep.unwrap().success(), "{name}: there is no `{function}`");
        }
    }
}
