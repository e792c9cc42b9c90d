//! `cargo xtask rights`: the roles of the template beside what functions did while the end-to-end tests ran.

use std::path::Path;

use tidings_template::rights::{Record, UNSEEN, compare, count};

use crate::say;

/// Compares with what stands in the files of a folder; whether they agree.
pub(crate) fn run(root: &Path, folder: &Path) -> Result<bool, String> {
    let record = read(folder)?;
    let path = root.join(tidings_template::PATH);
    let template = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let complaints = compare(&template, &record, UNSEEN).map_err(|error| error.to_string())?;
    let granted = count(&template).map_err(|error| error.to_string())?;
    for complaint in &complaints {
        say::error(complaint);
    }
    if complaints.is_empty() {
        let used: usize = record.values().map(std::collections::BTreeSet::len).sum();
        let functions = record.len();
        say::line(&format!("{granted} rights in the roles, {used} things done by {functions} functions: they agree"));
    }
    Ok(complaints.is_empty())
}

/// The record of all clouds together.
fn read(folder: &Path) -> Result<Record, String> {
    let failed = |error: String| format!("{}: {error}", folder.display());
    let files = std::fs::read_dir(folder).map_err(|error| failed(error.to_string()))?;
    let mut all = Record::new();
    for file in files {
        let path = file.map_err(|error| failed(error.to_string()))?.path();
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let one: Record = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for (function, did) in one {
            all.entry(function).or_default().extend(did);
        }
    }
    if all.is_empty() { Err(failed("no cloud has left a record there".to_owned())) } else { Ok(all) }
}
