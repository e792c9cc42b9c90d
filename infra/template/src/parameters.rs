//! What whoever deploys may say, and the conditions that follow from it.

use serde_json::{Value, json};
use tidings_manifest::PARAMETERS;
use tidings_tables::{TABLES, TableSpec};

use crate::document::Named;
use crate::domains::{API_DOMAIN, DOMAINS, PAGE_DOMAIN, SOCKET_DOMAIN};
use crate::environment::SHARDS;
use crate::intrinsics::{all, is, not};
use crate::names;

/// It runs on AWS.
pub(crate) const DEPLOYED: &str = "Deployed";
/// It runs on an emulator of AWS.
pub(crate) const EMULATED: &str = "Emulated";
/// Data outlives the stack.
pub(crate) const KEEPS_DATA: &str = "KeepsData";
/// Gateways log requests.
pub(crate) const ACCESS_LOGS: &str = "LogsAccess";
/// The stack sets the account's role for gateway logs.
pub(crate) const SETS_GATEWAY_ROLE: &str = "SetsGatewayLogRole";
/// Functions are traced.
pub(crate) const TRACES: &str = "Traced";
/// Tables are encrypted with the account's own key.
pub(crate) const MANAGED_KEY: &str = "EncryptsWithManagedKey";

/// Alarms and a dashboard are there.
pub(crate) const WATCHED: &str = "Watched";
/// Alarms are mailed.
pub(crate) const MAILS_ALARMS: &str = "MailsAlarms";
/// Gateways' logs can be asked.
pub(crate) const ASKS_GATEWAY_LOGS: &str = "AsksGatewayLogs";

/// The longest name of a stage. It is part of every queue's URL, and a function's whole environment may have 4 KB.
pub(crate) const STAGE_LETTERS_MAX: usize = 16;

/// What an account may do at first, requests a second and at once. Source: API Gateway quotas, "Throttle quota per
/// account, per Region".
const ACCOUNT_REQUESTS_PER_S: u32 = 10_000;
const ACCOUNT_BURST: u32 = 5_000;

/// What a new table on demand takes at once, in units a second. Source: DynamoDB, "Warm throughput".
const WARM_READS: u32 = 12_000;
const WARM_WRITES: u32 = 4_000;

/// How long logs are kept at first, in days.
const LOG_RETENTION_DAYS: u32 = 30;

/// What CloudWatch Logs takes, in days. Source: `PutRetentionPolicy`.
const LOG_RETENTIONS: [u32; 16] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_827];

/// A parameter under a heading.
struct Parameters {
    all: Named<Value>,
    groups: Vec<Value>,
}

impl Parameters {
    fn group(&mut self, title: &str, parameters: Vec<(String, Value)>) {
        let names: Vec<_> = parameters.iter().map(|(name, _)| name.clone()).collect();
        self.groups.push(json!({ "Label": { "default": title }, "Parameters": names }));
        for (name, parameter) in parameters {
            self.all.add(name, parameter);
        }
    }
}

fn text(name: &str, default: &str, description: &str) -> (String, Value) {
    (name.to_owned(), json!({ "Type": "String", "Default": default, "Description": description }))
}

fn choice(name: &str, values: &[&str], description: &str) -> (String, Value) {
    let parameter = json!({
        "Type": "String",
        "Default": values.first(),
        "AllowedValues": values,
        "Description": description,
    });
    (name.to_owned(), parameter)
}

fn number(name: &str, default: u32, description: &str) -> (String, Value) {
    let parameter = json!({ "Type": "Number", "Default": default, "MinValue": 0, "Description": description });
    (name.to_owned(), parameter)
}

/// The section `Parameters`, and their headings for the console.
pub(crate) fn section() -> (Named<Value>, Value) {
    let mut parameters = Parameters { all: Named::default(), groups: Vec::new() };
    parameters.group("The stage", stage());
    parameters.group("What it does", behaviour());
    parameters.group("Sizes", sizes());
    parameters.group("Data and keys", data());
    parameters.group("Watching", watching());
    parameters.group("Domains", domains());
    parameters.group("Emulators", vec![text(
        "EmulatorHost",
        "",
        "Host and port of an emulator (127.0.0.1:4566). Leaves out what emulators do not know. On AWS it stays empty.",
    )]);
    (parameters.all, json!({ "ParameterGroups": parameters.groups }))
}

