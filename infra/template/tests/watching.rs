//! Whatever there is is watched: each alarm names metrics that exist and says what the runbook says, the dashboard can be
//! read, and stages that want none of it have none.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken expectation ends the test")]

#[expect(dead_code, reason = "the other tests of this crate use the rest")]
mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{functions, shards_checked_in, template};
use serde_json::{Value, json};
use tidings_metrics::{METRICS, Metric};
use tidings_template::{Resource, SHARDS_MAX, Template, runbook};

/// What AWS measures, as far as it is used. Sources: the pages on metrics of Lambda, SQS, DynamoDB, and of WebSocket and
/// HTTP APIs.
const MEASURED: &[(&str, &str, &[&str])] = &[
    ("AWS/Lambda", "Errors", &["FunctionName"]),
    ("AWS/Lambda", "Throttles", &["FunctionName"]),
    ("AWS/Lambda", "Duration", &["FunctionName"]),
    ("AWS/Lambda", "ConcurrentExecutions", &["FunctionName"]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &["QueueName"]),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", &["QueueName"]),
    ("AWS/DynamoDB", "ReadThrottleEvents", &["TableName"]),
    ("AWS/DynamoDB", "WriteThrottleEvents", &["TableName"]),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["TableName"]),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["TableName"]),
    ("AWS/ApiGateway", "ConnectCount", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "MessageCount", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "IntegrationError", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "ExecutionError", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "ClientError", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "4xx", &["ApiId", "Stage"]),
    ("AWS/ApiGateway", "5xx", &["ApiId", "Stage"]),
];

/// A metric as it is named somewhere: namespace, name, dimensions.
type Named = (String, String, Vec<(String, String)>);

fn alarm<'a>(template: &'a Template, id: &str) -> &'a Value {
    &template.resource(id).expect(id).properties
}

fn text(value: &Value) -> String {
    value["Fn::Sub"].as_str().or(value.as_str()).unwrap().to_owned()
}

/// The metrics that an alarm looks at, with their statistics.
fn looks_at(alarm: &Value) -> Vec<(Named, String)> {
    let queries = alarm["Metrics"].as_array().unwrap().iter().filter(|query| !query["MetricStat"].is_null());
    let named = queries.map(|query| {
        let (metric, statistic) = (&query["MetricStat"]["Metric"], &query["MetricStat"]["Stat"]);
        let dimensions = metric["Dimensions"].as_array().unwrap().iter();
        let dimensions = dimensions.map(|one| (text(&one["Name"]), text(&one["Value"]))).collect();
        ((text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions), text(statistic))
    });
    named.collect()
}

/// The dashboard's widgets. What is filled in on AWS stays as it is.
fn widgets(template: &Template) -> Vec<Value> {
    let body = alarm(template, "Dashboard")["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

/// The lines of a chart: metrics, and expressions.
fn lines(widget: &Value) -> Vec<Value> {
    widget["properties"]["metrics"].as_array().cloned().unwrap_or_default()
}

/// All metrics that the dashboard shows.
fn shown(template: &Template) -> Vec<Named> {
    let lines = widgets(template).iter().flat_map(lines).filter(|line| line[0].is_string()).collect::<Vec<_>>();
    let named = |line: &Value| {
        let texts: Vec<_> = line.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let dimensions = texts[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        (texts[0].clone(), texts[1].clone(), dimensions)
    };
    lines.iter().map(named).collect()
}

#[test]
fn every_function_has_its_alarms() {
    let template = template(2);
    for function in functions() {
        let id = tidings_template::names::camel(&function.name);
        for (metric, above) in [("Errors", 5), ("Throttles", 0)] {
            let alarm = alarm(&template, &format!("{metric}{id}Alarm"));
            let metrics = json!([{
                "Id": "m0",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": metric,
                        "Dimensions": [{
                            "Name": "FunctionName",
                            "Value": { "Fn::Sub": format!("tidings-${{Stage}}-{}", function.name) },
                        }],
                    },
                    "Period": 300,
                    "Stat": "Sum",
                },
                "ReturnData": true,
            }]);
            assert_eq!(alarm["Metrics"], metrics);
            assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&json!(above), &json!(1)), "{metric}");
        }
    }
}

