//! A deployment that tests are pointed at instead of starting a cloud of their own.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidings_local::Endpoints;

/// The variable that describes it, as JSON: there is a key in it, which shall stand in no file.
const DESCRIPTION: &str = "TIDINGS_DEPLOYMENT";

/// A deployment, as `cargo xtask test --target ...` describes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deployment {
    /// Where everything is, and a key that may look at it.
    #[serde(flatten)]
    pub(crate) endpoints: Endpoints,
    /// What a key that is lent for some hours goes with.
    pub(crate) session_token: Option<String>,
    /// IAM, where tests may change roles.
    pub(crate) iam: Option<Iam>,
}

/// Where roles are enforced and may be changed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Iam {
    /// The service.
    pub(crate) endpoint: String,
    /// Names of the functions' roles, by the functions' names.
    pub(crate) roles: BTreeMap<String, String>,
}

impl Deployment {
    /// The one that tests shall run at, if there is one.
    pub(crate) fn named() -> Option<Self> {
        let text = std::env::var_os(DESCRIPTION)?.into_string().expect("the description is text");
        Some(serde_json::from_str(&text).expect("it describes a deployment"))
    }
}
