//! Tables for Markdown pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use tidings_domain::identity::{DisplayName, Password, Platform, Username, UsernamePrefix};
use tidings_domain::ids::{ClientId, ConversationId, DeviceId, GroupId, UserId};
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

use super::Section;
use super::definitions::{full, meaning, wire_name};
use crate::actions::{ACTIONS, Exchange, Permission, SyncedConversation};
use crate::entry::Entry;
use crate::error::ErrorCode;
use crate::http::{HttpAuth, HttpInput, ROUTES};
use crate::limits;
use crate::shape::Shape;
use crate::text::OnWire;

/// Every section that a page may ask for.
pub fn sections() -> Vec<Section> {
    vec![
        Section { name: "actions", content: actions() },
        Section { name: "permissions", content: tidings_domain::group::permissions::table() },
        Section { name: "budgets", content: budgets() },
        Section { name: "routes", content: routes() },
        Section { name: "errors", content: errors() },
        Section { name: "limits", content: wire_limits() },
        Section { name: "grammar", content: grammar() },
        Section { name: "entry", content: fields(Shape::of::<Entry>()) },
        Section { name: "conversation", content: fields(Shape::of::<SyncedConversation>()) },
    ]
}

/// A table; cells are written as they come.
struct Table(String);

impl Table {
    fn new<const N: usize>(heads: [&str; N]) -> Self {
        let mut table = Self(String::new());
        table.row(&heads.map(str::to_owned));
        table.row(&heads.map(|_| "---".to_owned()));
        table
    }

    fn row<const N: usize>(&mut self, cells: &[String; N]) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn actions() -> String {
    let mut table = Table::new(["action", "function", "who may", "request", "reply", "what it does"]);
    for action in ACTIONS {
        let (request, reply) = match action.exchange {
            Exchange::Lifecycle => ("-".to_owned(), "-".to_owned()),
            Exchange::Silent { request, .. } => (code(&(request.name)()), "none".to_owned()),
            Exchange::Reply { request, reply, .. } => (code(&(request.name)()), code(&(reply.name)())),
        };
        let who = match action.permission {
            Permission::Gateway => "the gateway, by ticket",
            Permission::SignedIn => "anybody signed in",
            Permission::Member => "members of the conversation",
        };
        let function = action.function.map_or_else(|| "none: the gateway answers".to_owned(), code);
        table.row(&[code(action.name), function, who.to_owned(), request, reply, action.summary.to_owned()]);
    }
    table.0
}

fn budgets() -> String {
    let mut table = Table::new([
        "action",
        "case",
        "gateway messages",
        "write units",
        "read units",
        "invocations",
        "queue requests",
    ]);
    for action in ACTIONS {
        let budget = action.budget;
        table.row(&[
            code(action.name),
            budget.case.to_owned(),
            budget.gateway_messages.to_string(),
            budget.write_units.to_string(),
            budget.read_units.to_string(),
            budget.invocations.to_string(),
            budget.queue_requests.to_string(),
        ]);
    }
    table.0
}

fn routes() -> String {
    let mut table = Table::new(["route", "function", "carries", "takes", "answers", "errors", "what it does"]);
    for route in ROUTES {
        let takes = match route.input {
            HttpInput::None => "-".to_owned(),
            HttpInput::Query(shape, _) => format!("query {}", code(&(shape.name)())),
            HttpInput::Json(shape, _) => format!("body {}", code(&(shape.name)())),
        };
        let reply = (route.reply.name)();
        // A type without a name of its own is a plain object.
        let reply = if reply.contains("Map") || reply == "AnyValue" { "an object".to_owned() } else { code(&reply) };
        let errors: Vec<_> = route.errors().iter().map(|error| code(&wire_name(error))).collect();
        table.row(&[
            code(&format!("{} {}", route.method, route.path)),
            code(route.function),
            match route.auth {
                HttpAuth::None => "-",
                HttpAuth::Bearer => "bearer",
            }
            .to_owned(),
            takes,
            format!("{} {reply}", route.status),
            errors.join(" "),
            route.summary.to_owned(),
        ]);
    }
    table.0
}

fn errors() -> String {
    let mut table = Table::new(["code", "HTTP status", "again?", "meaning"]);
    for error in ErrorCode::ALL {
        table.row(&[
            code(&wire_name(&error)),
            error.http_status().to_string(),
            if error.retryable() { "retryable" } else { "no" }.to_owned(),
            meaning(error),
        ]);
    }
    table.0
}

/// The limits of the wire with their values; what they mean is read from their documentation.
fn wire_limits() -> String {
    let source = include_str!("../limits.rs");
    let mut table = Table::new(["limit", "value", "what it limits"]);
    for (name, value) in LIMITS {
        table.row(&[code(name), value(), documentation(source, name).unwrap_or_default()]);
    }
    table.0
}

/// The spelling of everything that travels as a text of its own.
fn grammar() -> String {
    let mut table = Table::new(["what", "spelling", "example"]);
    for [name, pattern, example] in [
        spelling::<UserId>(),
        spelling::<GroupId>(),
        spelling::<ConversationId>(),
        spelling::<ClientId>(),
        spelling::<DeviceId>(),
        spelling::<Platform>(),
        spelling::<Username>(),
        spelling::<UsernamePrefix>(),
        spelling::<DisplayName>(),
        spelling::<Password>(),
        spelling::<Bio>(),
        spelling::<Language>(),
        spelling::<TimeZone>(),
        spelling::<MessagesFrom>(),
        spelling::<PresenceTo>(),
    ] {
        // A bar would end the cell.
        table.row(&[name.to_owned(), code(&pattern.replace('|', "\\|")), code(example)]);
    }
    table.0
}

fn spelling<T: OnWire>() -> [&'static str; 3] {
    [T::NAME, T::PATTERN, T::EXAMPLE]
}

/// The fields of an object, by name.
fn fields(shape: Shape) -> String {
    let schema = full(shape);
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties: BTreeMap<_, _> = schema["properties"].as_object().into_iter().flatten().collect();
    let mut table = Table::new(["field", "type", "meaning"]);
    for (name, field) in properties {
        let optional = if required.contains(&name.as_str()) { "" } else { ", optional" };
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        table.row(&[code(name), format!("{}{optional}", kind(field)), meaning]);
    }
    table.0
}

/// What a schema admits, in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return code(reference.rsplit('/').next().unwrap_or(reference));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let kinds: Vec<_> = choices.iter().map(kind).filter(|kind| kind != "null").collect();
        return kinds.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", self::kind(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "object".to_owned(),
    }
}