#[test]
fn every_queue_and_its_dead_letters_have_an_alarm() {
    let template = template(3);
    let mut watched = BTreeMap::new();
    for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        for ((namespace, metric, dimensions), statistic) in looks_at(&alarm.properties) {
            if namespace == "AWS/SQS" {
                let queue = dimensions[0].1.clone();
                let again = watched.insert(queue, (metric, statistic, alarm.properties["Threshold"].clone()));
                assert_eq!(again, None, "{id}");
            }
        }
    }
    let queues: Vec<_> = template.of_type("AWS::SQS::Queue").collect();
    assert_eq!(queues.len(), 2 * (3 + 2));
    for (id, queue) in queues {
        let name = text(&queue.properties["QueueName"]);
        let is_dead = queue.properties["RedrivePolicy"].is_null();
        let wanted = match (is_dead, name.contains("fanout")) {
            (true, _) => ("ApproximateNumberOfMessagesVisible", 0),
            (false, true) => ("ApproximateAgeOfOldestMessage", 60),
            (false, false) => ("ApproximateAgeOfOldestMessage", 300),
        };
        let wanted = (wanted.0.to_owned(), "Maximum".to_owned(), json!(wanted.1));
        assert_eq!(watched.remove(&name), Some(wanted), "{id}");
    }
    assert!(watched.is_empty(), "there are no such queues: {watched:?}");
}

#[test]
fn every_table_has_an_alarm_for_throttles() {
    let template = template(2);
    for (id, _) in template.of_type("AWS::DynamoDB::Table") {
        let short = id.strip_suffix("Table").unwrap();
        let looked_at = looks_at(alarm(&template, &format!("TableThrottles{short}Alarm")));
        let named = |name: &str| {
            let dimensions = vec![("TableName".to_owned(), format!("${{{id}}}"))];
            (("AWS/DynamoDB".to_owned(), name.to_owned(), dimensions), "Sum".to_owned())
        };
        assert_eq!(looked_at, [named("ReadThrottleEvents"), named("WriteThrottleEvents")], "{id}");
        let query = text(&alarm(&template, "TableErrorsAlarm")["Metrics"][0]["Expression"]);
        assert!(query.contains(&format!("TableName = '${{{id}}}'")), "{id}: {query}");
    }
}

#[test]
fn what_the_table_of_metrics_wants_to_ring_rings() {
    let template = template(2);
    let mut rang = 0;
    for (row, wanted) in METRICS.iter().filter_map(|row| Some((row, row.alarm?))) {
        rang += 1;
        let alarm = alarm(&template, &format!("{}Alarm", row.name));
        let statistic = row.unit.statistic().to_owned();
        let writers: Vec<_> = row
            .functions
            .iter()
            .map(|function| {
                let dimensions = vec![("Function".to_owned(), format!("tidings-${{Stage}}-{function}"))];
                (("Tidings".to_owned(), row.name.to_owned(), dimensions), statistic.clone())
            })
            .collect();
        assert_eq!(looks_at(alarm), writers, "{}", row.name);
        assert_eq!(alarm["Threshold"], wanted.above, "{}", row.name);
        assert_eq!(alarm["EvaluationPeriods"], wanted.periods, "{}", row.name);
    }
    assert!(rang > 5, "{rang}");
    for (id, expression) in [
        ("PushLatencyAlarm", "MAX([FILL(m0, 0), FILL(m1, 0)])"),
        ("PostsFailedAlarm", "SUM([FILL(m0, 0), FILL(m1, 0), FILL(m2, 0)])"),
    ] {
        let metrics = alarm(&template, id)["Metrics"].as_array().unwrap();
        assert_eq!(metrics.last().unwrap()["Expression"], expression, "{id}");
    }
    assert_eq!(alarm(&template, "AckLatencyAlarm")["Metrics"][0]["ReturnData"], true, "one metric needs no expression");
}

