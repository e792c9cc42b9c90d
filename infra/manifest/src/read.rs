//! Reading the files: errors name the file and say what to change.

use std::path::{Path, PathBuf};

use crate::{Function, Manifest};

/// Why the manifests could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The folder of functions is not there or cannot be listed.
    #[error("cannot list the functions in {path}: {source}")]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not TOML, or not of the right shape.
    #[error("{path} is not a function.toml: {source}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A file has the right shape and says something that no cloud would take.
    #[error("{path}: {complaint}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        complaint: String,
    },
}

/// Reads `<functions>/*/function.toml`, sorted by name. Folders without the file are passed over.
pub fn read_all(functions: &Path) -> Result<Vec<Function>, ManifestError> {
    let list = |source| ManifestError::List { path: functions.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(functions).map_err(list)? {
        let path = entry.map_err(list)?.path().join("function.toml");
        if path.is_file() {
            found.push(read_one(&path)?);
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Reads one `function.toml`; the function's name is its folder's.
pub fn read_one(path: &Path) -> Result<Function, ManifestError> {
    let text = std::fs::read_to_string(path).map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    let manifest: Manifest = toml::from_str(&text)
        .map_err(|source| ManifestError::Shape { path: path.to_owned(), source: Box::new(source) })?;
    if let Some(complaint) = manifest.complaint() {
        return Err(ManifestError::Refused { path: path.to_owned(), complaint });
    }
    let name = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).ok_or_else(|| {
        ManifestError::Refused { path: path.to_owned(), complaint: "its folder has no plain name".to_owned() }
    })?;
    Ok(Function { name: name.to_owned(), path: path.to_owned(), manifest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QueueName, QueueSource, Trigger};

    const GOOD: &str = "description = \"Delivers\"\nmemory_mb = 256\ntimeout_s = 20\ntrigger = \"queue\"\n\
        ports = [\"gateway.post\"]\n\
        [[queues]]\nname = \"fanout\"\nbatch_size = 10\nmaximum_concurrency = 2\n";

    fn read(text: &str) -> Result<Vec<Function>, ManifestError> {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("deliver")).unwrap();
        std::fs::create_dir(root.path().join("notes")).unwrap();
        std::fs::write(root.path().join("deliver/function.toml"), text).unwrap();
        read_all(root.path())
    }

    #[test]
    fn a_good_file_is_read() {
        let functions = read(GOOD).unwrap();
        assert_eq!(functions.len(), 1, "folders without a function.toml are passed over");
        let function = &functions[0];
        assert_eq!((function.name.as_str(), function.package().as_str()), ("deliver", "tidings-fn-deliver"));
        assert_eq!(function.manifest.trigger, Trigger::Queue);
        assert_eq!(
            function.manifest.queues,
            [QueueSource { name: QueueName::Fanout, batch_size: 10, batch_window_s: 0, maximum_concurrency: 2 }]
        );
    }

    /// What to break in the good file, and what the error must then say.
    #[test]
    fn a_bad_file_is_refused_with_its_path_and_reason() {
        for (from, to, says) in [
            ("memory_mb = 256", "memory = 256", "unknown field `memory`"),
            ("memory_mb = 256", "memory_mb = 64", "128 to 10,240"),
            ("timeout_s = 20", "timeout_s = 0", "1 to 900"),
            ("trigger = \"queue\"", "trigger = \"cron\"", "unknown variant `cron`"),
            ("trigger = \"queue\"", "trigger = \"http\"", "need trigger = \"queue\""),
            ("[[queues]]", "[[queue]]", "unknown field `queue`"),
            ("batch_size = 10", "batch_size = 11", "batch_window_s"),
            ("batch_size = 10", "batch_size = 0", "1 to 10,000"),
            ("maximum_concurrency = 2", "maximum_concurrency = 1", "2 to 1,000"),
            ("gateway.post", "gateway", "resource.verb"),
            ("\"gateway.post\"", "\"gateway.post\", \"gateway.post\"", "stands twice"),
        ] {
            assert!(GOOD.contains(from), "{from} is not in the good file");
            let error = read(&GOOD.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains("deliver/function.toml"), "{error}");
            assert!(error.contains(says), "{to}: {error}");
        }
    }

    #[test]
    fn a_gateway_waits_29_seconds_at_most() {
        let text = GOOD.split("[[queues]]").next().unwrap().replace("\"queue\"", "\"websocket\"");
        assert!(read(&text).is_ok());
        let error = read(&text.replace("timeout_s = 20", "timeout_s = 30")).unwrap_err().to_string();
        assert!(error.contains("gives up after 29"), "{error}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = read_all(Path::new("/nowhere/functions")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/functions"), "{error}");
    }
}
