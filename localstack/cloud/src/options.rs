//! What can be chosen at the start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidings_manifest::parameters;

use crate::backend::Backend;
use crate::faults::Plan;
use crate::limits::Limits;
use crate::say::Loudness;

/// The port of the page, the API and the socket, unless another is chosen.
pub const DEFAULT_PORT: u16 = 4510;

/// Parameters that are something else on one's own machine than in a deployment: here people try things out, and whom
/// they make up shall be able to talk at once.
const HERE: &[(&str, &str)] = &[("DIRECT_MESSAGES", "anyone")];

/// What can be chosen at the start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with a folder for each function, each with its `function.toml`.
    pub functions_dir: PathBuf,
    /// The folder with an executable for each function, named as the function is.
    pub binaries_dir: PathBuf,
    /// The port of page, API and socket; the others follow it. 0 takes free ports for all.
    pub port: u16,
    /// Overrides of the functions' parameters; see [`tidings_manifest::PARAMETERS`].
    pub set: BTreeMap<String, String>,
    /// The folder that everything is kept in and found again at the next start; `None` forgets it all at the end.
    pub data: Option<PathBuf>,
    /// Somebody else's tables, queues and files in place of our own; not together with `data`, because then it is the
    /// backend that keeps them.
    pub backend: Option<Backend>,
    /// Whether the queues feed their functions (an event source mapping's `Enabled`). If not, messages wait until
    /// [`Running::enable_mappings`](crate::Running::enable_mappings).
    pub mappings: bool,
    /// Every limit of the cloud.
    pub limits: Limits,
    /// What shall go wrong from the start on.
    pub faults: Plan,
    /// How much is said on standard output.
    pub loudness: Loudness,
}

/// Why an option is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// `--set` without an equals sign.
    #[error("--set wants NAME=VALUE, not {0:?}")]
    NoValue(String),
    /// A parameter that isn't in the table.
    #[error("there is no parameter {name:?}; these can be set: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A number of shards that can't be.
    #[error("FANOUT_SHARDS is {0:?}, and must be a number from 1 to 256")]
    Shards(String),
    /// Both a data folder and a backend.
    #[error("--data and --backend exclude one another: with a backend it is the backend that keeps everything")]
    DataAndBackend,
}

impl Options {
    /// Free ports, silence, and the workspace's own functions from the folder that this executable was built into:
    /// what tests want. Build the functions first, with [`crate::builder::build`].
    pub fn for_tests() -> Self {
        let binaries_dir = own_folder();
        Self {
            functions_dir: workspace().join("functions"),
            binaries_dir,
            port: 0,
            set: BTreeMap::new(),
            data: None,
            backend: None,
            mappings: true,
            limits: Limits::default(),
            faults: Plan::default(),
            loudness: Loudness::Silent,
        }
    }

    /// Overrides a parameter.
    pub fn set(&mut self, name: &str, value: &str) -> Result<&mut Self, OptionError> {
        if parameters::find(name).is_none() {
            return Err(OptionError::Unknown { name: name.to_owned(), known: parameters::names() });
        }
        self.set.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// Overrides a parameter given as `NAME=VALUE`.
    pub fn set_pair(&mut self, pair: &str) -> Result<&mut Self, OptionError> {
        let (name, value) = pair.split_once('=').ok_or_else(|| OptionError::NoValue(pair.to_owned()))?;
        self.set(name, value)
    }

    /// What a parameter is.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let defaults = tidings_manifest::PARAMETERS.iter();
        let mut all: BTreeMap<_, _> =
            defaults.map(|parameter| (parameter.name.to_owned(), parameter.default.to_owned())).collect();
        all.extend(HERE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all.extend(self.set.clone());
        all
    }

    /// The parameters that a function reads.
    pub(crate) fn parameters_of(&self, function: &str) -> BTreeMap<String, String> {
        let mut all = self.parameters();
        all.retain(|name, _| parameters::find(name).is_some_and(|parameter| parameter.is_for(function)));
        all
    }

    /// How many fan-out queues.
    pub(crate) fn shards(&self) -> Result<u32, OptionError> {
        let all = self.parameters();
        let shards = all.get("FANOUT_SHARDS").map(String::as_str).unwrap_or_default();
        shards
            .parse()
            .ok()
            .filter(|shards| (1..=256).contains(shards))
            .ok_or_else(|| OptionError::Shards(shards.to_owned()))
    }
}

/// The workspace that this was built in.
pub fn workspace() -> PathBuf {
    // localstack/cloud is two levels below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

/// The folder that cargo puts binaries of the running executable's profile into: `target/debug` for
/// `target/debug/tidings-local` and `target/debug/deps/some_test` alike.
pub fn own_folder() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    let folder = executable.parent().unwrap_or(Path::new("."));
    match folder.file_name() {
        Some(name) if name == "deps" || name == "examples" => folder.parent().unwrap_or(folder).to_owned(),
        _ => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parameters_are_refused_with_the_list() {
        let mut options = Options::for_tests();
        options.set_pair("INLINE_PUSH_MAX=0").unwrap();
        assert_eq!(options.parameters()["INLINE_PUSH_MAX"], "0");
        let error = options.set_pair("INLINE_PUSH=0").unwrap_err().to_string();
        assert!(error.contains("INLINE_PUSH_MAX") && error.contains("SIGN_UPS"), "{error}");
        assert_eq!(options.set_pair("SIGN_UPS").unwrap_err(), OptionError::NoValue("SIGN_UPS".to_owned()));
        options.set_pair("FANOUT_SHARDS=0").unwrap();
        assert_eq!(options.shards(), Err(OptionError::Shards("0".to_owned())));
    }
}
