//! Runs lanes: prints each command, passes its output on, counts tests, keeps time.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::counts::{Counts, Tool};
use crate::lanes::{Lane, RUN_MAX_MIN, Step};
use crate::suites::{TestTargets, doc_tests};
use crate::{environment, say};

/// Time that all lanes may take together.
const RUN_MAX: Duration = Duration::from_mins(RUN_MAX_MIN as u64);

/// How to run.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// A lane that cannot run fails.
    pub(crate) ci: bool,
    /// Run the other lanes after one failed.
    pub(crate) keep_going: bool,
    /// Use `cargo test` in any case.
    pub(crate) without_nextest: bool,
}

/// What became of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    /// There is nothing to run, and why.
    CannotRun(String),
    /// A lane before it failed.
    NotReached,
}

struct Report {
    lane: &'static Lane,
    outcome: Outcome,
    took: Duration,
    counts: Counts,
}

/// What steps need to become commands.
struct Context<'a> {
    root: &'a Path,
    targets: TestTargets,
    target_folder: String,
    nextest: bool,
    ci: bool,
}

/// Runs the lanes and prints the times; whether all is well.
pub(crate) fn run(root: &Path, lanes: &[&'static Lane], options: Options) -> Result<bool, String> {
    let missing = environment::missing();
    if !missing.is_empty() {
        return Err(format!("this machine lacks something:\n  {}", missing.join("\n  ")));
    }
    let nextest = !options.without_nextest && environment::has_nextest();
    if !nextest {
        let why = if options.without_nextest { "as asked" } else { "cargo-nextest is not installed" };
        say::line(&format!("Tests run with `cargo test`: {why}. The tests and the verdict are the same."));
    }
    let (targets, target_folder) = TestTargets::read(root)?;
    let context = Context { root, targets, target_folder, nextest, ci: options.ci };

    let mut reports: Vec<Report> = Vec::new();
    for lane in lanes {
        let failed = reports.iter().any(|report| report.is_failure(options.ci));
        let so_far: Duration = reports.iter().map(|report| report.took).sum();
        if so_far > RUN_MAX {
            let outcome = Outcome::Failed(format!("not begun: the lanes before it took {RUN_MAX_MIN} min"));
            reports.push(Report { lane, outcome, took: Duration::ZERO, counts: Counts::default() });
            continue;
        }
        if failed && !options.keep_going {
            reports.push(Report {
                lane,
                outcome: Outcome::NotReached,
                took: Duration::ZERO,
                counts: Counts::default(),
            });
            continue;
        }
        say::heading(&format!("{} (budget {} min): {}", lane.name, lane.budget_min, lane.shows));
        let report = context.run(lane, RUN_MAX.saturating_sub(so_far));
        match &report.outcome {
            Outcome::Failed(reason) => say::error(&format!("{}: {reason}", lane.name)),
            Outcome::CannotRun(reason) => say::warning(&format!("{} cannot run: {reason}", lane.name)),
            Outcome::Passed | Outcome::NotReached => {}
        }
        reports.push(report);
    }
    Ok(summarise(&reports, options.ci))
}

impl Context<'_> {
    fn run(&self, lane: &'static Lane, left: Duration) -> Report {
        let start = Instant::now();
        let until = start + left.min(Duration::from_secs(u64::from(lane.budget_min) * 120));
        let mut counts = Counts::default();
        let mut outcome = Outcome::Passed;
        for step in lane.steps {
            outcome = match self.command(step) {
                Err(reason) => Outcome::CannotRun(reason),
                Ok((variables, command)) => {
                    self.execute(variables, &command, (self.tool(step, &command), until), &mut counts)
                }
            };
            if outcome != Outcome::Passed {
                break;
            }
        }
        Report { lane, outcome, took: start.elapsed(), counts }
    }

    #[expect(clippy::type_complexity, reason = "a command and its variables, used once")]
    fn command(&self, step: &Step) -> Result<(&'static [(&'static str, &'static str)], Vec<String>), String> {
        let fill = |words: &[&str]| words.iter().map(|word| word.replace("{target}", &self.target_folder)).collect();
        match step {
            Step::Run(command) => Ok((&[], fill(command))),
            Step::RunWith(variables, command) => Ok((variables, fill(command))),
            Step::Tests(tests) => Ok((&[], self.targets.command(*tests, self.nextest)?)),
            Step::DocTests => Ok((&[], doc_tests())),
            Step::Suite(target) => {
                let mut command = vec!["cargo", "xtask", "test", "--target", target];
                if !self.nextest {
                    command.push("--without-nextest");
                }
                Ok((&[], fill(&command)))
            }
        }
    }

    /// Who writes the summaries of a step.
    fn tool(&self, step: &Step, command: &[String]) -> Tool {
        match step {
            Step::Suite(_) if self.nextest => Tool::Nextest,
            _ => Tool::of(command),
        }
    }

    fn execute(
        &self,
        variables: &[(&str, &str)],
        command: &[String],
        (tool, until): (Tool, Instant),
        counts: &mut Counts,
    ) -> Outcome {
        let typed: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        say::line(&format!("$ {}", [typed, command.iter().map(|word| quoted(word)).collect()].concat().join(" ")));
        let [program, args @ ..] = command else { return Outcome::Failed("an empty command".to_owned()) };
        let mut child = Command::new(program);
        child.args(args).current_dir(self.root).envs(variables.iter().copied());
        if say::to_a_person() {
            // Our pipe would make cargo think that nobody looks.
            child.env("CARGO_TERM_COLOR", "always");
        }
        if self.ci {
            // A machine that builds once gains nothing from incremental files, and they are gigabytes.
            child.env("CARGO_INCREMENTAL", "0");
            // So that it can be ended with all that it started. Not for a person, whose Ctrl-C would not reach it.
            child.process_group(0);
        }
        let mut child = match child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) => return Outcome::CannotRun(format!("{program}: {error}")),
        };
        let counted = Mutex::new(Counts::default());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let group = child.id();
        let (ended, ending) = channel::<()>();
        let mut in_time = true;
        std::thread::scope(|scope| {
            let limit = self.ci.then(|| scope.spawn(move || is_in_time(group, until, &ending)));
            let out = scope.spawn(|| out.map(|out| pass_on(out, std::io::stdout(), tool, &counted)));
            let err = scope.spawn(|| err.map(|err| pass_on(err, std::io::stderr(), tool, &counted)));
            // What reads them cannot fail but by a panic, which the scope passes on.
            drop((out.join(), err.join()));
            drop(ended);
            in_time = limit.is_none_or(|limit| limit.join().unwrap_or(true));
        });
        if let Ok(counted) = counted.into_inner() {
            *counts += counted;
        }
        match child.wait() {
            _ if !in_time => Outcome::Failed("ended: over twice its budget, or all lanes over theirs".to_owned()),
            Ok(status) if status.success() => Outcome::Passed,
            Ok(status) => Outcome::Failed(format!("{program} ended with {status}")),
            Err(error) => Outcome::Failed(format!("{program}: {error}")),
        }
    }
}

