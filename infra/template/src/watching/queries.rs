//! Saved queries of the logs. They cost nothing to have, so every stage on AWS has them.
//!
//! The fields are those of `tidings_runtime`'s log lines and metrics, and of the gateways' access logs. The platform's own
//! report lines are off, so that slow sends and cold starts are found in the metrics' lines.

use serde_json::{Value, json};
use tidings_manifest::Function;

use crate::document::{Named, Resource, Section};
use crate::intrinsics::{reference, sub};
use crate::names;
use crate::parameters::{ASKS_GATEWAY_LOGS, DEPLOYED};

/// Whose log is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// That of all functions.
    Functions,
    /// That of both gateways.
    Gateways,
}

/// A query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it tells.
    pub(crate) tells: &'static str,
    log: Log,
    text: &'static str,
}

/// What is shown of a line.
macro_rules! shown {
    () => {
        "fields @timestamp, level, message, error, span.action, span.request_id, @log\n"
    };
}

/// All of them.
pub(crate) const QUERIES: &[Query] = &[
    Query {
        name: "By request",
        tells: "everything that one call logged",
        log: Log::Functions,
        text: concat!(shown!(), "| filter span.request_id = \"REQUEST_ID\"\n| sort @timestamp asc"),
    },
    Query {
        name: "By trace",
        tells: "everything that was logged under one trace of X-Ray, over all functions",
        log: Log::Functions,
        text: concat!(shown!(), "| filter strcontains(span.trace_id, \"TRACE_ID\")\n| sort @timestamp asc"),
    },
    Query {
        name: "By user",
        tells: "what was logged while somebody was served; the log has a hash in place of the id, which the query's comment makes",
        log: Log::Functions,
        text: concat!(
            "# printf %s u_01J... | sha256sum | head -c 16\n",
            shown!(),
            "| filter span.user = \"HASH\"\n| sort @timestamp desc"
        ),
    },
    Query {
        name: "By conversation",
        tells: "the same for a conversation",
        log: Log::Functions,
        text: concat!(
            "# printf %s d:u_01J...:u_01J... | sha256sum | head -c 16\n",
            shown!(),
            "| filter span.conversation = \"HASH\"\n| sort @timestamp desc"
        ),
    },
    Query {
        name: "Errors",
        tells: "faults of ours, and calls that crashed or ran out of time, newest first",
        log: Log::Functions,
        text: concat!(
            shown!(),
            "| filter level in [\"ERROR\", \"FATAL\"] or record.status in [\"error\", \"failure\", \"timeout\"]\n",
            "| sort @timestamp desc"
        ),
    },
    Query {
        name: "What fails most",
        tells: "which calls fail, with their operation and code, and how often",
        log: Log::Functions,
        text: "filter level in [\"WARN\", \"ERROR\"]\n\
               | stats count(*) as times, latest(error) as example by message, operation, code, span.action, @log\n\
               | sort times desc",
    },
    Query {
        name: "Refusals",
        tells: "how many requests were refused, by function and reason",
        log: Log::Functions,
        text: "filter ispresent(Refusals) or ispresent(Unavailable) or ispresent(InternalFaults) or ispresent(Behind)\n\
               | stats sum(Refusals) as request, sum(Unavailable) as unavailable, sum(InternalFaults) as internal, \
               sum(Behind) as behind by Function",
    },
    Query {
        name: "Slow sends",
        tells: "the slowest sends, with what may be why",
        log: Log::Functions,
        text: "fields @timestamp, AckLatency, ColdStarts, Conflicts, Tasks, @logStream\n\
               | filter ispresent(AckLatency)\n| sort AckLatency desc\n| limit 50",
    },
    Query {
        name: "Cold starts",
        tells: "how many environments began, by function and hour",
        log: Log::Functions,
        text: "filter ispresent(ColdStarts)\n| stats sum(ColdStarts) as starts by Function, bin(1h)",
    },
    Query {
        name: "What the gateways refuse",
        tells: "requests that ended with 4xx or 5xx, by route and reason",
        log: Log::Gateways,
        text: "filter status like /^[45]/\n\
               | stats count(*) as times by route, status, error, integration_error\n| sort times desc",
    },
    Query {
        name: "By connection",
        tells: "everything that came over one socket",
        log: Log::Gateways,
        text: "fields @timestamp, route, status, error, integration_error, request\n\
               | filter connection = \"CONNECTION_ID\"\n| sort @timestamp asc",
    },
];

/// All of them, as resources.
pub(crate) fn section(functions: &[Function]) -> Section {
    let mut resources = Named::default();
    for query in QUERIES {
        let (groups, condition): (Vec<Value>, _) = match query.log {
            Log::Functions => {
                (functions.iter().map(|function| reference(names::log_group(&function.name))).collect(), DEPLOYED)
            }
            Log::Gateways => (["SocketLogGroup", "HttpLogGroup"].map(reference).into(), ASKS_GATEWAY_LOGS),
        };
        let properties = json!({
            // The part before the slash is a folder.
            "Name": sub(format!("tidings-${{Stage}}/{}", query.name)),
            "QueryString": query.text,
            "LogGroupNames": groups,
        });
        let id = format!("{}Query", names::camel(query.name));
        resources.add(id, Resource::new("AWS::Logs::QueryDefinition", properties).when(condition));
    }
    Section { title: "Saved queries of the logs", resources }
}
