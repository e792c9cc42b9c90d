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
}

/// Which tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    /// All but those of the packages that have a lane of their own ([`OWN_LANE`]).
    Unit,
    /// Those of one package.
    Package(&'static str),
}

/// Packages whose tests are not unit tests: each needs a lane with [`Tests::Package`].
pub(crate) const OWN_LANE: &[&str] = &["tidings-models", "tidings-e2e"];

/// Every lane.
pub(crate) const LANES: &[Lane] = &[
    Lane {
        name: "fmt",
        budget_min: 1,
        shows: "the code is formatted",
        steps: &[Step::Run(&["cargo", "fmt", "--all", "--check"])],
    },
    Lane {
        name: "clippy",
        budget_min: 8,
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
        budget_min: 3,
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
        budget_min: 10,
        shows: "functions, local cloud, clients and tests build",
        steps: &[Step::Run(&["cargo", "build", "--locked", "--workspace", "--all-targets"])],
    },
    Lane {
        name: "unit",
        budget_min: 3,
        shows: "rules, contracts, architecture, and that nothing generated is stale",
        steps: &[Step::Tests(Tests::Unit), Step::DocTests],
    },
    Lane {
        name: "models",
        budget_min: 4,
        shows: "the protocols hold in every order of events, with calls late, twice, lost and cut off",
        steps: &[Step::Tests(Tests::Package("tidings-models"))],
    },
    Lane {
        name: "end-to-end",
        budget_min: 9,
        shows: "real functions behind real sockets, also under faults, in storms and in contention",
        steps: &[Step::Tests(Tests::Package("tidings-e2e"))],
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
            let has = |step: &Step| matches!(step, Step::Tests(Tests::Package(name)) if name == package);
            assert!(LANES.iter().any(|lane| lane.steps.iter().any(has)), "{package}: its tests would never run");
        }
    }

    #[test]
    fn all_budgets_together_leave_room_below_90_minutes() {
        // Twice the budgets is when the run fails by itself; CI gives 90 minutes.
        assert!(LANES.iter().map(|lane| lane.budget_min).sum::<u32>() * 2 <= 90);
    }
}
