//! The table of lanes: what must pass, in this order, and how long each may take on a fresh machine with two cores.
//!
//! The order is by what one learns soonest. The lanes share one target folder and one profile. Dependencies are
//! compiled twice and no more: once to be checked (`clippy`, `doc`) and once to be run (`build`, used by all lanes
//! after it). That holds only while every command selects the whole workspace with its tests, because cargo
//! chooses the features of a dependency by what is selected; so lanes narrow what they *run*, never `-p` what they
//! *build*.

use crate::say;

/// One lane.
pub(crate) struct Lane {
    /// Its name.
    pub(crate) name: &'static str,
    /// Minutes that it may take. Over it the lane is marked, over twice as long the run fails.
    pub(crate) budget_min: u32,
    /// What it shows, in a few words.
    pub(crate) shows: &'static str,
    /// Its commands.
    pub(crate) steps: &'static [Step],
}

/// One command of a lane.
pub(crate) enum Step {
    /// Any command line. `{target}` in it is the target folder.
    Run(&'static [&'static str]),
    /// The same with environment variables.
    RunWith(&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// Tests of the workspace, run by nextest where it is installed and by `cargo test` otherwise.
    Tests(Tests),
    /// The examples in the documentation, which nextest cannot run.
    DocTests,
    /// The end-to-end suite on a target.
    Suite(&'static str),
}

/// Which tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    /// All but those of the packages that have a lane of their own ([`OWN_LANE`]).
    Unit,
    /// Those of one package.
    Package(&'static str),
}

/// The package of the end-to-end suite, which runs once for each [`Step::Suite`].
pub(crate) const SUITE: &str = "tidings-e2e";

/// Packages whose tests are not unit tests: each needs a lane with [`Tests::Package`] or [`Step::Suite`].
pub(crate) const OWN_LANE: &[&str] = &["tidings-models", SUITE];

/// Minutes that all lanes may take together: CI gives 90 and then takes the machine away, with no word of which lane it
/// was. In CI a lane ends with them, if not before at twice its budget.
pub(crate) const RUN_MAX_MIN: u32 = 85;

/// Every lane.
pub(crate) const LANES: &[Lane] = &[
    Lane {
        name: "fmt",
        budget_min: 1,
        shows: "the code is formatted",
        steps: &[Step::Run(&["cargo", "fmt", "--all", "--check"])],
    },
    Lane {
        name: "lint",
        budget_min: 2,
        shows: "the deployment template is what AWS takes, with as many shards as there can be too",
        steps: &[Step::Run(&["cargo", "xtask", "lint"])],
    },
    Lane {
        name: "clippy",
        budget_min: 7,
        shows: "no warning, in tests neither",
        steps: &[Step::Run(&[
            "cargo",
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--keep-going",
            "--",
            "--deny",
            "warnings",
        ])],
    },
    Lane {
        name: "doc",
        budget_min: 2,
        shows: "links and examples of the documentation are whole",
        // Private items too: their comments are where most of the reasons stand. Naming the targets, examples among
        // them, makes cargo count dev-dependencies when it chooses features, as it does for `clippy`; without it 66
        // packages would be checked again.
        steps: &[Step::RunWith(
            &[("RUSTDOCFLAGS", "--deny warnings")],
            &[
                "cargo",
                "doc",
                "--locked",
                "--workspace",
                "--no-deps",
                "--document-private-items",
                "--lib",
                "--bins",
                "--examples",
            ],
        )],
    },
    Lane {
        name: "build",
        budget_min: 9,
        shows: "functions, local cloud, clients and tests build",
        steps: &[Step::Run(&["cargo", "build", "--locked", "--workspace", "--all-targets"])],
    },
    Lane {
        name: "unit",
        budget_min: 2,
        shows: "rules, contracts, architecture, and that nothing generated is stale",
        steps: &[Step::Tests(Tests::Unit), Step::DocTests],
    },
    Lane {
        name: "models",
        budget_min: 3,
        shows: "the protocols hold in every order of events, with calls late, twice, lost and cut off",
        steps: &[Step::Tests(Tests::Package("tidings-models"))],
    },
    Lane {
        name: "end-to-end",
        budget_min: 11,
        shows: "real functions behind real sockets, also under faults, in storms and in contention; roles as they are used",
        steps: &[Step::Suite("local")],
    },
    Lane {
        name: "ministack",
        budget_min: 8,
        shows: "the template as it is deployed, every function with its own rights and no others",
        steps: &[Step::Suite("ministack")],
    },
    Lane {
        name: "backend",
        budget_min: 5,
        shows: "the same on somebody else's tables, queues and files",
        steps: &[Step::Suite("ministack-backend")],
    },
    Lane {
        name: "mutants",
        budget_min: 7,
        shows: "each broken rule is noticed by the test that guards it",
        steps: &[Step::Run(&["cargo", "xtask", "mutants"])],
    },
];

/// The lanes with these names, in the table's order; all if there are no names.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Lane>, String> {
    if let Some(unknown) = names.iter().find(|name| LANES.iter().all(|lane| lane.name != name.as_str())) {
        let known: Vec<_> = LANES.iter().map(|lane| lane.name).collect();
        return Err(format!("there is no lane {unknown:?}; there are {}", known.join(", ")));
    }
    Ok(LANES.iter().filter(|lane| names.is_empty() || names.iter().any(|name| name == lane.name)).collect())
}