#[test]
fn the_gateways_and_the_cost_of_a_message_are_watched() {
    let template = template(2);
    let rate = alarm(&template, "ConnectionRateAlarm");
    // 80 % of 500 a second, over a minute.
    assert_eq!((&rate["Threshold"], &rate["Metrics"][0]["MetricStat"]["Period"]), (&json!(24_000), &json!(60)));
    let names = |id: &str| looks_at(alarm(&template, id)).into_iter().map(|((_, name, _), _)| name).collect::<Vec<_>>();
    assert_eq!(names("ConnectionRateAlarm"), ["ConnectCount"]);
    assert_eq!(names("SocketErrorsAlarm"), ["IntegrationError", "ExecutionError"]);
    assert_eq!(names("ApiErrorsAlarm"), ["5xx"]);
    assert_eq!(names("MessagesPerSendAlarm"), ["MessageCount", "Sends"]);
    assert_eq!(names("LogUnitsPerSendAlarm"), ["ConsumedWriteCapacityUnits", "Sends"]);
    for id in ["MessagesPerSendAlarm", "LogUnitsPerSendAlarm"] {
        let metrics = &alarm(&template, id)["Metrics"];
        assert_eq!(metrics[2]["Expression"], "IF(FILL(m1, 0) > 1000, FILL(m0, 0) / FILL(m1, 1), 0)", "{id}");
        assert_eq!(metrics[0]["MetricStat"]["Period"], 86_400, "{id}");
    }
}

/// A name that is not there would never ring and never be missed.
#[test]
fn every_metric_that_is_named_exists() {
    let template = template(2);
    let alarms = template.of_type("AWS::CloudWatch::Alarm").flat_map(|(_, alarm)| looks_at(&alarm.properties));
    let named: BTreeSet<_> = alarms.map(|(named, _)| named).chain(shown(&template)).collect();
    assert!(named.len() > 80, "{}", named.len());
    let functions: BTreeSet<_> =
        functions().into_iter().map(|function| format!("tidings-${{Stage}}-{}", function.name)).collect();
    let queues: BTreeSet<_> =
        template.of_type("AWS::SQS::Queue").map(|(_, queue)| text(&queue.properties["QueueName"])).collect();
    for (namespace, name, dimensions) in named {
        let keys: Vec<_> = dimensions.iter().map(|(key, _)| key.as_str()).collect();
        if namespace == "Tidings" {
            let row = Metric::named(&name).unwrap_or_else(|| panic!("nobody writes {name}")).row();
            assert_eq!(keys, tidings_metrics::DIMENSIONS, "{name}");
            let written = row.functions.iter().any(|by| dimensions[0].1 == format!("tidings-${{Stage}}-{by}"));
            assert!(written, "{} does not write {name}", dimensions[0].1);
        } else {
            let known = MEASURED.iter().any(|known| (known.0, known.1, known.2) == (&*namespace, &*name, &keys[..]));
            assert!(known, "AWS does not measure {namespace} {name} by {keys:?}");
        }
        for (key, value) in &dimensions {
            match key.as_str() {
                "Function" | "FunctionName" => assert!(functions.contains(value), "{name}: there is no {value}"),
                "QueueName" => assert!(queues.contains(value), "{name}: there is no {value}"),
                "Stage" => {
                    let api = dimensions.iter().find(|(key, _)| key == "ApiId").unwrap().1.replace("Api}", "Stage}");
                    let id = api.trim_start_matches("${").trim_end_matches('}');
                    assert_eq!(template.resource(id).unwrap().properties["StageName"], value.as_str(), "{name}");
                }
                _ => assert!(
                    template.resource(value.trim_start_matches("${").trim_end_matches('}')).is_some(),
                    "{value}"
                ),
            }
        }
    }
}

