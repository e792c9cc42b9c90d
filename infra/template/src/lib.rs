//! The deployment template, `infra/template.yaml`: made from what the code says about itself, so that an action, a
//! route, a table, a parameter or a function is deployed by being there.
//!
//! | what | comes from |
//! | --- | --- |
//! | routes of the socket, and which of them answer | `tidings_protocol::actions::ACTIONS` |
//! | routes of the HTTP API | `tidings_protocol::http::ROUTES` |
//! | functions, their sizes, rights and queues | `functions/*/function.toml` |
//! | tables | `tidings_tables::TABLES` |
//! | parameters of the functions | `tidings_manifest::PARAMETERS` |
//! | what a port may do | [`grants::GRANTS`] |
//! | alarms and the dashboard | `tidings_metrics::METRICS`, and what AWS measures of all of the above |
//!
//! The number of shards is the one thing that is not in the code: it stands in the file itself ([`shards_of`]), and
//! `cargo xtask template --shards N` changes it.

mod access_logs;
mod document;
mod domains;
mod environment;
mod files;
mod functions;
pub mod grants;
mod http;
pub mod init;
mod intrinsics;
pub mod names;
mod outputs;
mod page;
mod parameters;
mod queues;
pub mod rights;
mod roles;
mod socket;
mod tables;
pub mod throttles;
mod watching;

use tidings_manifest::{Function, Trigger};

pub use document::{Named, Resource, Section, Template};
pub use environment::KEYS_SECRET;
pub use files::PENDING;
pub use http::route_id as http_route_id;
pub use outputs::{Told, told};
pub use socket::route_id as socket_route_id;
pub use watching::runbook;

/// Where the template is, from the repository's root.
pub const PATH: &str = "infra/template.yaml";

/// The most shards. The URLs of all queues are in the environment of each function that fills them, and Lambda allows
/// 4 KB for all of a function's variables.
pub const SHARDS_MAX: u32 = 32;

/// What a function's variables may take together, names and values, in bytes. Source: Lambda quotas.
pub const ENVIRONMENT_BYTES_MAX: usize = 4 * 1024;

/// What stands before the number of shards in the file's header.
const SHARDS_MARK: &str = "cargo xtask template --shards ";

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// So many queues cannot be.
    #[error(
        "{shards} shards cannot be: there must be 1 to {SHARDS_MAX}, as the URLs of all queues must fit a function's environment"
    )]
    Shards {
        /// How many were asked for.
        shards: u32,
    },
    /// A function wants a port that no right is known for.
    #[error(
        "functions/{function}/function.toml names the port {port:?}, and there are {known}; a new one is a line in infra/template/src/grants.rs"
    )]
    Port {
        /// Whose.
        function: String,
        /// Which.
        port: String,
        /// Those that there are.
        known: String,
    },
    /// Two things would have the same logical id.
    #[error(
        "two things in the template would be called {name}; rename the function, action or queue that it comes from"
    )]
    Twice {
        /// The logical id.
        name: String,
    },
    /// Two functions want to decide who connects.
    #[error("{count} functions have trigger = \"authorizer\", and the socket needs exactly one")]
    Authorizers {
        /// How many there are.
        count: usize,
    },
    /// The YAML could not be written.
    #[error("the template cannot be written: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// The template for these functions and so many shards.
pub fn build(functions: &[Function], shards: u32) -> Result<Template, TemplateError> {
    if !(1..=SHARDS_MAX).contains(&shards) {
        return Err(TemplateError::Shards { shards });
    }
    let count = functions.iter().filter(|function| function.manifest.trigger == Trigger::Authorizer).count();
    if count != 1 {
        return Err(TemplateError::Authorizers { count });
    }
    let (parameters, interface) = parameters::section();
    let mut metadata = Named::default();
    metadata.add("AWS::CloudFormation::Interface", interface);
    let template = Template {
        header: header(shards),
        description: "Tidings: instant messaging without servers to run",
        metadata,
        parameters,
        rules: parameters::rules(),
        conditions: parameters::conditions(),
        globals: functions::globals(shards),
        sections: vec![
            functions::section(functions, shards)?,
            socket::section(functions),
            http::section(),
            tables::section(),
            queues::section(functions, shards),
            files::section(),
            page::section(),
            domains::section(),
            watching::alarms::section(functions, shards),
            watching::dashboard::section(functions, shards),
            watching::queries::section(functions),
        ],
        outputs: outputs::section(shards),
    };
    template.check_names()?;
    Ok(template)
}

/// The file's whole text.
pub fn render(functions: &[Function], shards: u32) -> Result<String, TemplateError> {
    build(functions, shards)?.to_yaml()
}

/// How many shards a file was made for.
pub fn shards_of(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("#")?.trim().strip_prefix(SHARDS_MARK)?.parse().ok())
}

/// How many shards there are where nothing else is said.
pub fn default_shards() -> Option<u32> {
    tidings_manifest::parameters::find(environment::SHARDS)?.default.parse().ok()
}

fn header(shards: u32) -> Vec<String> {
    [
        "Generated, not written: from the tables of actions and routes, the table definitions, the parameters and every".to_owned(),
        "functions/*/function.toml. Change those and run `cargo xtask template`; a test fails when this file is stale.".to_owned(),
        "This one is what the following makes; another number makes it for more load:".to_owned(),
        String::new(),
        format!("  {SHARDS_MARK}{shards}"),
    ]
    .into()
}