/// Waits for the end of a command; at its limit ends it, with its whole process group. Whether it was in time.
fn is_in_time(group: u32, until: Instant, ending: &Receiver<()>) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    if ending.recv_timeout(left) != Err(RecvTimeoutError::Timeout) {
        return true;
    }
    // The shell's own: not every machine has the program.
    drop(Command::new("sh").args(["-c", &format!("kill -s KILL -- -{group}")]).status());
    false
}

/// Passes each line on as it comes, and counts the summaries among them.
fn pass_on(from: impl Read, mut to: impl Write, tool: Tool, counted: &Mutex<Counts>) {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        // A closed pipe on our side must not stop the child: keep reading.
        drop(to.write_all(&line).and_then(|()| to.flush()));
        if let (Some(summary), Ok(mut counted)) = (Counts::read(tool, &String::from_utf8_lossy(&line)), counted.lock())
        {
            *counted += summary;
        }
        line.clear();
    }
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '(', '|', '$']) { format!("'{word}'") } else { word.to_owned() }
}

impl Report {
    fn budget(&self) -> Duration {
        Duration::from_secs(u64::from(self.lane.budget_min) * 60)
    }

    fn is_failure(&self, ci: bool) -> bool {
        match self.outcome {
            Outcome::Passed => self.took > self.budget() * 2,
            Outcome::Failed(_) => true,
            Outcome::CannotRun(_) => ci,
            Outcome::NotReached => false,
        }
    }

    fn verdict(&self) -> String {
        match &self.outcome {
            Outcome::Passed if self.took > self.budget() * 2 => "FAILED: over twice its budget".to_owned(),
            Outcome::Passed if self.took > self.budget() => "passed, over its budget".to_owned(),
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed(reason) => format!("FAILED: {reason}"),
            Outcome::CannotRun(reason) => format!("CANNOT RUN: {reason}"),
            Outcome::NotReached => "not reached".to_owned(),
        }
    }
}

