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
}

/// All of them.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "INLINE_PUSH_MAX",
        default: "4",
        description: "Up to how many connections a send posts to by itself; more go through the shard queues.",
    },
    Parameter {
        name: "FANOUT_SHARDS",
        default: "2",
        description: "How many fan-out queues there are. An idle one costs about $0.26 a month in polls.",
    },
    Parameter {
        name: "POSTS_PER_S",
        default: "10000",
        description: "How many gateway calls a second the account has (Service Quotas, API Gateway throttle); fan-out uses at most 70 % of them.",
    },
    Parameter {
        name: "ACCESS_TOKEN_TTL_S",
        default: "900",
        description: "How long an access token is good for, in seconds.",
    },
    Parameter {
        name: "REFRESH_TOKEN_TTL_S",
        default: "2592000",
        description: "How long a refresh token is good for when it is not used, in seconds (30 days).",
    },
    Parameter { name: "TICKET_TTL_S", default: "30", description: "How long a ticket opens a socket, in seconds." },
    Parameter {
        name: "DENY_LIST",
        default: "",
        description: "Users who may not connect, separated by commas. For emergencies: it takes a new configuration.",
    },
    Parameter {
        name: "METRICS",
        default: "on",
        description: "Whether functions write metrics into their logs, about half a kilobyte a send: on or off.",
    },
    Parameter {
        name: "LOG_LEVEL",
        default: "WARN",
        description: "From which level on functions log: TRACE, DEBUG, INFO, WARN or ERROR. Lambda's own application log level stays at INFO, or it drops the metrics.",
    },
    Parameter { name: "SIGN_UPS", default: "open", description: "Whether anybody may register: open or closed." },
];

/// The parameter of that name.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The names, as a person reads them in an error.
pub fn names() -> String {
    PARAMETERS.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ")
}
