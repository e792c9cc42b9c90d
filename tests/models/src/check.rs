//! Explores a scenario and says what was found.

use std::fmt;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model as _};

use crate::scenario::Scenario;

/// Threads that explore. The machine that a change is tested on has two cores.
const THREADS: usize = 2;

/// How long one scenario may take. Far beyond what any of them takes; a change that makes the world explode fails
/// with a number instead of filling the memory.
const TIME_OUT: Duration = Duration::from_secs(150);

/// What exploring a scenario showed.
#[derive(Debug)]
pub struct Verdict {
    /// Different states that were reached.
    pub states: usize,
    /// Steps of the longest way.
    pub depth: usize,
    /// Everything that is wrong, a text each, with the way to it.
    pub wrong: Vec<String>,
}

impl Verdict {
    /// Whether every property holds and every case was reached.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states, {} deep", self.states, self.depth)?;
        self.wrong.iter().try_for_each(|wrong| write!(f, "\n{wrong}"))
    }
}

/// Explores everything that may happen in the scenario, or stops at the first thing that may not. It must be at least
/// `at_least` states: a world that shrinks has lost what it was made for.
pub fn check(name: &str, scenario: Scenario, at_least: usize) -> Verdict {
    let began = Instant::now();
    let checker = scenario
        .checker()
        .threads(THREADS)
        .timeout(TIME_OUT)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    let scenario = checker.model();
    let mut found = checker.discoveries();
    let broken = scenario.properties.iter().filter(|property| property.expectation != Expectation::Sometimes);
    let broken = broken.filter_map(|property| Some((property.name, found.remove(property.name)?)));
    let mut wrong: Vec<_> = broken.map(|(name, path)| format!("broken: {name}\n{}", scenario.story(path))).collect();
    if wrong.is_empty() {
        if began.elapsed() >= TIME_OUT {
            wrong.push(format!("not explored within {} s", TIME_OUT.as_secs()));
        }
        if states < at_least {
            wrong.push(format!("fewer than {at_least} states: the world has shrunk"));
        }
        let cases = scenario.properties.iter().filter(|property| property.expectation == Expectation::Sometimes);
        let missed = cases.filter(|property| !found.contains_key(property.name));
        wrong.extend(missed.map(|property| format!("never reached: {}", property.name)));
    }
    let verdict = Verdict { states, depth, wrong };
    eprintln!("{name}: {verdict} in {:.1} s", began.elapsed().as_secs_f64());
    verdict
}
