//! Files and folders, with errors that name them.

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

#[cfg(test)]
mod tests {
    use super::*;

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
