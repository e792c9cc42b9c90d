//! What functions did while a test ran, kept for the comparison with their roles that follows all tests.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cloud::Cloud;

/// The folder that each cloud adds a file to when it stops; nothing is kept without it.
const FOLDER: &str = "TIDINGS_RIGHTS";

impl Cloud {
    /// Adds this cloud's file.
    pub(crate) fn keep_rights(&self) {
        let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
        let mut rights = serde_json::to_value(self.running().ledger().rights).unwrap();
        for right in rights.as_object_mut().unwrap().values_mut().flat_map(|all| all.as_array_mut().unwrap()) {
            right["resource"] = json!(self.short(right["resource"].as_str().unwrap()));
        }
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{:032x}.json", rand::random::<u128>()));
        std::fs::write(file, Value::to_string(&rights)).unwrap();
    }

    /// A resource without what is this cloud's own in its name: `table/log`, `queue/retry`.
    fn short(&self, resource: &str) -> String {
        let (kind, name) = resource.split_once('/').unwrap();
        let known = match kind {
            "table" => &self.endpoints().tables,
            "queue" => &self.endpoints().queues,
            _ => return resource.to_owned(),
        };
        // A queue's name is the last part of its URL; a table's is all there is.
        let short =
            known.iter().find(|(_, full)| full.rsplit('/').next() == Some(name)).map(|(short, _)| short.as_str());
        format!("{kind}/{}", short.unwrap_or(name))
    }
}
