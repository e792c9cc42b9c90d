//! Files and folders, with errors that name them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The folder, empty: what an earlier run left in it is gone.
pub(crate) fn emptied(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{} cannot be emptied: {error}", folder.display()));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

/// A file that nobody else may read, gone with this.
pub(crate) struct Secret(std::path::PathBuf);

impl Secret {
    /// Writes it; there must be none yet.
    pub(crate) fn write(path: &Path, text: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path);
        let mut file = file.map_err(failed)?;
        // From here on it is taken away, whatever comes of it.
        let secret = Self(path.to_owned());
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(secret)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/key");
        let secret = Secret::write(&path, "seed").unwrap();
        assert_eq!(std::fs::read_to_string(secret.path()).unwrap(), "seed");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Secret::write(&path, "other").is_err(), "nobody's file is written over");
        drop(secret);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_emptied_or_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        emptied(&path).unwrap();
        std::fs::write(path.join("old"), "").unwrap();
        emptied(&path).unwrap();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }
}
