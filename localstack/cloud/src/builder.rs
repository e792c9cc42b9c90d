//! Building the functions with cargo: only what changed, into the same target folder and profile as this program.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tidings_manifest::Function;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::options::{own_folder, workspace};
use crate::say::Loudness;

/// Why the functions were not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started.
    #[error("cargo cannot be started ({0}); is Rust installed, and cargo in the PATH?")]
    NoCargo(std::io::Error),
    /// The code does not compile.
    #[error("the functions do not build:\n{0}")]
    Failed(String),
}

/// Builds the functions' binaries and says where they are.
///
/// Where there is nothing to build cargo takes well below a second. Parallel calls wait for each other.
pub async fn build(functions: &[Function], loudness: Loudness) -> Result<PathBuf, BuildError> {
    let folder = own_folder();
    let target = folder.parent().unwrap_or(&folder);
    let mut command = Command::new(cargo());
    command.arg("build").arg("--target-dir").arg(target).args(profile(&folder)).current_dir(workspace());
    for function in functions {
        command.args(["--package", &function.package(), "--bin", &function.name]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    loudness.plain(&format!("building {} functions ...", functions.len()));
    let mut child = command.spawn().map_err(BuildError::NoCargo)?;
    let mut said = String::new();
    let mut compiled = 0;
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.trim_start().starts_with("Compiling") {
                compiled += 1;
                // Terse: a sign of life now and then, else nothing until something is wrong.
                if compiled % 50 == 0 {
                    loudness.plain(&format!("  {compiled} crates so far"));
                }
                loudness.verbose(&line);
            } else {
                said.push_str(&line);
                said.push('\n');
            }
        }
    }
    let status = child.wait().await.map_err(BuildError::NoCargo)?;
    if status.success() { Ok(folder) } else { Err(BuildError::Failed(said)) }
}

/// The cargo that runs us, if one does; it says so in this variable.
#[expect(clippy::disallowed_methods, reason = "cargo's own variable, not a setting of ours")]
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The profile whose folder it is.
fn profile(folder: &Path) -> Vec<String> {
    match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => Vec::new(),
        Some(profile) => vec!["--profile".to_owned(), profile.to_owned()],
    }
}
