//! Every parameter of the functions, in one table: the local cloud sets them (`--set NAME=VALUE` changes one) and
//! the template turns each into a stack parameter. The functions read them once, at their start.

/// One setting of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// The environment variable's name.
    pub name: &'static str,
    /// What holds unless somebody says otherwise.
    pub default: &'static str,
    /// What it does, with its unit.
    pub description: &'static str,
    /// The functions that read it; nobody else is told. Empty: all of them. A function's whole environment has 4 KB.
    pub readers: &'static [&'static str],
}

impl Parameter {
    /// Whether that function is told of it.
    pub fn is_for(&self, function: &str) -> bool {
        self.readers.is_empty() || self.readers.contains(&function)
    }
}

/// Who posts and queues.
const DELIVER: &[&str] = &["deliver", "send", "sync"];
/// Who queues fan-out.
const QUEUE: &[&str] = &["api", "contact", "deliver", "group", "send", "sync"];
/// Who issues tokens.
const ISSUE: &[&str] = &["api"];

/// All of them.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "INLINE_PUSH_MAX",
        default: "4",
        description: "Up to how many connections a send posts to by itself; more go through the shard queues.",
        readers: DELIVER,
    },
    Parameter {
        name: "FANOUT_SHARDS",
        default: "2",
        description: "How many fan-out queues there are. An idle one costs about $0.26 a month in polls.",
        readers: QUEUE,
    },
    Parameter {
        name: "POSTS_PER_S",
        default: "10000",
        description: "How many gateway calls a second the account has (Service Quotas, API Gateway throttle); fan-out uses at most 70 % of them.",
        readers: &["deliver"],
    },
    Parameter {
        name: "ACCESS_TOKEN_TTL_S",
        default: "900",
        description: "How long an access token is good for, in seconds.",
        readers: ISSUE,
    },
    Parameter {
        name: "REFRESH_TOKEN_TTL_S",
        default: "2592000",
        description: "How long a refresh token is good for when it is not used, in seconds (30 days).",
        readers: ISSUE,
    },
    Parameter {
        name: "TICKET_TTL_S",
        default: "30",
        description: "How long a ticket opens a socket, in seconds.",
        readers: ISSUE,
    },
    Parameter {
        name: "DENY_LIST",
        default: "",
        description: "Users who may not connect, separated by commas. For emergencies: it takes a new configuration.",
        readers: &["authorizer"],
    },
    Parameter {
        name: "METRICS",
        default: "on",
        description: "Whether functions write metrics into their logs, about half a kilobyte a send: on or off.",
        readers: &[],
    },
    Parameter {
        name: "LOG_LEVEL",
        default: "WARN",
        description: "From which level on functions log: TRACE, DEBUG, INFO, WARN or ERROR.",
        readers: &[],
    },
    Parameter {
        name: "LOGIN_POLICY",
        default: "unlimited",
        description: "On how many devices a person may be signed in at once: unlimited, one_per_class (phone, tablet, desktop, web) or single. A sign-in ends the sessions that it displaces.",
        readers: ISSUE,
    },
    Parameter {
        name: "DIRECT_MESSAGES",
        default: "contacts",
        description: "Who may write to somebody: contacts, or anyone (unless they say otherwise).",
        readers: &["group", "presence", "send"],
    },
    Parameter {
        name: "SIGN_UPS",
        default: "open",
        description: "Whether anybody may register: open or closed.",
        readers: ISSUE,
    },
];

/// The parameter of that name.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The names, as a person reads them in an error.
pub fn names() -> String {
    PARAMETERS.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ")
}
