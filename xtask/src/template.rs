//! `cargo xtask template`: writes the deployment template, or tells that it is stale.

use std::path::Path;

use tidings_template::{PATH, default_shards, render, shards_of};

use crate::say;

/// What it says with that many shards.
pub(crate) fn text(root: &Path, shards: u32) -> Result<String, String> {
    let functions = tidings_manifest::read_all(&root.join("functions")).map_err(|error| error.to_string())?;
    render(&functions, shards).map_err(|error| error.to_string())
}

/// Writes it; with `check` only looks. Without a number of shards it keeps the one that the file has. Whether all is
/// well.
pub(crate) fn run(root: &Path, shards: Option<u32>, check: bool) -> Result<bool, String> {
    let file = root.join(PATH);
    let present = std::fs::read_to_string(&file).ok();
    let shards = shards.or_else(|| present.as_deref().and_then(shards_of)).or_else(default_shards);
    let shards = shards.ok_or_else(|| format!("{PATH} names no number of shards; say it: --shards N"))?;
    let wanted = text(root, shards)?;
    if present.is_some_and(|present| present == wanted) {
        say::line(&format!("{PATH} is up to date, with {shards} shards."));
        return Ok(true);
    }
    if check {
        say::line(&format!("stale: {PATH}"));
        say::error("run `cargo xtask template` and commit what it writes");
        return Ok(false);
    }
    std::fs::write(&file, wanted).map_err(|error| format!("{PATH}: {error}"))?;
    say::line(&format!("wrote {PATH}, with {shards} shards"));
    Ok(true)
}