fn stage() -> Vec<(String, Value)> {
    let stage = json!({
        "Type": "String",
        "Default": "dev",
        "AllowedPattern": format!("[a-z][a-z0-9]{{0,{}}}", STAGE_LETTERS_MAX - 1),
        "ConstraintDescription": format!("a small letter, then small letters and digits, {STAGE_LETTERS_MAX} at most"),
        "Description": "Which deployment this is. Part of the name of everything in it.",
    });
    let retention = json!({
        "Type": "Number",
        "Default": LOG_RETENTION_DAYS,
        "AllowedValues": LOG_RETENTIONS,
        "Description": "How many days logs are kept.",
    });
    vec![
        ("Stage".to_owned(), stage),
        choice("Architecture", &["arm64", "x86_64"], "What the functions were built for. arm64 costs a fifth less."),
        ("LogRetentionDays".to_owned(), retention),
        choice(
            "AccessLogs",
            &["on", "off"],
            "Whether the gateways log a line of some 250 bytes for each request: about $0.13 a million.",
        ),
        choice(
            "GatewayLogRole",
            &["create", "present"],
            "WebSocket APIs log through a role of the whole account and region: create it, or leave what is present.",
        ),
        choice("Traces", &["off", "on"], "Whether X-Ray traces the functions: $5 a million traces."),
    ]
}

