//! Which crate may depend on which. The layers are separate crates, so a forbidden `use` does not compile; this
//! table says what is forbidden, and why, when somebody is about to add a line to a Cargo.toml.
//!
//! A crate is named by its folder, a group of them by `folder/*`.

/// One of our crates.
#[derive(Clone, Debug)]
pub struct Crate {
    /// The package's name.
    pub name: String,
    /// Where it lies, from the root.
    pub folder: String,
    /// Everything that its Cargo.toml declares.
    pub dependencies: Vec<Dependency>,
}

/// A declared dependency.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether it is a dev-dependency.
    pub for_tests: bool,
}

/// What a crate may use of ours, outside its tests.
struct Rule {
    of: &'static str,
    may_use: &'static [&'static str],
    because: &'static str,
}

const DOMAIN: &str = "shared/domain";
const APPLICATION: &str = "shared/application";
const PROTOCOL: &str = "shared/protocol";
const ASSEMBLY: &str = "shared/assembly";
const RUNTIME: &str = "shared/runtime";
const TESTKIT: &str = "shared/testkit";
const CHECKER: &str = "shared/checker";
const METRICS: &str = "shared/metrics";
const TABLES: &str = "shared/infrastructure/tables";
const WIRE: &str = "shared/infrastructure/wire";
const KEYS: &str = "infra/keys";
const MANIFEST: &str = "infra/manifest";
const TEMPLATE: &str = "infra/template";
const CLIENT: &str = "clients/rust";
const STAGE: &str = "clients/stage";

const RULES: &[Rule] = &[
    Rule { of: DOMAIN, may_use: &[], because: "the domain is rules alone and knows nobody" },
    Rule { of: PROTOCOL, may_use: &[DOMAIN], because: "wire types spell the domain's ids and know no use case" },
    Rule { of: APPLICATION, may_use: &[DOMAIN], because: "use cases know ports, not adapters and not the wire" },
    Rule { of: TABLES, may_use: &[DOMAIN], because: "tables are keys and names, shared with the local cloud" },
    Rule {
        of: WIRE,
        may_use: &[DOMAIN, PROTOCOL],
        because: "it says how the domain looks on the wire, and does nothing",
    },
    Rule {
        of: "shared/infrastructure/dynamodb",
        may_use: &[DOMAIN, APPLICATION, TABLES],
        because: "an adapter implements ports and knows no other adapter",
    },
    Rule {
        of: "shared/infrastructure/sqs",
        may_use: &[DOMAIN, APPLICATION, PROTOCOL, WIRE],
        because: "an adapter implements ports and knows no other adapter",
    },
    Rule {
        of: "shared/infrastructure/gateway",
        may_use: &[DOMAIN, APPLICATION, PROTOCOL, WIRE],
        because: "an adapter implements ports and knows no other adapter",
    },
    Rule {
        of: "shared/infrastructure/identity",
        may_use: &[DOMAIN, APPLICATION],
        because: "an adapter implements ports and knows no other adapter",
    },
    Rule {
        of: RUNTIME,
        may_use: &[DOMAIN, APPLICATION, PROTOCOL, WIRE, METRICS],
        because: "the runtime turns events into requests; a function picks its adapters itself",
    },
    Rule {
        of: ASSEMBLY,
        may_use: &[RUNTIME, APPLICATION, DOMAIN, "shared/infrastructure/*"],
        because: "it puts adapters together for several functions, and knows none of them",
    },
    Rule {
        of: "functions/*",
        may_use: &[ASSEMBLY, RUNTIME, APPLICATION, DOMAIN, PROTOCOL, METRICS, "shared/infrastructure/*"],
        because: "a function wires use cases to adapters and knows no other function",
    },
    Rule {
        of: TESTKIT,
        may_use: &[DOMAIN, APPLICATION],
        because: "fakes implement ports; with adapters in them they would prove nothing",
    },
    Rule { of: CHECKER, may_use: &[DOMAIN], because: "a judge knows the rules and nobody who is judged" },
    Rule {
        of: METRICS,
        may_use: &[],
        because: "a table of metrics is read by functions and tools that share nothing else",
    },
    Rule { of: KEYS, may_use: &[], because: "a key pair is two texts, for tools that know no code of ours" },
    Rule { of: MANIFEST, may_use: &[], because: "a function's manifest is read by tools, which know no code of ours" },
    Rule {
        of: TEMPLATE,
        may_use: &[MANIFEST, TABLES, PROTOCOL, METRICS],
        because: "the template is made from tables that say what there is, and knows no code that runs",
    },
    Rule {
        of: "localstack/cloud",
        may_use: &[KEYS, MANIFEST, TABLES, PROTOCOL, METRICS],
        because: "the local cloud stands in for AWS, which knows nothing of Tidings' rules",
    },
    Rule {
        of: CLIENT,
        may_use: &[PROTOCOL, DOMAIN],
        because: "a client shares the wire with the server, not its code",
    },
    Rule {
        of: STAGE,
        may_use: &[CLIENT, CHECKER, PROTOCOL, DOMAIN],
        because: "it plays people on real clients, and a run is judged by one checker",
    },
    Rule {
        of: "clients/cli",
        may_use: &[CLIENT, STAGE, CHECKER, PROTOCOL, DOMAIN],
        because: "a client shares the wire with the server, not its code; a run is judged by one checker",
    },
    Rule {
        of: "tests/models",
        may_use: &[DOMAIN, APPLICATION, TESTKIT],
        because: "a model is the domain's own protocols and a world; a rule from elsewhere would prove nothing",
    },
    Rule { of: "tests/*", may_use: &["*"], because: "tests may look at everything" },
    Rule {
        of: "xtask",
        may_use: &[PROTOCOL, KEYS, MANIFEST, METRICS, TEMPLATE],
        because: "the first command on a fresh machine builds in seconds",
    },
];