/// A limit's name and its value for people.
type Limit = (&'static str, fn() -> String);

macro_rules! limits {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), || value(&limits::$name))),*]
    };
}

const LIMITS: &[Limit] = limits![
    FRAME_MAX,
    ENTRY_EVENT_MAX,
    ENTRY_OVERHEAD_MAX,
    BODY_MAX,
    REQUEST_ID_MAX,
    HTTP_REPLY_MAX,
    PING_WITHIN_S,
    CONNECTION_MAX_S,
    PRESENCE_USERS_MAX,
    WATCH_S,
    WATCH_MAX_S,
    TYPING_EVERY_MS,
    RESEND_AFTER_S,
    GAP_WAIT_MS,
];

/// `300..=600` reads better as `300 to 600`, and 4194304 with its thousands apart.
fn value(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split("..=").map(thousands).collect::<Vec<_>>().join(" to ")
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The `///` lines above `pub const NAME`, as one line.
fn documentation(source: &str, name: &str) -> Option<String> {
    let mut lines = Vec::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("///") {
            lines.push(text.trim());
        } else if line.starts_with(&format!("pub const {name}:")) {
            return Some(lines.join(" "));
        } else {
            lines.clear();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tidings_domain::group::permissions::Act;

    use super::*;

    #[test]
    fn every_limit_is_in_the_table_with_its_documentation() {
        let source = include_str!("../limits.rs");
        let declared = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
        assert_eq!(declared.collect::<Vec<_>>(), LIMITS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (name, _) in LIMITS {
            assert!(documentation(source, name).is_some_and(|text| !text.is_empty()), "{name}");
        }
    }

    /// What is said of a group to oneself alone needs no leave, and what outsiders may ask is no member's right.
    #[test]
    fn every_action_of_members_in_groups_is_an_act_of_the_table_of_permissions() {
        let named: BTreeSet<_> = Act::ALL.iter().flat_map(|act| act.actions()).copied().collect();
        let of_members = ACTIONS.iter().filter(|action| action.name.starts_with("group."));
        let of_members = of_members.filter(|action| action.permission == Permission::Member);
        let mut expected: BTreeSet<_> = of_members.map(|action| action.name).collect();
        expected.remove("group.remark");
        expected.extend(["group.info", "message.send"]);
        assert_eq!(named, expected);
    }

    #[test]
    fn values_are_for_people() {
        assert_eq!(value(&limits::HTTP_REPLY_MAX), "2,621,440");
        assert_eq!(value(&limits::GAP_WAIT_MS), "300 to 600");
        assert_eq!(value(&64), "64");
    }

    #[test]
    fn every_error_has_a_meaning() {
        for error in ErrorCode::ALL {
            assert!(!meaning(error).is_empty(), "{error:?}");
        }
    }
}
