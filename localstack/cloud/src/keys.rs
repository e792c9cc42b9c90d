//! Where this cloud's key pair comes from.

use std::io::ErrorKind;
use std::path::Path;

use tidings_keys::KeyPair;

use crate::data::{self, DataError};

/// The pair in a file, which is made if it isn't there; without a path a fresh one.
pub(crate) fn open(path: Option<&Path>) -> Result<KeyPair, DataError> {
    let fresh = || KeyPair::from_seed(&rand::random());
    let Some(path) = path else { return Ok(fresh()) };
    let failed = |source| DataError::Folder { folder: path.display().to_string(), source };
    match std::fs::read_to_string(path) {
        Ok(text) => KeyPair::from_signing_key(&text).ok_or_else(|| DataError::Key(path.display().to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let pair = fresh();
            data::write_whole(path, pair.signing_key.as_bytes()).map_err(failed)?;
            Ok(pair)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_key_stays_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = open(Some(&path)).unwrap();
        assert_eq!(open(Some(&path)).unwrap().signing_key, first.signing_key);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "half").unwrap();
        let error = open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("is no signing key"), "{error}");
        assert_ne!(open(None).unwrap().signing_key, first.signing_key);
    }
}
