//! What each target of the end-to-end suite lacks, by the names of the tests that need it: `tests/e2e/targets.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

/// Where it stands, from the root.
pub(crate) const FILE: &str = "tests/e2e/targets.toml";

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lacks {
    lacks: Vec<Lack>,
}

/// One thing that targets lack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lack {
    /// What it is.
    what: String,
    /// Why it is not there.
    because: String,
    /// Which targets lack it, by their names without what follows a colon.
    targets: Vec<String>,
    /// The tests that need it: `file::test`, or `file::*` for all of a file.
    tests: Vec<String>,
}

/// A test that is left out, and all there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LeftOut {
    /// Its file in `tests/e2e/tests`, which is also the name of its binary.
    pub(crate) file: String,
    /// Its name; `None` is all of the file.
    pub(crate) test: Option<String>,
}

impl Lacks {
    /// Reads the file.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let file = root.join(FILE);
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))
    }

    /// What this target leaves out.
    pub(crate) fn of(&self, target: &str) -> Result<BTreeSet<LeftOut>, String> {
        self.for_target(target).flat_map(|lack| &lack.tests).map(|name| LeftOut::named(name)).collect()
    }

    /// The same for people, a line each.
    pub(crate) fn explain(&self, target: &str) -> Vec<String> {
        let line = |lack: &Lack| format!("without {} ({}): {}", lack.what, lack.because, lack.tests.join(", "));
        self.for_target(target).map(line).collect()
    }

    fn for_target(&self, target: &str) -> impl Iterator<Item = &Lack> {
        self.lacks.iter().filter(move |lack| lack.targets.iter().any(|one| one == target))
    }
}

impl LeftOut {
    fn named(name: &str) -> Result<Self, String> {
        let (file, test) = name.split_once("::").ok_or_else(|| format!("{FILE}: {name:?} is not file::test"))?;
        let test = (test != "*").then(|| test.to_owned());
        Ok(Self { file: file.to_owned(), test })
    }

    /// As nextest's filter has it.
    pub(crate) fn filter(&self) -> String {
        match &self.test {
            Some(test) => format!("(binary(={}) and test(={test}))", self.file),
            None => format!("binary(={})", self.file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    fn sources() -> Vec<String> {
        let files = std::fs::read_dir(root().join("tests/e2e/tests")).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// A name with a slip of the pen in it would leave nothing out, and a test of another name would be silently gone.
    #[test]
    fn every_test_that_is_left_out_is_there() {
        let lacks = Lacks::read(root()).unwrap();
        for lack in &lacks.lacks {
            assert!(!lack.what.is_empty() && !lack.because.is_empty(), "{lack:?}");
            for target in &lack.targets {
                let known = super::super::names().chain([super::super::STAGE]).any(|name| name == target);
                assert!(known, "there is no target {target}");
            }
            for name in &lack.tests {
                let left_out = LeftOut::named(name).unwrap();
                let file = root().join(format!("tests/e2e/tests/{}.rs", left_out.file));
                let source = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{name}: there is no such file"));
                if let Some(test) = &left_out.test {
                    let is = format!("async fn {test}()");
                    assert!(source.contains(&is), "{name}: there is no such test");
                    // `cargo test` leaves out whatever is called so, in whichever file.
                    let others = sources().into_iter().filter(|source| source.contains(&is)).count();
                    assert_eq!(others, 1, "{name}: another file has a test of that name");
                }
            }
        }
    }

    #[test]
    fn names_become_filters() {
        let filter = |name| LeftOut::named(name).unwrap().filter();
        assert_eq!(filter("chat::one"), "(binary(=chat) and test(=one))");
        assert_eq!(filter("faults::*"), "binary(=faults)");
        assert!(LeftOut::named("chat").is_err());
    }

    #[test]
    fn a_target_lacks_what_names_it() {
        let text =
            "[[lacks]]\nwhat = \"faults\"\nbecause = \"nobody injects any\"\ntargets = [\"stage\"]\ntests = [\"a::b\"]";
        let lacks: Lacks = toml::from_str(text).unwrap();
        assert_eq!(lacks.of("stage").unwrap().len(), 1);
        assert_eq!(lacks.of("local").unwrap().len(), 0);
        assert_eq!(lacks.explain("stage"), ["without faults (nobody injects any): a::b"]);
    }
}
