//! Where the cloud keeps what must outlive a call: in memory, or in a folder that outlives the cloud.
//!
//! The folder holds `format.json` (who wrote it), `lock` (who uses it), `tables.sqlite`, `queues.sqlite`, `files/`
//! and `signing-key`.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

/// What the folder's contents look like. Another number is another cloud's: raise it with every change that an older
/// or this version could not read.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "format.json";
const LOCK_FILE: &str = "lock";
/// Before the names of files that are being written; see [`write_whole`].
const HALF_WRITTEN: &str = ".half-";

/// Why a data folder is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system says no.
    #[error("the data folder {folder} can't be used: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// Another cloud has it.
    #[error("the data folder {0} is in use by another local cloud; end that one, or choose another folder with --data")]
    InUse(String),
    /// There are files in it that no local cloud wrote.
    #[error("{0} holds other files; choose an empty folder with --data")]
    Foreign(String),
    /// Another version wrote it.
    #[error(
        "the data folder {folder} has format {found}, and this version reads format {FORMAT}; nothing was changed. \
         Use the version that wrote it, or choose another folder with --data"
    )]
    Format {
        /// The folder.
        folder: String,
        /// The format that it has, and who wrote it.
        found: String,
    },
    /// The signing key is none.
    #[error("{0} is no signing key; take the file away to have a new one, which ends all sessions")]
    Key(String),
}

/// Who wrote a folder.
#[derive(Debug, Serialize, Deserialize)]
struct Format {
    format: u32,
    /// The local cloud's version, for people.
    #[serde(default)]
    version: String,
}

/// Where things are kept.
#[derive(Debug)]
pub(crate) enum Data {
    /// In memory, and files in a folder that goes with the cloud.
    Memory(TempDir),
    /// In a folder that stays.
    Kept(Folder),
}

/// A folder that is this cloud's alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock lasts as long as this is open. The operating system closes it with the process, however that ends.
    _lock: File,
}

impl Data {
    /// Nothing that stays.
    pub(crate) fn memory() -> Result<Self, DataError> {
        let folder = tempfile::Builder::new().prefix("tidings-local-").tempdir();
        folder
            .map(Self::Memory)
            .map_err(|source| DataError::Folder { folder: std::env::temp_dir().display().to_string(), source })
    }

    /// Opens a folder, or makes it.
    pub(crate) fn kept(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Folder { folder: path.display().to_string(), source };
        let name = || path.display().to_string();
        // The signing key is in it, and what people wrote.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        if !is_ours(path).map_err(failed)? {
            return Err(DataError::Foreign(name()));
        }
        let lock = File::options().create(true).append(true).open(path.join(LOCK_FILE)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataError::InUse(name())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        match std::fs::read(path.join(FORMAT_FILE)) {
            Ok(text) => check_format(&text).map_err(|found| DataError::Format { folder: name(), found })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let format = Format { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned() };
                let text = serde_json::to_vec(&format).map_err(io::Error::from).map_err(failed)?;
                write_whole(&path.join(FORMAT_FILE), &text).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Self::Kept(Folder { path: path.to_owned(), _lock: lock }))
    }

    /// The database of the tables; `None` is memory.
    pub(crate) fn tables(&self) -> Option<PathBuf> {
        self.in_folder("tables.sqlite")
    }

    /// The journal of the queues; `None` is none.
    pub(crate) fn queues(&self) -> Option<PathBuf> {
        self.in_folder("queues.sqlite")
    }

    /// The key that signs tokens; `None` is a fresh one.
    pub(crate) fn signing_key(&self) -> Option<PathBuf> {
        self.in_folder("signing-key")
    }

    /// The folder of the files.
    pub(crate) fn files(&self) -> PathBuf {
        match self {
            Self::Memory(folder) => folder.path().to_owned(),
            Self::Kept(folder) => folder.path.join("files"),
        }
    }

    fn in_folder(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Memory(_) => None,
            Self::Kept(folder) => Some(folder.path.join(name)),
        }
    }
}

/// Whether a local cloud wrote the folder, or nobody. Asked before anything is written, so that a wrong path leaves
/// somebody's folder as it was.
fn is_ours(path: &Path) -> io::Result<bool> {
    let names = std::fs::read_dir(path)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    let fresh = names.iter().all(|name| name == LOCK_FILE || name.starts_with(HALF_WRITTEN));
    Ok(fresh || names.iter().any(|name| name == FORMAT_FILE))
}

/// What else it is, if it isn't ours.
fn check_format(text: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(text) {
        Ok(Format { format: FORMAT, .. }) => Ok(()),
        Ok(Format { format, version }) => Err(format!("{format} (version {version})")),
        Err(_) => Err(format!("unknown ({FORMAT_FILE} can't be read)")),
    }
}

/// Writes a file that nobody else may read. Killed in the middle, it leaves no half of it under that name.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file: NamedTempFile = tempfile::Builder::new().prefix(HALF_WRITTEN).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_clouds_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = Data::kept(&path).unwrap();
        assert!(matches!(Data::kept(&path), Err(DataError::InUse(_))));
        drop(first);
        Data::kept(&path).unwrap();
    }

    #[test]
    fn what_another_wrote_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, content: &str| {
            std::fs::write(folder.path().join(name), content).unwrap();
            let error = Data::kept(folder.path()).unwrap_err().to_string();
            assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), content);
            error
        };
        let error = refused("letter", "dear");
        assert!(error.contains("holds other files"), "{error}");
        assert!(!folder.path().join(LOCK_FILE).exists());
        let error = refused(FORMAT_FILE, r#"{"format": 7, "version": "9.1.0", "more": true}"#);
        assert!(error.contains("format 7 (version 9.1.0)") && error.contains("reads format 1"), "{error}");
        let error = refused(FORMAT_FILE, "nonsense");
        assert!(error.contains("format unknown"), "{error}");
    }

    #[test]
    fn a_start_that_was_killed_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOCK_FILE), "").unwrap();
        std::fs::write(folder.path().join(format!("{HALF_WRITTEN}x7")), "{\"form").unwrap();
        Data::kept(folder.path()).unwrap();
    }
}