#[test]
fn the_dashboard_is_in_order() {
    for shards in [1, 2, SHARDS_MAX] {
        let template = template(shards);
        let widgets = widgets(&template);
        let number = |widget: &Value, name: &str| widget[name].as_u64().unwrap();
        let mut taken = BTreeSet::new();
        let mut alarms = Vec::new();
        for widget in &widgets {
            let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(widget, name));
            assert!(x + width <= 24 && width > 0, "{widget}");
            for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                assert!(taken.insert(place), "two widgets are at {place:?}");
            }
            let shown = widget["properties"]["alarms"].as_array().cloned().unwrap_or_default();
            assert!(shown.len() <= 100, "a widget takes 100 alarms");
            alarms.extend(shown.iter().map(text));
            let ids: Vec<_> = lines(widget)
                .iter()
                .filter_map(|line| Some(line.as_array()?.last()?["id"].as_str()?.to_owned()))
                .collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id twice in {widget}");
            for line in lines(widget) {
                let expression = line[0]["expression"].as_str().unwrap_or_default();
                let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric());
                for word in words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase())) {
                    assert!(ids.iter().any(|id| id == word), "{word} in {expression}");
                }
            }
        }
        let there: Vec<_> =
            template.of_type("AWS::CloudWatch::Alarm").map(|(id, _)| format!("${{{id}.Arn}}")).collect();
        assert_eq!(alarms, there, "{shards} shards");
    }
    let template = template(2);
    let titles: Vec<_> = widgets(&template)
        .iter()
        .filter(|widget| widget["type"] == "text")
        .map(|widget| text(&widget["properties"]["markdown"]))
        .collect();
    assert_eq!(
        titles[1..],
        [
            "## People",
            "## How long it takes",
            "## Posts and jobs",
            "## Queues",
            "## Functions",
            "## Tables",
            "## What else functions write",
            "## What a message costs"
        ]
    );
}