/// Prints the table of times and the closing lines; whether all is well.
fn summarise(reports: &[Report], ci: bool) -> bool {
    say::heading("lanes");
    say::line("lane         minutes  budget   tests  result");
    for report in reports {
        let tests = report.counts.passed + report.counts.failed;
        say::line(&format!(
            "{:<11} {:>8.1} {:>7} {:>7}  {}",
            report.lane.name,
            report.took.as_secs_f64() / 60.0,
            report.lane.budget_min,
            if tests == 0 { "-".to_owned() } else { tests.to_string() },
            report.verdict(),
        ));
    }
    let names = |wanted: &dyn Fn(&Report) -> bool| {
        reports.iter().filter(|report| wanted(report)).map(|report| report.lane.name).collect::<Vec<_>>()
    };
    let failed = names(&|report| report.is_failure(ci));
    let unable = names(&|report| matches!(report.outcome, Outcome::CannotRun(_)));
    let minutes = reports.iter().map(|report| report.took).sum::<Duration>().as_secs_f64() / 60.0;
    let lanes = reports.len();
    say::line("");
    if !failed.is_empty() {
        say::error(&format!("failed: {} (after {minutes:.1} min)", failed.join(", ")));
    } else if unable.is_empty() {
        say::line(&format!("All {lanes} lanes passed in {minutes:.1} min."));
    } else {
        let passed = lanes - unable.len();
        say::warning(&format!(
            "{passed} of {lanes} lanes passed in {minutes:.1} min; not run: {}. In CI that is a failure.",
            unable.join(", ")
        ));
    }
    let total = total(reports, ci);
    say::line(&format!("{} passed, {} failed", total.passed, total.failed));
    failed.is_empty()
}

/// All tests. A lane that failed without a failing test counts as one, so that a failed run never ends with
/// "0 failed".
fn total(reports: &[Report], ci: bool) -> Counts {
    let mut total = Counts::default();
    for report in reports {
        total += report.counts;
        if report.is_failure(ci) && report.counts.failed == 0 {
            total.failed += 1;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;

    fn report(outcome: Outcome, budgets: f64, counts: Counts) -> Report {
        let lane = &LANES[0];
        let took = Duration::from_secs(u64::from(lane.budget_min) * 60).mul_f64(budgets);
        Report { lane, outcome, took, counts }
    }

    #[test]
    fn a_lane_over_twice_its_budget_fails() {
        for (budgets, fails, says) in [
            (0.5, false, "passed"),
            (1.5, false, "passed, over its budget"),
            (2.5, true, "FAILED: over twice its budget"),
        ] {
            let report = report(Outcome::Passed, budgets, Counts::default());
            assert_eq!((report.is_failure(false), report.verdict().as_str()), (fails, says));
        }
    }

    #[test]
    fn a_lane_that_cannot_run_fails_in_ci_alone() {
        let report = report(Outcome::CannotRun("no such package".into()), 0.0, Counts::default());
        assert!(report.is_failure(true) && !report.is_failure(false));
        assert!(report.verdict().contains("no such package"));
    }

    #[test]
    fn a_failed_run_never_ends_with_0_failed() {
        let passed = report(Outcome::Passed, 0.1, Counts { passed: 7, failed: 0 });
        let broken = report(Outcome::Failed("exit status: 101".into()), 0.1, Counts::default());
        assert_eq!(total(&[passed, broken], false), Counts { passed: 7, failed: 1 });
    }

    #[test]
    fn a_command_over_its_limit_is_ended_with_what_it_started() {
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", "sleep 60 & sleep 60"]).process_group(0).spawn().unwrap();
        let (ended, ending) = channel::<()>();
        assert!(!is_in_time(child.id(), Instant::now() + Duration::from_millis(50), &ending));
        assert!(!child.wait().unwrap().success());
        drop(ended);
        assert!(is_in_time(child.id(), Instant::now() + Duration::from_mins(1), &ending), "it has ended by itself");
    }

    #[test]
    fn output_is_passed_on_and_counted() {
        let counted = Mutex::new(Counts::default());
        let mut seen = Vec::new();
        let text = b"running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored\nno newline";
        pass_on(&text[..], &mut seen, Tool::CargoTest, &counted);
        assert_eq!(seen, text);
        assert_eq!(counted.into_inner().unwrap(), Counts { passed: 2, failed: 0 });
    }
}