/// Other people's crates that only some of ours may use, outside their tests.
struct Ban {
    crates: &'static [&'static str],
    only_in: &'static [&'static str],
    because: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        crates: &["aws-sdk-dynamodb", "serde_dynamo"],
        only_in: &["shared/infrastructure/dynamodb", "tests/*"],
        because: "DynamoDB is spoken to in its adapter alone",
    },
    Ban {
        crates: &["aws-sdk-sqs"],
        only_in: &["shared/infrastructure/sqs", "tests/*"],
        because: "SQS is spoken to in its adapter alone",
    },
    Ban {
        crates: &["aws-sdk-s3"],
        only_in: &["shared/infrastructure/s3", "tests/*"],
        because: "S3 is spoken to in its adapter alone",
    },
    Ban {
        crates: &["aws-sdk-apigatewaymanagement"],
        only_in: &["shared/infrastructure/gateway", "tests/*"],
        because: "the gateway is spoken to in its adapter alone",
    },
    Ban {
        crates: &["lambda_runtime", "lambda_http"],
        only_in: &[RUNTIME, "functions/*", "tests/*"],
        because: "only presentation knows that it runs on Lambda",
    },
];

/// Crates of ours that take nothing from others but this.
struct Closed {
    of: &'static str,
    but: &'static [&'static str],
    because: &'static str,
}

const CLOSED: &[Closed] = &[
    Closed { of: DOMAIN, but: &["ulid"], because: "rules need no serialisation, no async and no AWS" },
    Closed { of: CHECKER, but: &[], because: "a judge that does I/O could see what the run did not tell" },
    Closed {
        of: APPLICATION,
        but: &["futures-util", "thiserror"],
        because: "use cases need ports and no I/O; whatever does I/O is an adapter",
    },
];

