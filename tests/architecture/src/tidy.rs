//! What a tidy tree is: files that can be read in one sitting, nothing that only means something on one machine,
//! and functions that are as small as they claim.

use std::path::Path;

/// A text file of the repository.
#[derive(Clone, Debug)]
pub struct File {
    /// From the root, with forward slashes.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Longest Rust file, in lines.
pub const LINES_MAX: usize = 600;

/// Longest `main.rs` of a function, in lines: config -> adapters -> use case -> run.
pub const MAIN_LINES_MAX: usize = 30;

/// Every invariant of the design.
pub const INVARIANTS: &[&str] =
    &["ACK-1", "ORD-1", "IDEM-1", "HINT-1", "MONO-1", "MEET-1", "SEE-1", "KEY-1", "COST-1", "BAD-1"];

/// All text files below `root`, sorted, without what `.gitignore` names.
pub fn files(root: &Path) -> std::io::Result<Vec<File>> {
    let ignored = std::fs::read_to_string(root.join(".gitignore"))?;
    let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).filter(|line| !line.is_empty()).collect();
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == ".git" || ignored.iter().any(|pattern| is_ignored(pattern, &name)) {
                continue;
            }
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The two forms that our `.gitignore` uses: a name, and `*` with an ending.
fn is_ignored(pattern: &str, name: &str) -> bool {
    pattern.strip_prefix('*').map_or(pattern == name, |ending| name.ends_with(ending))
}

/// Rust files that are too long to be read in one sitting.
pub fn too_long(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "rs"))
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path} has {lines} lines, more than {LINES_MAX}: split it by topic"))
        .collect()
}

/// Words that mean something on one machine alone, or pin us to one registry. Written in two halves, because this
/// file is looked at, too.
const WORDS: &[(&str, &str, &str)] = &[
    ("/ro", "ot/", "a path of somebody's machine"),
    ("/wo", "rk/", "a path of somebody's machine"),
    ("/Use", "rs/", "a path of somebody's machine"),
    ("crates", ".io", "a registry's host"),
    ("npm", "js.", "a registry's host"),
    ("pypi", ".org", "a registry's host"),
    ("python", "hosted", "a registry's host"),
];

/// Lines that say what does not belong into a repository.
pub fn out_of_place(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let what = WORDS
                .iter()
                .find(|(one, half, _)| line.contains(&format!("{one}{half}")) && !is_lock(file))
                .map(|(_, _, what)| *what)
                .or_else(|| leaves_the_tree(file, line).then_some("a path out of the repository"));
            if let Some(what) = what {
                found.push(format!("{}:{}: {what}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    found
}

/// Cargo itself writes the registry's address into its lock.
fn is_lock(file: &File) -> bool {
    file.path == "Cargo.lock"
}

/// Whether a line names the folder `shared` that lies beside the repository, and not our own: the path must go up
/// exactly as far as the file lies deep.
fn leaves_the_tree(file: &File, line: &str) -> bool {
    let depth = file.path.matches('/').count();
    line.match_indices(&["..", "/shared"].concat()).any(|(at, _)| {
        let mut before = &line[..at];
        let mut up = 1;
        while let Some(rest) = before.strip_suffix("../") {
            before = rest;
            up += 1;
        }
        up != depth
    })
}

/// KEY-1: request paths that scan a table.
pub fn scans(files: &[File]) -> Vec<String> {
    let ours = |file: &&File| {
        let within = |folder: &str| file.path.starts_with(folder);
        (within("shared/") || within("functions/")) && !file.path.contains("/tests/")
    };
    let scan = |line: &str| line.contains(".scan()") || line.contains("scan_table");
    let scanning = |file: &File| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| scan(line));
        lines.map(|(index, _)| format!("{}:{} scans a table (KEY-1)", file.path, index + 1)).collect::<Vec<_>>()
    };
    files.iter().filter(ours).flat_map(scanning).collect()
}

/// A function's `main.rs` that is longer than wiring needs.
pub fn mains_too_long(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.path.starts_with("functions/") && file.path.ends_with("/src/main.rs"))
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > MAIN_LINES_MAX)
        .map(|(path, lines)| {
            format!("{path} has {lines} lines, more than {MAIN_LINES_MAX}: whatever decides belongs into a use case")
        })
        .collect()
}

/// What a page does not mention.
pub fn unmentioned<'a>(page: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().filter(|name| !page.contains(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_long_file_is_named() {
        let long = "x\n".repeat(LINES_MAX + 1);
        let found = too_long(&[file("a.rs", &long), file("a.json", &long), file("b.rs", "x\n")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs has 601 lines"), "{found:?}");
    }

    #[test]
    fn words_of_one_machine_are_found() {
        for (path, line, bad) in [
            ("README.md", ["see /wo", "rk/x"].concat(), true),
            ("README.md", ["see /ro", "ot/x"].concat(), true),
            ("README.md", ["from crates", ".io"].concat(), true),
            ("Cargo.lock", ["from crates", ".io"].concat(), false),
            ("README.md", ["see ..", "/shared/design.md"].concat(), true),
            ("clients/rust/src/lib.rs", ["at ../../..", "/shared/protocol"].concat(), false),
            ("clients/rust/Cargo.toml", ["path = \"../..", "/shared/protocol\""].concat(), false),
            ("clients/rust/Cargo.toml", ["path = \"../../..", "/shared/protocol\""].concat(), true),
            ("clients/rust/Cargo.toml", ["# see ..", "/shared/design.md"].concat(), true),
            ("xtask/Cargo.toml", ["..", "/shared/protocol"].concat(), false),
            ("README.md", "shared/protocol and a homework/x".to_owned(), false),
        ] {
            let found = out_of_place(&[file(path, &line)]);
            assert_eq!(!found.is_empty(), bad, "{path}: {line}: {found:?}");
        }
    }

    #[test]
    fn a_scan_is_found_where_requests_are_served() {
        let text = "self.client\n    .scan()\n";
        assert_eq!(scans(&[file("shared/infrastructure/dynamodb/src/log.rs", text)]).len(), 1);
        assert_eq!(scans(&[file("shared/infrastructure/dynamodb/src/log.rs", "self.client.query()")]).len(), 0);
        assert_eq!(scans(&[file("tests/e2e/tests/chat.rs", text)]).len(), 0);
    }

    #[test]
    fn a_main_is_wiring() {
        let text = "x\n".repeat(MAIN_LINES_MAX + 1);
        assert_eq!(mains_too_long(&[file("functions/send/src/main.rs", &text)]).len(), 1);
        assert_eq!(mains_too_long(&[file("localstack/cloud/src/main.rs", &text)]).len(), 0);
    }

    #[test]
    fn ignored_files_are_not_looked_at() {
        for (pattern, name, ignored) in
            [("target", "target", true), ("target", "targets", false), ("*.log", "a.log", true)]
        {
            assert_eq!(is_ignored(pattern, name), ignored, "{pattern} {name}");
        }
    }
}
