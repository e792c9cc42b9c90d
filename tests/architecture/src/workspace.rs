//! This repository, as cargo and the file system know it.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::edges::{Crate, Dependency};
use crate::licences::Package;

/// The repository's root: cargo starts tests in their package's folder. Not `env!`: with a shared target folder the
/// test may have been compiled in another clone, and would then judge that one.
pub fn root() -> PathBuf {
    PathBuf::from("../..")
}

/// What cargo knows: all packages of the lock that this machine's platform needs. Without the filter cargo would
/// fetch those of every platform there is.
pub fn metadata() -> Result<Metadata, String> {
    MetadataCommand::new()
        .current_dir(root())
        .other_options(["--locked".to_owned(), format!("--filter-platform={}", platform()?)])
        .exec()
        .map_err(|error| error.to_string())
}

fn platform() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc -vV: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Our crates with everything that they declare.
pub fn crates(metadata: &Metadata) -> Vec<Crate> {
    let root = metadata.workspace_root.as_std_path();
    let ours = metadata.workspace_packages();
    ours.iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            folder: folder(root, package.manifest_path.as_std_path()),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    for_tests: dependency.kind == DependencyKind::Development,
                })
                .collect(),
        })
        .collect()
}

fn folder(root: &Path, manifest: &Path) -> String {
    let folder = manifest.parent().unwrap_or(manifest);
    folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().replace('\\', "/")
}

/// All packages, ours and others', with their licences.
pub fn packages(metadata: &Metadata) -> Vec<Package> {
    let ours = &metadata.workspace_members;
    metadata
        .packages
        .iter()
        .filter(|package| !ours.contains(&package.id))
        .map(|package| Package {
            name: format!("{} {}", package.name, package.version),
            licence: package.license.clone(),
        })
        .collect()
}
