//! `cargo xtask mutants`: breaks one rule at a time and expects the test that guards it to fail.
//!
//! A test that passes proves little until one has seen it fail. Each patch in `tests/mutants` breaks one rule and
//! names one test. All named tests must pass on the tree as it is; with its patch applied, each must fail. What does
//! not compile, does not apply, or runs for ever proves nothing and counts as survived.

mod copy;
mod mutant;
mod selection;

use std::path::Path;
use std::time::{Duration, Instant};

use self::copy::Copy;
use self::mutant::Mutant;
use self::selection::{Built, MISSED, Outcome, SHRUNK, Selection};
use crate::say;

/// What became of a mutant.
struct Report<'a> {
    mutant: &'a Mutant,
    /// What the test said, or why the mutant survived.
    result: Result<String, String>,
    took: Duration,
}

/// Prints what there is.
pub(crate) fn list(root: &Path) -> Result<bool, String> {
    for mutant in mutant::read_all(root)? {
        say::line(&format!("{}\n  rule: {}\n  test: {}", mutant.name, mutant.rule, mutant.test));
    }
    Ok(true)
}

/// Runs the mutants with these names, all if there are none; whether each was caught.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<bool, String> {
    let all = mutant::read_all(root)?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|mutant| mutant.name != **name)) {
        return Err(format!("there is no tests/mutants/{unknown}.patch"));
    }
    let chosen: Vec<_> = all.iter().filter(|mutant| names.is_empty() || names.contains(&mutant.name)).collect();
    let copy = Copy::of(root)?;

    say::heading(&format!("the tests that guard {} rules, on the tree as it is", chosen.len()));
    let broken = guards_that_fail(&copy, &chosen)?;
    if !broken.is_empty() {
        return Err(format!("these must pass before a mutant can prove anything: {}", broken.join(", ")));
    }
    say::heading("one rule broken at a time");
    let mut reports = Vec::new();
    for mutant in chosen {
        let start = Instant::now();
        let result = try_one(&copy, mutant);
        let report = Report { mutant, result, took: start.elapsed() };
        say::line(&report.line());
        reports.push(report);
    }
    Ok(summarise(&reports))
}

/// The named tests that do not pass unmutated.
fn guards_that_fail(copy: &Copy, mutants: &[&Mutant]) -> Result<Vec<String>, String> {
    let mut selections: Vec<&Selection> = mutants.iter().map(|mutant| &mutant.test).collect();
    selections.sort();
    selections.dedup();
    let mut broken = Vec::new();
    for group in selections.chunk_by(|one, other| one.cargo == other.cargo) {
        let built = match group.first() {
            Some(first) => first.build(copy)?,
            None => continue,
        };
        let Built::Test(binary) = built else { return Err(format!("{}: {built:?}", group[0].cargo.join(" "))) };
        for test in group {
            if binary.run(&test.name)? != Outcome::Passed {
                broken.push(test.to_string());
            }
        }
    }
    Ok(broken)
}

/// Whether a model failed only because its world has shrunk: then no law was broken, and the rule is not guarded.
fn lost_states_alone(said: &str) -> bool {
    [SHRUNK, MISSED].iter().any(|prefix| said.starts_with(prefix))
}

/// What the failing test said, or why the mutant survived.
fn try_one(copy: &Copy, mutant: &Mutant) -> Result<String, String> {
    let applied = copy.apply(&mutant.path)?;
    let result = mutant.test.build(copy).and_then(|built| match built {
        Built::Test(binary) => match binary.run(&mutant.test.name)? {
            Outcome::Failed(said) if lost_states_alone(&said) => Err(said),
            Outcome::Failed(said) => Ok(said),
            Outcome::Passed => Err("the test passes".to_owned()),
            Outcome::TimedOut => Err("the test does not end".to_owned()),
            Outcome::NotRun => Err("there is no such test".to_owned()),
        },
        Built::DoesNotCompile(error) => Err(format!("does not compile: {error}")),
    });
    applied.revert()?;
    result
}

impl Report<'_> {
    fn line(&self) -> String {
        let (verdict, what) = match &self.result {
            Ok(said) => ("caught  ", said),
            Err(why) => ("SURVIVED", why),
        };
        format!("{verdict} {:>4.0} s  {:<36} {what}", self.took.as_secs_f64(), self.mutant.name)
    }
}

/// Prints the table; whether all were caught.
fn summarise(reports: &[Report<'_>]) -> bool {
    say::heading("mutants");
    say::line("mutant                               seconds  caught by");
    for report in reports {
        let by = if report.result.is_ok() { report.mutant.test.name.as_str() } else { "NOTHING" };
        say::line(&format!("{:<36} {:>7.0}  {by}", report.mutant.name, report.took.as_secs_f64()));
    }
    let survived: Vec<_> = reports.iter().filter(|report| report.result.is_err()).collect();
    say::line("");
    for report in &survived {
        say::error(&format!("{} survived. Rule: {}", report.mutant.name, report.mutant.rule));
    }
    if survived.is_empty() {
        say::line(&format!("All {} mutants were caught.", reports.len()));
    }
    survived.is_empty()
}
