//! `cargo xtask generate`: writes what the protocol's tables say, or tells what is stale.

use std::path::Path;

use tidings_protocol::generate::{PAGES, files, fill};
use tidings_template::runbook;

use crate::say;

/// Writes what differs; with `check` only names it. Whether all is well.
pub(crate) fn run(root: &Path, check: bool) -> Result<bool, String> {
    let mut wanted: Vec<(&str, String)> = files().into_iter().map(|file| (file.path, file.content)).collect();
    wanted.push((tidings_metrics::PAGE, tidings_metrics::page()));
    let functions = tidings_manifest::read_all(&root.join("functions")).map_err(|error| error.to_string())?;
    wanted.push((runbook::PATH, runbook::page(&functions)));
    wanted.push((tidings_template::init::PATH, tidings_template::init::script(&functions)));
    for page in PAGES {
        if let Ok(text) = std::fs::read_to_string(root.join(page)) {
            wanted.push((page, fill(&text).map_err(|reason| format!("{page}: {reason}"))?));
        }
    }
    let mut stale = 0;
    for (path, content) in wanted {
        let file = root.join(path);
        if std::fs::read_to_string(&file).is_ok_and(|present| present == content) {
            continue;
        }
        stale += 1;
        if check {
            say::line(&format!("stale: {path}"));
            continue;
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        std::fs::write(&file, content).map_err(|error| format!("{path}: {error}"))?;
        say::line(&format!("wrote {path}"));
    }
    if stale == 0 {
        say::line("Everything generated is up to date.");
    } else if check {
        say::error("run `cargo xtask generate` and commit what it writes");
    }
    Ok(stale == 0 || !check)
}