/// Prints the table.
pub(crate) fn list() {
    for lane in LANES {
        say::line(&format!("{:<11} {:>2} min  {}", lane.name, lane.budget_min, lane.shows));
        for step in lane.steps {
            say::line(&format!("                    {}", step.describe()));
        }
    }
}

impl Step {
    /// The step as a person would type it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Run(command) => command.join(" "),
            Self::RunWith(variables, command) => {
                let variables: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                format!("{} {}", variables.join(" "), command.join(" "))
            }
            Self::Tests(Tests::Unit) => format!("tests of the workspace but {}", OWN_LANE.join(", ")),
            Self::Tests(Tests::Package(package)) => format!("tests of {package}"),
            Self::Suite(target) => format!("cargo xtask test --target {target}"),
            Self::DocTests => "examples in the documentation".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_chosen_by_name_in_the_order_of_the_table() {
        let names = |chosen: Vec<&Lane>| chosen.iter().map(|lane| lane.name).collect::<Vec<_>>();
        assert_eq!(names(select(&["unit".into(), "fmt".into()]).unwrap()), ["fmt", "unit"]);
        assert_eq!(select(&[]).unwrap().len(), LANES.len());
        let Err(reason) = select(&["unti".into()]) else { panic!("there is no such lane") };
        assert!(reason.contains("unti") && reason.contains("end-to-end"), "{reason}");
    }

    #[test]
    fn every_package_with_a_lane_of_its_own_has_one() {
        for package in OWN_LANE {
            let has = |step: &Step| match step {
                Step::Tests(Tests::Package(name)) => name == package,
                Step::Suite(_) => *package == SUITE,
                _ => false,
            };
            assert!(LANES.iter().any(|lane| lane.steps.iter().any(has)), "{package}: its tests would never run");
        }
    }

    #[test]
    fn all_budgets_together_leave_room_below_90_minutes() {
        // Not twice each, which is when a lane fails by itself: then all would have to be at their worst at once. The
        // run has a limit of its own for that.
        assert!(LANES.iter().map(|lane| lane.budget_min).sum::<u32>() * 3 / 2 <= RUN_MAX_MIN);
    }

    #[test]
    fn suites_are_of_targets_that_there_are() {
        for step in LANES.iter().flat_map(|lane| lane.steps) {
            if let Step::Suite(target) = step {
                assert!(target.parse::<crate::target::Target>().is_ok(), "{target}");
            }
        }
    }
}
