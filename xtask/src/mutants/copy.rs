//! The copy of the tree in which rules are broken. It keeps its own target folder, so that neither build disturbs the
//! other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the copy and what is built of it lie, from the root.
const FOLDER: &str = "target/mutants";

/// The copy.
#[derive(Debug)]
pub(super) struct Copy {
    /// The tree that it is a copy of.
    original: PathBuf,
    /// Its own root.
    pub(super) root: PathBuf,
    /// What is built of it.
    pub(super) target: PathBuf,
}

/// A patch that is applied: what the files said before.
#[derive(Debug)]
pub(super) struct Applied(Vec<(PathBuf, Vec<u8>)>);

impl Copy {
    /// Copies every file that git tracks or would add. What has not changed since the last time is left alone, so
    /// that cargo does not build it again.
    pub(super) fn of(root: &Path) -> Result<Self, String> {
        let original = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        let copy =
            Self { root: original.join(FOLDER).join("tree"), target: original.join(FOLDER).join("target"), original };
        let listed = git(&copy.original, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let files: BTreeSet<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        for file in &files {
            copy.take_over(file)?;
        }
        copy.forget_others(Path::new(""), &files)?;
        Ok(copy)
    }

    /// Makes one file what it is in the original.
    fn take_over(&self, file: &Path) -> Result<(), String> {
        let (from, to) = (self.original.join(file), self.root.join(file));
        let explain = |error: std::io::Error| format!("cannot copy {}: {error}", file.display());
        if !from.is_file() {
            // Tracked and deleted, but not committed yet.
            return if to.is_file() { std::fs::remove_file(&to).map_err(explain) } else { Ok(()) };
        }
        let text = std::fs::read(&from).map_err(explain)?;
        if std::fs::read(&to).is_ok_and(|there| there == text) {
            return Ok(());
        }
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(explain)?;
        }
        std::fs::write(&to, text).map_err(explain)
    }

    /// Deletes what the original does not have any more.
    fn forget_others(&self, folder: &Path, files: &BTreeSet<PathBuf>) -> Result<(), String> {
        let explain = |error: std::io::Error| format!("cannot tidy {}: {error}", folder.display());
        for entry in std::fs::read_dir(self.root.join(folder)).map_err(explain)? {
            let entry = entry.map_err(explain)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().map_err(explain)?.is_dir() {
                self.forget_others(&path, files)?;
            } else if !files.contains(&path) {
                std::fs::remove_file(entry.path()).map_err(explain)?;
            }
        }
        Ok(())
    }

    /// Applies a patch.
    pub(super) fn apply(&self, patch: &Path) -> Result<Applied, String> {
        let patch = patch.to_string_lossy();
        let touched = git(&self.root, &["apply", "--numstat", "-z", &patch])?;
        let mut before = Vec::new();
        for name in touched.split('\0').filter_map(|line| line.split('\t').nth(2)) {
            let path = self.root.join(name);
            let text = std::fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
            before.push((path, text));
        }
        git(&self.root, &["apply", &patch]).map_err(|error| format!("does not apply: {error}"))?;
        Ok(Applied(before))
    }
}

impl Applied {
    /// Makes everything again what it was. Not from the original, which somebody may be working on.
    pub(super) fn revert(self) -> Result<(), String> {
        let restore = |(path, text): (PathBuf, Vec<u8>)| {
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        self.0.into_iter().try_for_each(restore)
    }
}

/// Runs git in a folder, without looking for a repository above [`FOLDER`]: in a subfolder of one, `git apply` passes
/// over all files that lie elsewhere, without a word.
fn git(folder: &Path, args: &[&str]) -> Result<String, String> {
    let ceiling = folder.parent().unwrap_or(folder);
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CEILING_DIRECTORIES", ceiling)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_applied_and_reverted_and_the_copy_follows_the_original() {
        let root = std::env::temp_dir().join(format!("tidings-mutants-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        git(&root, &["init", "--quiet"]).unwrap();
        std::fs::write(root.join(".gitignore"), "target\n").unwrap();
        std::fs::write(root.join("rule"), "holds\n").unwrap();
        std::fs::write(root.join("old"), "old\n").unwrap();
        std::fs::write(root.join("m.patch"), "Rule: x\n--- a/rule\n+++ b/rule\n@@ -1 +1 @@\n-holds\n+broken\n")
            .unwrap();

        let copy = Copy::of(&root).unwrap();
        let read = |name: &str| std::fs::read_to_string(copy.root.join(name)).ok();
        assert_eq!(read("rule").unwrap(), "holds\n");
        let applied = copy.apply(&root.join("m.patch")).unwrap();
        assert_eq!(read("rule").unwrap(), "broken\n");
        assert!(copy.apply(&root.join("m.patch")).unwrap_err().contains("does not apply"));
        applied.revert().unwrap();
        assert_eq!(read("rule").unwrap(), "holds\n");

        std::fs::remove_file(root.join("old")).unwrap();
        std::fs::write(root.join("new"), "new\n").unwrap();
        Copy::of(&root).unwrap();
        assert_eq!((read("old"), read("new")), (None, Some("new\n".to_owned())));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
