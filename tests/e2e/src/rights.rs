//! What functions did while a test ran, kept for the comparison with their roles that follows all tests.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cloud::Cloud;

/// The folder that each cloud adds a file to when it stops; nothing is kept without it.
const FOLDER: &str = "TIDINGS_RIGHTS";

/// Before the names of tables and queues in a ledger.
const PREFIX: &str = "tidings-local-";

impl Cloud {
    /// Adds this cloud's file.
    pub(crate) fn keep_rights(&self) {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
        let mut rights = serde_json::to_value(self.running().ledger().rights).unwrap();
        for right in rights.as_object_mut().unwrap().values_mut().flat_map(|all| all.as_array_mut().unwrap()) {
            right["resource"] = json!(short(right["resource"].as_str().unwrap()));
        }
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{:032x}.json", rand::random::<u128>()));
        std::fs::write(file, Value::to_string(&rights)).unwrap();
    }
}

/// A resource without what is a local cloud's own in its name: `table/log`, `queue/retry`. The ledger has the usual names
/// whatever the cloud's own are, as on a backend.
fn short(resource: &str) -> String {
    let (kind, name) = resource.split_once('/').unwrap();
    format!("{kind}/{}", name.strip_prefix(PREFIX).unwrap_or(name))
}

#[test]
fn names_lose_what_is_the_clouds_own() {
    for (resource, is) in [
        ("table/tidings-local-log", "table/log"),
        ("queue/tidings-local-fanout-0", "queue/fanout-0"),
        ("connections/POST", "connections/POST"),
    ] {
        assert_eq!(short(resource), is);
    }
}