/// Every rule that the crates break, a sentence each.
pub fn check(crates: &[Crate]) -> Vec<String> {
    let mut broken = Vec::new();
    for one in crates {
        let Some(rule) = RULES.iter().find(|rule| matches(rule.of, &one.folder)) else {
            broken.push(format!("{} has no rule: say in tests/architecture/src/edges.rs what it may use", one.folder));
            continue;
        };
        for dependency in one.dependencies.iter().filter(|dependency| !dependency.for_tests) {
            let ours = crates.iter().find(|other| other.name == dependency.name);
            broken.extend(match ours {
                Some(other) => inside(one, other, rule),
                None => outside(one, &dependency.name),
            });
        }
    }
    broken
}

fn inside(one: &Crate, other: &Crate, rule: &Rule) -> Option<String> {
    if rule.may_use.iter().any(|pattern| matches(pattern, &other.folder)) {
        return None;
    }
    let because = if other.folder == TESTKIT { "the testkit is for tests: a dev-dependency" } else { rule.because };
    Some(format!("{} may not use {}: {because}", one.folder, other.folder))
}

fn outside(one: &Crate, name: &str) -> Option<String> {
    let banned = BANS
        .iter()
        .find(|ban| ban.crates.contains(&name) && !ban.only_in.iter().any(|pattern| matches(pattern, &one.folder)));
    let closed = CLOSED.iter().find(|closed| closed.of == one.folder && !closed.but.contains(&name));
    let because = banned.map(|ban| ban.because).or(closed.map(|closed| closed.because))?;
    Some(format!("{} may not use {name}: {because}", one.folder))
}

/// `*` is everything, `folder/*` what lies right in a folder, anything else itself.
fn matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(parent) => folder.strip_prefix(parent).is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up workspace in which `from` uses `to`.
    fn broken(from: &str, to: &str, for_tests: bool) -> Vec<String> {
        let ours =
            ["shared/domain", "shared/testkit", "shared/infrastructure/dynamodb", "functions/send", "functions/sync"];
        let mut crates: Vec<_> = ours
            .iter()
            .filter(|folder| **folder != from)
            .map(|folder| Crate { name: (*folder).to_owned(), folder: (*folder).to_owned(), dependencies: vec![] })
            .collect();
        let dependency = Dependency { name: to.to_owned(), for_tests };
        crates.push(Crate { name: from.to_owned(), folder: from.to_owned(), dependencies: vec![dependency] });
        check(&crates)
    }

    #[test]
    fn a_forbidden_edge_is_a_sentence_with_the_reason() {
        for (from, to, says) in [
            ("shared/application", "shared/infrastructure/dynamodb", "use cases know ports"),
            ("shared/domain", "shared/infrastructure/dynamodb", "knows nobody"),
            ("localstack/cloud", "shared/domain", "knows nothing of Tidings' rules"),
            ("functions/send", "functions/sync", "knows no other function"),
            ("functions/send", "shared/testkit", "a dev-dependency"),
            ("shared/domain", "serde", "no serialisation"),
            ("shared/application", "tokio", "no I/O"),
            ("functions/send", "aws-sdk-dynamodb", "in its adapter alone"),
            ("shared/infrastructure/sqs", "lambda_runtime", "only presentation"),
            ("tests/models", "shared/infrastructure/dynamodb", "would prove nothing"),
            ("shared/new", "serde", "has no rule"),
        ] {
            let broken = broken(from, to, false);
            assert_eq!(broken.len(), 1, "{from} -> {to}: {broken:?}");
            assert!(broken[0].contains(says) && broken[0].contains(from), "{broken:?}");
        }
    }

    #[test]
    fn what_is_allowed_passes() {
        for (from, to) in [
            ("functions/send", "shared/infrastructure/dynamodb"),
            ("shared/domain", "ulid"),
            ("tests/any", "functions/send"),
            ("tests/any", "shared/testkit"),
            ("shared/runtime", "lambda_runtime"),
        ] {
            assert_eq!(broken(from, to, false), Vec::<String>::new(), "{from} -> {to}");
        }
        assert_eq!(broken("shared/application", "shared/testkit", true), Vec::<String>::new(), "for its tests");
    }
}