/// The fields of a query that nothing writes would find nothing.
#[test]
fn queries_ask_for_what_is_logged() {
    // Of our own lines, of the platform's, of CloudWatch, and what a query itself makes.
    const LINES: &[&str] = &["level", "message", "error", "code", "operation"];
    const OTHERS: &[&str] = &["record", "status", "Function"];
    let (gateway, tables) = (
        include_str!("../../../shared/infrastructure/gateway/src/lib.rs"),
        include_str!("../../../shared/infrastructure/dynamodb/src/error.rs"),
    );
    assert!(gateway.contains("code = error.code()") && tables.contains("(operation, code, error = "), "{LINES:?}");
    let template = template(2);
    let source = include_str!("../../../shared/runtime/src/invocation.rs");
    let span = source.split("info_span!(").nth(1).unwrap().split(");").next().unwrap();
    let span: BTreeSet<_> = span.lines().filter_map(|line| Some(line.trim().split_once(" = ")?.0)).collect();
    assert!(span.contains("request_id") && span.contains("conversation"), "{span:?}");
    let logged = |api: &str| {
        let settings = &alarm(&template, &format!("{api}Stage"))["AccessLogSettings"]["Fn::If"][1];
        let format = settings["Format"].as_str().unwrap().to_owned();
        format.split('"').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (socket, http) = (logged("Socket"), logged("Http"));
    let mut asked = 0;
    for (id, query) in template.of_type("AWS::Logs::QueryDefinition") {
        let groups = query.properties["LogGroupNames"].as_array().unwrap();
        let of_gateways = groups[0]["Ref"] == "SocketLogGroup";
        assert_eq!(groups.len(), if of_gateways { 2 } else { functions().len() }, "{id}");
        for field in fields(query.properties["QueryString"].as_str().unwrap()) {
            asked += 1;
            let known = match field.split_once('.') {
                Some(("span", field)) => span.contains(field),
                Some(("record", "status")) => true,
                _ if of_gateways => socket.contains(&field) || http.contains(&field),
                _ => LINES.contains(&&*field) || OTHERS.contains(&&*field) || Metric::named(&field).is_some(),
            };
            assert!(known, "{id} asks for {field}");
        }
    }
    assert!(asked > 40, "{asked}");
}

/// The fields that a query names: words that are no command, function, text or name that it gave itself.
fn fields(query: &str) -> Vec<String> {
    const WORDS: &[&str] = &[
        "fields",
        "filter",
        "sort",
        "stats",
        "limit",
        "asc",
        "desc",
        "by",
        "as",
        "in",
        "or",
        "like",
        "count",
        "sum",
        "latest",
        "bin",
        "ispresent",
        "strcontains",
    ];
    let mut own = BTreeSet::new();
    let mut found = Vec::new();
    for line in query.lines().filter(|line| !line.starts_with('#')) {
        let bare: String = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let bare = bare.split('/').step_by(2).collect::<Vec<_>>().join(" ");
        let words = bare.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_.@".contains(letter)));
        let mut before = "";
        for word in words.filter(|word| !word.is_empty()) {
            if before == "as" {
                own.insert(word.to_owned());
            }
            let is_field = word.starts_with(|first: char| first.is_ascii_alphabetic()) && !WORDS.contains(&word);
            if is_field && !own.contains(word) {
                found.push(word.to_owned());
            }
            before = word;
        }
    }
    found
}

/// Whether a condition of the template holds.
fn holds(template: &Template, condition: &Value, parameters: &BTreeMap<&str, &str>) -> bool {
    let all = |conditions: &Value| conditions.as_array().unwrap().iter().all(|one| holds(template, one, parameters));
    if let Some(name) = condition["Condition"].as_str() {
        holds(template, template.conditions.get(name).unwrap(), parameters)
    } else if let [parameter, value] = condition["Fn::Equals"].as_array().map_or(&[][..], Vec::as_slice) {
        let name = parameter["Ref"].as_str().unwrap();
        let default = &template.parameters.get(name).unwrap()["Default"];
        parameters.get(name).map_or_else(|| default.clone(), |given| json!(given)) == *value
    } else if condition["Fn::And"].is_array() {
        all(&condition["Fn::And"])
    } else {
        !all(&condition["Fn::Not"])
    }
}

/// How many resources of what kinds watch a stage of these parameters.
fn watching(template: &Template, parameters: &BTreeMap<&str, &str>) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    let there = |resource: &Resource| {
        resource.condition.is_none_or(|name| holds(template, &json!({ "Condition": name }), parameters))
    };
    for (_, resource) in template.resources().filter(|(_, resource)| there(resource)) {
        if ["AWS::CloudWatch", "AWS::SNS", "AWS::Logs::Query"].iter().any(|kind| resource.r#type.starts_with(kind)) {
            *kinds.entry(resource.r#type).or_default() += 1;
        }
    }
    kinds
}

/// What `infra/samconfig.toml` says of a stage.
fn stage(name: &str) -> String {
    let text = include_str!("../../samconfig.toml");
    let section = text.split(&format!("[{name}.deploy.parameters]")).nth(1).unwrap();
    section.split("\n[").next().unwrap().to_owned()
}

fn parameters(section: &str) -> BTreeMap<&str, &str> {
    let overrides = section.split("parameter_overrides = [").nth(1).unwrap().split(']').next().unwrap();
    overrides.split('"').skip(1).step_by(2).map(|one| one.split_once('=').unwrap()).collect()
}

#[test]
fn only_stages_that_want_it_are_watched() {
    let template = template(2);
    let (dev, prod) = (stage("dev"), stage("prod"));
    let (dev, mut prod) = (parameters(&dev), parameters(&prod));
    let count = |kind: &str| template.of_type(kind).count();
    let (every_query, of_gateways) = (count("AWS::Logs::QueryDefinition"), 2);
    let queries = BTreeMap::from([("AWS::Logs::QueryDefinition", every_query)]);
    assert_eq!(watching(&template, &dev), queries);
    let mut all = queries.clone();
    let every_alarm = count("AWS::CloudWatch::Alarm");
    assert!(every_alarm > 0 && every_query > of_gateways);
    all.extend([("AWS::CloudWatch::Alarm", every_alarm), ("AWS::CloudWatch::Dashboard", 1), ("AWS::SNS::Topic", 1)]);
    assert_eq!(watching(&template, &prod), all);
    prod.insert("AlarmEmail", "ann@example.org");
    all.insert("AWS::SNS::Subscription", 1);
    assert_eq!(watching(&template, &prod), all);
    prod.insert("AccessLogs", "off");
    all.insert("AWS::Logs::QueryDefinition", every_query - of_gateways);
    assert_eq!(watching(&template, &prod), all, "no queries of logs that there are not");
    prod.insert("EmulatorHost", "127.0.0.1:4566");
    assert_eq!(watching(&template, &prod), BTreeMap::new());
}

#[test]
fn alarms_ring_and_are_quiet_where_nothing_happens() {
    for (id, alarm) in template(2).of_type("AWS::CloudWatch::Alarm") {
        let alarm = &alarm.properties;
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[actions], json!([{ "Ref": "AlarmTopic" }]), "{id}: {actions}");
        }
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{id}");
        let results = alarm["Metrics"].as_array().unwrap().iter().filter(|query| query["ReturnData"] == true);
        assert_eq!(results.count(), 1, "{id} rings for one number");
    }
}

