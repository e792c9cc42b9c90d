//! The rules, on this repository. Each test lists everything that breaks its rule, not just the first.

use std::collections::BTreeSet;

use tidings_manifest::Trigger;
use tidings_metrics::{METRICS, Metric};
use tidings_protocol::actions::ACTIONS;
use tidings_protocol::http::ROUTES;
use tidings_test_architecture::{edges, licences, tidy, workspace};

#[track_caller]
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n  {}\n", broken.join("\n  "));
}

#[test]
fn crates_use_only_what_their_layer_may() {
    let crates = workspace::crates(&workspace::metadata().unwrap());
    assert!(crates.len() > 10, "cargo named {} crates only", crates.len());
    assert_none(&edges::check(&crates));
}

#[test]
fn licences_are_permissive() {
    let packages = workspace::packages(&workspace::metadata().unwrap());
    assert!(packages.len() > 50, "cargo named {} packages only", packages.len());
    assert_none(&licences::check(&packages));
}

#[test]
fn files_can_be_read_in_one_sitting() {
    assert_none(&tidy::too_long(&tidy::files(&workspace::root()).unwrap()));
}

#[test]
fn nothing_here_belongs_to_one_machine() {
    assert_none(&tidy::out_of_place(&tidy::files(&workspace::root()).unwrap()));
}

#[test]
fn no_request_path_scans_a_table() {
    assert_none(&tidy::scans(&tidy::files(&workspace::root()).unwrap()));
}

#[test]
fn a_main_of_a_function_only_wires() {
    assert_none(&tidy::mains_too_long(&tidy::files(&workspace::root()).unwrap()));
}

/// A folder in `functions/` = a function.toml = the rows of the tables that name it.
#[test]
fn every_function_is_declared_and_reached() {
    let folder = workspace::root().join("functions");
    let folders: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let declared = tidings_manifest::read_all(&folder).unwrap();
    let actions: BTreeSet<&str> = ACTIONS.iter().filter_map(|action| action.function).collect();
    let routes: BTreeSet<&str> = ROUTES.iter().map(|route| route.function).collect();

    let mut broken = Vec::new();
    for name in &folders {
        if !declared.iter().any(|function| function.name == *name) {
            broken.push(format!("functions/{name} has no function.toml"));
        }
    }
    for name in actions.union(&routes) {
        if !folders.contains(*name) {
            broken.push(format!("the protocol names the function {name}, and there is no functions/{name}"));
        }
    }
    for function in &declared {
        let name = function.name.as_str();
        let (reached, table) = match function.manifest.trigger {
            Trigger::Websocket => (actions.contains(name), "ACTIONS"),
            Trigger::Http => (routes.contains(name), "ROUTES"),
            Trigger::Authorizer | Trigger::Queue => continue,
        };
        if !reached {
            broken.push(format!("nothing reaches functions/{name}: no row of {table} names it"));
        }
    }
    assert_none(&broken);
}

/// The table of metrics says who writes each, which is what dashboards and alarms are made from.
#[test]
fn the_metrics_know_every_function() {
    let declared = tidings_manifest::read_all(&workspace::root().join("functions")).unwrap();
    let declared: BTreeSet<&str> = declared.iter().map(|function| function.name.as_str()).collect();
    let cold: BTreeSet<&str> = Metric::ColdStarts.row().functions.iter().copied().collect();
    assert_eq!(cold, declared, "add to `ALL` in shared/metrics/src/table.rs, and to whatever else it counts");
    let unknown = METRICS.iter().flat_map(|row| row.functions.iter().map(move |function| (row.name, *function)));
    let unknown = unknown.filter(|(_, function)| !declared.contains(function));
    assert_none(
        &unknown
            .map(|(name, function)| format!("{name} is written by {function}, which is no function"))
            .collect::<Vec<_>>(),
    );
}

/// The map of the code is worth reading only while it is complete.
#[test]
fn the_architecture_names_every_crate_and_invariant() {
    let page = std::fs::read_to_string(workspace::root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let crates = workspace::crates(&workspace::metadata().unwrap());
    let folders = crates.iter().map(|one| one.folder.as_str());
    let missing = tidy::unmentioned(&page, folders.chain(tidy::INVARIANTS.iter().copied()));
    assert_none(&missing.iter().map(|name| format!("ARCHITECTURE.md does not mention {name}")).collect::<Vec<_>>());
}
