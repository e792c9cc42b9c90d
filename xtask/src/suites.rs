//! Which command runs which tests.
//!
//! The whole workspace is selected in every case, so that nothing is built again (see [`crate::lanes`]).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::lanes::{OWN_LANE, SUITE, Tests};
use crate::target::LeftOut;

/// The test targets of the workspace.
pub(crate) struct TestTargets(Vec<TestTarget>);

struct TestTarget {
    package: String,
    name: String,
}

impl TestTargets {
    /// Asks cargo.
    pub(crate) fn read(root: &Path) -> Result<(Self, String), String> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("cargo metadata answered no JSON: {error}"))?;
        let target_folder = text(&metadata["target_directory"]);
        Ok((Self::from_metadata(&metadata), target_folder))
    }

    fn from_metadata(metadata: &Value) -> Self {
        let mut targets = Vec::new();
        for package in list(&metadata["packages"]) {
            for target in list(&package["targets"]) {
                if list(&target["kind"]).iter().any(|kind| kind == "test") {
                    targets.push(TestTarget { package: text(&package["name"]), name: text(&target["name"]) });
                }
            }
        }
        Self(targets)
    }

    /// The command that runs `tests`, or why there is none.
    pub(crate) fn command(&self, tests: Tests, nextest: bool) -> Result<Vec<String>, String> {
        let wanted: Vec<_> = self.0.iter().filter(|target| tests.include(&target.package)).collect();
        if let Tests::Package(package) = tests
            && wanted.is_empty()
        {
            return Err(format!("the workspace has no package {package} with tests"));
        }
        if nextest {
            // A regular expression, because nextest takes a plain name that matches nothing for a mistake.
            let own = OWN_LANE.join("|");
            let filter = match tests {
                Tests::Unit => format!("not package(/^({own})$/)"),
                Tests::Package(package) => format!("package(/^{package}$/)"),
            };
            return Ok(owned(&["cargo", "nextest", "run", "--locked", "--workspace", "-E", &filter]));
        }
        let mut command = owned(&["cargo", "test", "--locked", "--workspace", "--no-fail-fast"]);
        if tests == Tests::Unit {
            command.extend(owned(&["--lib", "--bins"]));
        }
        for target in wanted {
            command.extend(owned(&["--test", &target.name]));
        }
        Ok(command)
    }
}

impl TestTargets {
    /// The command that runs the end-to-end suite without some of its tests.
    pub(crate) fn suite(&self, left_out: &BTreeSet<LeftOut>, nextest: bool) -> Vec<String> {
        if nextest {
            let mut filter = format!("package(/^{SUITE}$/)");
            if !left_out.is_empty() {
                let filters: Vec<_> = left_out.iter().map(LeftOut::filter).collect();
                filter = format!("{filter} and not ({})", filters.join(" or "));
            }
            return owned(&["cargo", "nextest", "run", "--locked", "--workspace", "-E", &filter]);
        }
        let mut command = owned(&["cargo", "test", "--locked", "--workspace", "--no-fail-fast"]);
        let whole = |name: &str| left_out.iter().any(|one| one.file == name && one.test.is_none());
        for target in self.0.iter().filter(|target| target.package == SUITE && !whole(&target.name)) {
            command.extend(owned(&["--test", &target.name]));
        }
        let tests: Vec<_> = left_out.iter().filter_map(|one| one.test.as_deref()).collect();
        if !tests.is_empty() {
            // Whole names: a part of one would leave out others.
            command.extend(owned(&["--", "--exact"]));
            command.extend(tests.into_iter().flat_map(|test| owned(&["--skip", test])));
        }
        command
    }
}

impl Tests {
    fn include(self, package: &str) -> bool {
        match self {
            Self::Unit => !OWN_LANE.contains(&package),
            Self::Package(name) => name == package,
        }
    }
}

/// The command that runs the examples in the documentation.
pub(crate) fn doc_tests() -> Vec<String> {
    owned(&["cargo", "test", "--locked", "--workspace", "--no-fail-fast", "--doc"])
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn targets(e2e: bool) -> TestTargets {
        let mut packages = vec![json!({ "name": "tidings-domain", "targets": [
            { "name": "tidings_domain", "kind": ["lib"] },
            { "name": "laws", "kind": ["test"] },
        ]})];
        if e2e {
            packages.push(json!({ "name": "tidings-e2e", "targets": [{ "name": "chat", "kind": ["test"] }] }));
        }
        TestTargets::from_metadata(&json!({ "packages": packages }))
    }

    #[test]
    fn the_whole_workspace_is_always_selected() {
        for tests in [Tests::Unit, Tests::Package("tidings-e2e")] {
            for nextest in [true, false] {
                let command = targets(true).command(tests, nextest).unwrap();
                assert!(command.contains(&"--workspace".to_owned()), "{command:?}");
                assert!(!command.contains(&"-p".to_owned()), "{command:?}");
            }
        }
    }

    #[test]
    fn without_nextest_each_lane_names_its_own_targets() {
        let unit = targets(true).command(Tests::Unit, false).unwrap().join(" ");
        assert!(unit.ends_with("--lib --bins --test laws"), "{unit}");
        let own = targets(true).command(Tests::Package("tidings-e2e"), false).unwrap().join(" ");
        assert!(own.ends_with("--no-fail-fast --test chat"), "{own}");
    }

    #[test]
    fn tests_that_a_target_lacks_are_left_out() {
        let one = |file: &str, test: Option<&str>| LeftOut { file: file.to_owned(), test: test.map(str::to_owned) };
        let left_out = BTreeSet::from([one("chat", Some("away")), one("faults", None)]);
        let filter = targets(true).suite(&left_out, true).pop().unwrap();
        assert_eq!(filter, "package(/^tidings-e2e$/) and not ((binary(=chat) and test(=away)) or binary(=faults))");
        assert_eq!(targets(true).suite(&BTreeSet::new(), true).pop().unwrap(), "package(/^tidings-e2e$/)");
        let plain = targets(true).suite(&left_out, false).join(" ");
        assert!(plain.ends_with("--test chat -- --exact --skip away"), "{plain}");
        let plain = targets(true).suite(&BTreeSet::from([one("chat", None)]), false).join(" ");
        assert!(plain.ends_with("--no-fail-fast"), "{plain}");
    }

    #[test]
    fn a_lane_without_tests_says_so() {
        let reason = targets(false).command(Tests::Package("tidings-e2e"), true).unwrap_err();
        assert!(reason.contains("tidings-e2e"), "{reason}");
    }
}