#[test]
fn every_alarm_says_what_the_runbook_says() {
    let functions = functions();
    let page = runbook::page(&functions);
    let lines = runbook::lines(&functions);
    let mut used = BTreeSet::new();
    for (id, alarm) in template(SHARDS_MAX).of_type("AWS::CloudWatch::Alarm") {
        let name = text(&alarm.properties["AlarmName"]);
        let name = name.strip_prefix("tidings-${Stage}-").unwrap();
        let line = lines.iter().filter(|line| name == line.key || name.starts_with(&format!("{}-", line.key)));
        let line = line.max_by_key(|line| line.key.len()).unwrap_or_else(|| panic!("the runbook does not know {id}"));
        used.insert(&line.key);
        let says = text(&alarm.properties["AlarmDescription"]);
        assert_eq!(says, line.description(), "{id}");
        for part in [line.means, line.look] {
            assert!(!part.is_empty() && says.contains(part), "{id}");
            assert!(page.contains(&format!("| {part} |")), "{id}: {part}");
        }
        assert!(page.contains(&format!("| `{}` |", line.key)) || page.contains(&format!("| `{}-...` |", line.key)));
    }
    assert_eq!(used.len(), lines.len(), "lines without an alarm");
}

/// A line that says "as for X" sends its reader to the line X.
#[test]
fn the_runbook_refers_to_lines_that_there_are() {
    let lines = runbook::lines(&functions());
    let mut references = 0;
    for line in &lines {
        for part in [line.look, line.act].into_iter().flat_map(|text| text.split("as for ").skip(1)) {
            let key = part.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-')).next().unwrap();
            assert!(lines.iter().any(|line| line.key == key), "{}: as for {key:?}", line.key);
            references += 1;
        }
    }
    assert!(references > 5, "{references}");
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let template = template(2);
    let body = template.resource("Dashboard").unwrap().properties["DashboardBody"].to_string();
    for row in METRICS {
        assert!(body.contains(&format!("\\\"{}\\\"", row.name)), "{} is on no chart", row.name);
    }
}

#[test]
fn the_checked_in_runbook_is_what_the_code_says() {
    let present = include_str!("../../runbook.md");
    assert!(present == runbook::page(&functions()), "infra/runbook.md is stale: run `cargo xtask generate`");
}

/// The figures in the runbook are those of the template.
#[test]
fn what_watching_costs_is_said() {
    let (alarms, metrics) = runbook::counts(&functions(), shards_checked_in());
    assert_eq!(alarms, template(shards_checked_in()).of_type("AWS::CloudWatch::Alarm").count());
    let named: usize = template(shards_checked_in())
        .of_type("AWS::CloudWatch::Alarm")
        .map(|(_, alarm)| looks_at(&alarm.properties).len())
        .sum();
    assert_eq!(named, metrics);
    assert_eq!(runbook::monthly(64), "$6.40");
}

/// Sources: CloudFormation quotas; `PutMetricAlarm`; CloudWatch quotas, "Metrics in an alarm's expression".
#[test]
fn all_of_it_is_within_limits_with_most_shards() {
    const RESOURCES_MAX: usize = 500;
    const TEMPLATE_BYTES_MAX: usize = 1_000_000;
    const DESCRIPTION_MAX: usize = 1024;
    const EXPRESSION_METRICS_MAX: usize = 10;
    let template = template(SHARDS_MAX);
    let resources = template.resources().count();
    assert!((300..=RESOURCES_MAX).contains(&resources), "{resources}");
    let bytes = template.to_yaml().unwrap().len();
    assert!(bytes < TEMPLATE_BYTES_MAX, "{bytes}");
    for (id, alarm) in template.of_type("AWS::CloudWatch::Alarm") {
        let description = text(&alarm.properties["AlarmDescription"]).len();
        assert!(description <= DESCRIPTION_MAX, "{id}: {description}");
        assert!(looks_at(&alarm.properties).len() <= EXPRESSION_METRICS_MAX, "{id}");
    }
}