/// The functions' own parameters.
fn behaviour() -> Vec<(String, Value)> {
    let own = PARAMETERS.iter().filter(|parameter| parameter.name != SHARDS);
    own.map(|parameter| {
        let r#type = if parameter.default.parse::<u64>().is_ok() { "Number" } else { "String" };
        let definition = json!({ "Type": r#type, "Default": parameter.default, "Description": parameter.description });
        (names::camel(parameter.name), definition)
    })
    .collect()
}

fn sizes() -> Vec<(String, Value)> {
    let mut sizes = vec![
        number("SocketRequestsPerS", ACCOUNT_REQUESTS_PER_S, "Frames a second that the socket takes from all clients."),
        number("SocketRequestBurst", ACCOUNT_BURST, "How many of them at once."),
        number("HttpRequestsPerS", ACCOUNT_REQUESTS_PER_S, "Requests a second that the HTTP API takes."),
        number("HttpRequestBurst", ACCOUNT_BURST, "How many of them at once."),
    ];
    for table in TABLES {
        for (name, least, what) in [(warm_reads(table), WARM_READS, "Read"), (warm_writes(table), WARM_WRITES, "Write")]
        {
            let says = format!(
                "{what} units a second that the table {} is warmed up for. It is paid for once, and cannot be taken back.",
                table.name
            );
            let parameter = json!({ "Type": "Number", "Default": least, "MinValue": least, "Description": says });
            sizes.push((name, parameter));
        }
    }
    sizes
}

fn data() -> Vec<(String, Value)> {
    vec![
        choice("KeepData", &["yes", "no"], "Whether tables and files outlive the stack when it is deleted."),
        choice("DeletionProtection", &["true", "false"], "Whether DynamoDB refuses to delete the tables."),
        choice(
            "PointInTimeRecovery",
            &["true", "false"],
            "Whether tables can be restored to any second of the last 35 days: about $0.20 a GB and month.",
        ),
        choice(
            "TableKey",
            &["owned", "managed"],
            "Whose key encrypts the tables: one of DynamoDB's own, free of charge, or the account's aws/dynamodb.",
        ),
        text(
            "KeysVersion",
            "",
            "Version id of the secret tidings-STAGE-keys; empty is the current one. A new one here makes the functions \
             take new keys.",
        ),
    ]
}

fn watching() -> Vec<(String, Value)> {
    vec![
        choice(
            "Alarms",
            &["yes", "no"],
            "Whether there are alarms and a dashboard; infra/README.md says what they cost.",
        ),
        text("AlarmEmail", "", "Who is written to when an alarm rings. Empty: nobody; others subscribe to the topic."),
    ]
}

fn domains() -> Vec<(String, Value)> {
    let origins = json!({
        "Type": "CommaDelimitedList",
        "Default": "*",
        "Description": "Web pages that may call the API and fetch files. Tokens travel in a header that only the page \
            which has them can set, and never in cookies, so any page may ask; it gets nothing by it.",
    });
    vec![
        ("AllowedOrigins".to_owned(), origins),
        text(API_DOMAIN.parameter, "", "A domain of one's own for the HTTP API. Empty: the one that AWS gives."),
        text(SOCKET_DOMAIN.parameter, "", "The same for the socket."),
        text("CertificateArn", "", "The certificate of both, in this region."),
        text(PAGE_DOMAIN.parameter, "", "The same for the web page."),
        text("PageCertificateArn", "", "Its certificate, which must be in us-east-1."),
        text(
            "HostedZoneId",
            "",
            "The Route 53 zone in which the domains get their records. Empty: somebody else's task.",
        ),
    ]
}

/// The parameter with a table's warm read units.
pub(crate) fn warm_reads(table: &TableSpec) -> String {
    format!("{}WarmReads", names::camel(table.name))
}

/// The parameter with a table's warm write units.
pub(crate) fn warm_writes(table: &TableSpec) -> String {
    format!("{}WarmWrites", names::camel(table.name))
}

/// Whether a table is warmed up.
pub(crate) fn warm_condition(table: &TableSpec) -> String {
    format!("Warms{}", names::camel(table.name))
}

/// The section `Conditions`.
pub(crate) fn conditions() -> Named<Value> {
    let mut conditions = Named::default();
    conditions.add(DEPLOYED, is("EmulatorHost", ""));
    conditions.add(EMULATED, not(&is("EmulatorHost", "")));
    conditions.add(KEEPS_DATA, is("KeepData", "yes"));
    conditions.add(ACCESS_LOGS, is("AccessLogs", "on"));
    conditions.add("CreatesGatewayLogRole", is("GatewayLogRole", "create"));
    conditions.add(SETS_GATEWAY_ROLE, all(&[DEPLOYED, ACCESS_LOGS, "CreatesGatewayLogRole"]));
    conditions.add("WantsAlarms", is("Alarms", "yes"));
    conditions.add(WATCHED, all(&[DEPLOYED, "WantsAlarms"]));
    conditions.add("HasAlarmEmail", not(&is("AlarmEmail", "")));
    conditions.add(MAILS_ALARMS, all(&[WATCHED, "HasAlarmEmail"]));
    conditions.add(ASKS_GATEWAY_LOGS, all(&[DEPLOYED, ACCESS_LOGS]));
    conditions.add(TRACES, is("Traces", "on"));
    conditions.add(MANAGED_KEY, is("TableKey", "managed"));
    for table in TABLES {
        let cold = [is(&warm_reads(table), &WARM_READS.to_string()), is(&warm_writes(table), &WARM_WRITES.to_string())];
        conditions.add(warm_condition(table), not(&json!({ "Fn::And": cold })));
    }
    conditions.add("HasHostedZone", not(&is("HostedZoneId", "")));
    for domain in DOMAINS {
        let named = json!({ "Fn::And": [{ "Condition": DEPLOYED }, not(&is(domain.parameter, ""))] });
        conditions.add(domain.condition, named);
        conditions.add(domain.in_zone, all(&[domain.condition, "HasHostedZone"]));
    }
    conditions
}

/// The section `Rules`: what must hold between parameters is said before anything is made.
pub(crate) fn rules() -> Named<Value> {
    let mut rules = Named::default();
    // Otherwise the stack could never be deleted.
    rules.add(
        "DataGoesUnprotected",
        rule(
            Some(&is("KeepData", "no")),
            &is("DeletionProtection", "false"),
            "KeepData=no needs DeletionProtection=false, or the stack cannot be deleted",
        ),
    );
    let mailed = not(&is("AlarmEmail", ""));
    // They would ring for nothing, and cost all the same.
    let watched = is("Alarms", "yes");
    let measured = is("Metrics", "on");
    rules.add("AlarmsHaveMetrics", rule(Some(&watched), &measured, "Alarms=yes needs Metrics=on"));
    rules.add("AlarmEmailHasAlarms", rule(Some(&mailed), &is("Alarms", "yes"), "AlarmEmail needs Alarms=yes"));
    for (domain, certificate) in
        [(&API_DOMAIN, "CertificateArn"), (&SOCKET_DOMAIN, "CertificateArn"), (&PAGE_DOMAIN, "PageCertificateArn")]
    {
        let parameter = domain.parameter;
        let says = format!("{parameter} needs {certificate}");
        let named = not(&is(parameter, ""));
        rules.add(format!("{parameter}HasCertificate"), rule(Some(&named), &not(&is(certificate, "")), &says));
    }
    rules
}

fn rule(when: Option<&Value>, assertion: &Value, says: &str) -> Value {
    let mut rule = json!({ "Assertions": [{ "Assert": assertion, "AssertDescription": says }] });
    if let Some(condition) = when {
        rule["RuleCondition"] = condition.clone();
    }
    rule
}
