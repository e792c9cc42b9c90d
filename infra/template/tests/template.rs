//! The template says what the tables of the code say, refers to nothing that is not there, and allows nothing more than
//! it must.

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use common::{functions, references, shards_checked_in, statements, template, texts};
use serde_json::{Value, json};
use tidings_manifest::QueueName;
use tidings_protocol::actions::ACTIONS;
use tidings_protocol::http::ROUTES;
use tidings_tables::TABLES;
use tidings_template::grants::{self, ON_EVERYTHING};
use tidings_template::{ENVIRONMENT_BYTES_MAX, SHARDS_MAX, TemplateError, http_route_id, init, names, socket_route_id};

#[test]
fn the_checked_in_template_is_what_the_code_says() {
    let present = common::checked_in();
    let wanted = tidings_template::render(&functions(), shards_checked_in()).unwrap();
    assert!(present == wanted, "infra/template.yaml is stale: run `cargo xtask template` and commit what it writes");
}

#[test]
fn the_script_for_localstack_is_what_the_code_says() {
    let file = common::root().join(init::PATH);
    let present = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        present == init::script(&functions()),
        "{} is stale: run `cargo xtask generate` and commit what it writes",
        init::PATH
    );
    // LocalStack starts it as a program.
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0o111);
    let read = Command::new("bash").arg("-n").arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn every_action_is_a_route_to_its_function() {
    let template = template(2);
    let routes: Vec<_> = template
        .of_type("AWS::ApiGatewayV2::Route")
        .filter(|(_, route)| route.properties["ApiId"]["Ref"] == "SocketApi")
        .collect();
    assert_eq!(routes.len(), ACTIONS.len());
    for action in ACTIONS {
        let id = socket_route_id(action);
        let route = &template.resource(&id).unwrap_or_else(|| panic!("{} has no route", action.name)).properties;
        assert_eq!(route["RouteKey"], action.name);
        let integration = template.resource(&common::target(route)).unwrap();
        match action.function {
            Some(function) => common::assert_invokes(&template, integration, function, "SocketApi"),
            None => assert_eq!(integration.properties["IntegrationType"], "MOCK", "{}", action.name),
        }
        let answers = template.resource(&format!("{id}Answers")).is_some();
        assert_eq!(answers, action.answers(), "{}: a route response", action.name);
        assert_eq!(route["RouteResponseSelectionExpression"] == "$default", action.answers(), "{}", action.name);
        let guarded = route["AuthorizationType"] == "CUSTOM";
        assert_eq!(guarded, action.name == "$connect", "{}: the gateway asks the authorizer once", action.name);
    }
}

#[test]
fn every_operation_is_a_route_to_its_function() {
    let template = template(2);
    let routes = template.of_type("AWS::ApiGatewayV2::Route");
    assert_eq!(routes.filter(|(_, route)| route.properties["ApiId"]["Ref"] == "HttpApi").count(), ROUTES.len());
    for operation in ROUTES {
        let route = &template.resource(&http_route_id(operation)).expect(operation.operation).properties;
        assert_eq!(route["RouteKey"], format!("{} {}", operation.method, operation.path));
        let integration = template.resource(&common::target(route)).unwrap();
        common::assert_invokes(&template, integration, operation.function, "HttpApi");
    }
}

/// The settings of routes name them by their keys, so the stage must wait for them.
#[test]
fn a_stage_waits_for_its_routes() {
    let template = template(2);
    for (api, stage) in [("SocketApi", "SocketStage"), ("HttpApi", "HttpStage")] {
        let waits: BTreeSet<_> = template.resource(stage).unwrap().depends_on.iter().map(String::as_str).collect();
        for (id, route) in template.of_type("AWS::ApiGatewayV2::Route") {
            assert_eq!(waits.contains(id), route.properties["ApiId"]["Ref"] == api, "{stage} and {id}");
        }
    }
}

#[test]
fn every_function_has_its_own_role_log_and_size() {
    let template = template(2);
    let functions = functions();
    assert_eq!(template.of_type("AWS::Serverless::Function").count(), functions.len());
    let mut roles = BTreeSet::new();
    for function in &functions {
        let lambda = &template.resource(&names::function(&function.name)).expect(&function.name).properties;
        assert_eq!(lambda["MemorySize"], function.manifest.memory_mb, "{}", function.name);
        assert_eq!(lambda["Timeout"], function.manifest.timeout_s, "{}", function.name);
        let role = lambda["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        assert_eq!(role, names::role(&function.name));
        assert_eq!(template.resource(role).unwrap().r#type, "AWS::IAM::Role");
        assert!(roles.insert(role.to_owned()), "{role} is shared");
        let log_group = lambda["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        let log_group = template.resource(log_group).expect(log_group);
        assert_eq!(log_group.properties["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }));
        assert!(
            statements(&template, role).iter().any(|statement| {
                statement["Sid"] == "OwnLog"
                    && statement["Resource"]["Fn::Sub"].as_str().is_some_and(|arn| {
                        arn.contains(log_group.properties["LogGroupName"]["Fn::Sub"].as_str().unwrap())
                    })
            }),
            "{role} may not write to the log of {}",
            function.name
        );
    }
}

#[test]
fn roles_allow_what_the_ports_need_and_nothing_in_general() {
    let template = template(2);
    for function in functions() {
        let role = names::role(&function.name);
        let mut allowed = BTreeSet::new();
        for statement in statements(&template, &role) {
            let actions = common::list(&statement["Action"]);
            for action in &actions {
                assert!(!action.contains('*'), "{role} allows {action}");
            }
            if common::list(&statement["Resource"]).iter().any(|resource| resource == "*") {
                for action in &actions {
                    let listed = ON_EVERYTHING.iter().any(|(exempt, _)| exempt == action);
                    assert!(listed, "{role} allows {action} on everything");
                }
            }
            let own = ["OwnLog", "Traces"].map(Value::from);
            if !own.contains(&statement["Sid"]) {
                allowed.extend(actions);
            }
        }
        let needed: BTreeSet<_> = grants::of(&function)
            .unwrap()
            .iter()
            .flat_map(|grant| grant.actions)
            .map(|&action| action.to_owned())
            .collect();
        assert_eq!(allowed, needed, "{role}");
    }
    let managed: Vec<_> = template
        .of_type("AWS::IAM::Role")
        .filter(|(_, role)| !role.properties["ManagedPolicyArns"].is_null())
        .map(|(id, _)| id)
        .collect();
    assert_eq!(managed, ["GatewayLogWriter"], "the one role that no function has");
}

/// People's frames never write notices, whatever they name.
#[test]
fn what_people_append_to_is_bound_by_key() {
    let template = template(2);
    for function in functions() {
        let appends = function.manifest.ports.iter().any(|port| port == "log.append");
        let tells =
            function.manifest.ports.iter().any(|port| ["groups.tell", "notices.append"].contains(&port.as_str()));
        let put_into_log = statements(&template, &names::role(&function.name)).into_iter().find(|statement| {
            common::list(&statement["Action"]).contains(&"dynamodb:PutItem".to_owned())
                && statement["Resource"][0]["Fn::GetAtt"][0] == "LogTable"
        });
        assert_eq!(put_into_log.is_some(), appends || tells, "{}", function.name);
        assert!(!(appends && tells), "{} writes what people say, or what is told of them", function.name);
        if let Some(statement) = put_into_log.filter(|_| appends) {
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            assert_eq!(*keys, json!(["d:*", "g:*"]), "{}", function.name);
        }
    }
}

/// Every setting that the code can read is one that some function gets. Found in the source, so that a new setting is
/// found, too.
#[test]
fn every_setting_is_set() {
    let source = common::without_tests(include_str!("../../../shared/runtime/src/settings.rs"));
    let read: BTreeSet<_> = texts(&source)
        .into_iter()
        .filter(|text| text.contains('_') && text.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
        .collect();
    assert!(read.len() > 15 && read.contains("TASK_QUEUE_URL"), "{read:?}");
    let template = template(2);
    let mut set: BTreeSet<_> = common::variables(&template.globals["Function"]).into_keys().collect();
    for (_, function) in template.of_type("AWS::Serverless::Function") {
        set.extend(common::variables(&function.properties).into_keys());
    }
    let missing: Vec<_> = read.iter().filter(|name| !set.contains(**name)).collect();
    assert!(missing.is_empty(), "nothing sets {missing:?}; see infra/template/src/environment.rs");
}

#[test]
fn only_who_signs_holds_the_signing_key() {
    let template = template(2);
    let mut holders = vec![];
    let everywhere = ("Globals".to_owned(), common::variables(&template.globals["Function"]));
    let own = template.of_type("AWS::Serverless::Function");
    let own = own.map(|(id, function)| (id.to_owned(), common::variables(&function.properties)));
    for (id, variables) in own.chain([everywhere]) {
        if variables.contains_key("SIGNING_KEY") {
            holders.push(id);
        }
        for (name, value) in variables.iter().filter(|(name, _)| name.contains("KEY")) {
            let text = value["Fn::Sub"].as_str().unwrap();
            assert!(text.starts_with("{{resolve:secretsmanager:"), "{name} would stand in the template: {text}");
        }
    }
    assert_eq!(holders, ["ApiFunction"]);
}

#[test]
fn nobody_is_told_of_what_they_do_not_read() {
    let template = template(2);
    let knows = |function: &str, name: &str| {
        common::variables(&template.resource(function).unwrap().properties).contains_key(name)
            || common::variables(&template.globals["Function"]).contains_key(name)
    };
    for (name, readers) in [
        ("DENY_LIST", &["AuthorizerFunction"][..]),
        ("SIGN_UPS", &["ApiFunction"]),
        ("DIRECT_MESSAGES", &["GroupFunction", "PresenceFunction", "SendFunction"]),
        ("POSTS_PER_S", &["DeliverFunction"]),
        ("INLINE_PUSH_MAX", &["DeliverFunction", "SendFunction", "SyncFunction"]),
        ("VERIFYING_KEYS", &["ApiFunction", "AuthorizerFunction"]),
        (
            "SOCIAL_TABLE",
            &[
                "ApiFunction",
                "ConnectFunction",
                "ContactFunction",
                "DeliverFunction",
                "DeviceFunction",
                "DisconnectFunction",
                "GroupFunction",
                "PresenceFunction",
                "SendFunction",
            ],
        ),
        ("LOGIN_POLICY", &["ApiFunction"]),
    ] {
        let told = template.of_type("AWS::Serverless::Function").map(|(id, _)| id).filter(|id| knows(id, name));
        assert_eq!(told.collect::<Vec<_>>(), readers, "{name}");
    }
    assert!(template.of_type("AWS::Serverless::Function").all(|(id, _)| knows(id, "LOG_LEVEL")));
}

/// Source: IAM quotas, "Maximum size of role inline policies", white space not counted.
#[test]
fn the_policy_of_each_role_fits() {
    const INLINE_POLICY_MAX: usize = 10_240;
    let template = template(SHARDS_MAX);
    let mut largest = 0;
    for (id, role) in template.of_type("AWS::IAM::Role") {
        let policies = common::at_its_longest(&role.properties["Policies"]).to_string().len();
        assert!(policies <= INLINE_POLICY_MAX, "{id}: {policies} characters");
        largest = largest.max(policies);
    }
    assert!(largest > 5_000, "32 queues that deliver reads and writes take more than {largest} characters");
}

#[test]
fn a_ticket_is_asked_for_and_http_requests_have_the_form_that_functions_read() {
    let template = template(2);
    let authorizer = &template.resource("SocketAuthorizer").unwrap().properties;
    assert_eq!(authorizer["AuthorizerType"], "REQUEST");
    assert_eq!(authorizer["IdentitySource"], json!(["route.request.querystring.ticket"]));
    assert!(authorizer["AuthorizerUri"]["Fn::Sub"].as_str().unwrap().contains("${AuthorizerFunction.Arn}"));
    let asks = &template.resource("SocketAsksAuthorizer").unwrap().properties;
    assert_eq!(asks["FunctionName"], json!({ "Ref": "AuthorizerFunction" }));
    for (id, integration) in template.of_type("AWS::ApiGatewayV2::Integration") {
        let version = &integration.properties["PayloadFormatVersion"];
        let http = integration.properties["ApiId"]["Ref"] == "HttpApi";
        assert_eq!(version.as_str(), http.then_some("2.0"), "{id}");
    }
}

/// A name of our own is in the way when a stack that left its data is made again, and when CloudFormation must replace.
#[test]
fn what_outlives_its_stack_has_no_name_of_our_own() {
    let template = template(2);
    let kept = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"].into_iter().flat_map(|kind| template.of_type(kind));
    let mut seen = 0;
    for (id, resource) in kept {
        seen += 1;
        let named = ["TableName", "BucketName"].map(|name| !resource.properties[name].is_null());
        assert_eq!(named, [false, false], "{id}");
    }
    assert_eq!(seen, TABLES.len() + 2);
}

/// Every other WebSocket API of the account logs through it.
#[test]
fn the_accounts_log_role_stays() {
    let template = template(2);
    for id in ["GatewayLogWriter", "GatewayAccount"] {
        let resource = serde_json::to_value(template.resource(id).unwrap()).unwrap();
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
    }
}

#[test]
fn shards_agree_with_each_other() {
    for shards in [1, 2, 8, SHARDS_MAX] {
        let template = template(shards);
        let count = usize::try_from(shards).unwrap();
        let queues = QueueName::Fanout.queues(shards);
        assert_eq!(queues.len(), count);
        let sources = functions().iter().flat_map(|function| function.manifest.queues.clone()).collect::<Vec<_>>();
        let fan_out = sources.iter().filter(|source| source.name == QueueName::Fanout).count();
        let mappings = template.of_type("AWS::Lambda::EventSourceMapping");
        assert_eq!(mappings.count(), fan_out * count + sources.len() - fan_out, "{shards} shards");

        let send = common::variables(&template.resource("SendFunction").unwrap().properties);
        assert_eq!(send["FANOUT_SHARDS"], shards.to_string());
        let urls = match &send["FANOUT_QUEUE_URLS"]["Fn::Join"][1] {
            Value::Array(urls) => urls.clone(),
            _ => vec![send["FANOUT_QUEUE_URLS"].clone()],
        };
        let wanted: Vec<_> = queues.iter().map(|queue| json!({ "Ref": names::queue(queue) })).collect();
        assert_eq!(urls, wanted, "in the order of the shards");

        // The comparison with what was used takes one shard for all.
        let arns: Vec<_> = queues.iter().map(|queue| json!({ "Fn::GetAtt": [names::queue(queue), "Arn"] })).collect();
        for (role, right) in [
            ("SendRole", "QueueFanout"),
            ("SyncRole", "QueueFanout"),
            ("DeliverRole", "QueueFanout"),
            ("DeliverRole", "FedFanout"),
        ] {
            let policy = &template.resource(role).unwrap().properties["Policies"][0]["PolicyDocument"];
            let statements = policy["Statement"].as_array().unwrap();
            let statement = statements.iter().find(|statement| statement["Sid"] == right).unwrap();
            assert_eq!(statement["Resource"], json!(arns), "{role} {right}, {shards} shards");
        }

        let deliver = common::variables(&template.resource("DeliverFunction").unwrap().properties);
        let workers: u64 = template
            .of_type("AWS::Lambda::EventSourceMapping")
            .filter_map(|(_, mapping)| mapping.properties["ScalingConfig"]["MaximumConcurrency"].as_u64())
            .sum();
        assert_eq!(deliver["WORKERS"], workers.to_string(), "{shards} shards");
    }
}

#[test]
fn queues_hide_records_long_enough_and_have_dead_letters() {
    let template = template(2);
    for (id, mapping) in template.of_type("AWS::Lambda::EventSourceMapping") {
        let queue = mapping.properties["EventSourceArn"]["Fn::GetAtt"][0].as_str().unwrap();
        let function = mapping.properties["FunctionName"]["Ref"].as_str().unwrap();
        let (queue, function) = (template.resource(queue).unwrap(), template.resource(function).unwrap());
        let visibility_s = queue.properties["VisibilityTimeout"].as_u64().unwrap();
        assert!(visibility_s >= 6 * function.properties["Timeout"].as_u64().unwrap(), "{id}");
        assert_eq!(mapping.properties["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
        let dead = queue.properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
        assert_eq!(template.resource(dead).unwrap().r#type, "AWS::SQS::Queue", "{id}");
    }
    for (id, queue) in template.of_type("AWS::SQS::Queue") {
        assert_eq!(queue.properties["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn tables_are_as_the_code_knows_them() {
    let template = template(2);
    assert_eq!(template.of_type("AWS::DynamoDB::Table").count(), TABLES.len());
    for spec in TABLES {
        let table = &template.resource(&names::table(spec.name)).unwrap().properties;
        assert_eq!(table["KeySchema"][0]["AttributeName"], spec.partition_key.name);
        assert_eq!(table["KeySchema"][1]["AttributeName"].as_str(), spec.sort_key.map(|key| key.name));
        assert_eq!(table["TimeToLiveSpecification"]["AttributeName"].as_str(), spec.ttl, "{}", spec.name);
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    }
}

#[test]
fn buckets_are_private() {
    let template = template(2);
    for (id, bucket) in template.of_type("AWS::S3::Bucket") {
        let block = bucket.properties["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert!(block.len() == 4 && block.values().all(|blocked| blocked == true), "{id}");
        let policy = template.resource(&format!("{id}Policy")).expect(id);
        assert_eq!(policy.properties["Bucket"]["Ref"], id);
        let mut allowed = Vec::new();
        let mut refuses = false;
        for statement in policy.properties["PolicyDocument"]["Statement"].as_array().unwrap() {
            match statement["Effect"].as_str().unwrap() {
                "Deny" => {
                    refuses |= statement["Action"] == "s3:*"
                        && statement["Principal"] == "*"
                        && statement["Condition"] == json!({ "Bool": { "aws:SecureTransport": "false" } })
                        && statement["Resource"]
                            == json!([{ "Fn::GetAtt": [id, "Arn"] }, { "Fn::Sub": format!("${{{id}.Arn}}/*") }]);
                }
                _ => allowed.push((statement["Action"].clone(), statement["Principal"].clone())),
            }
        }
        assert!(refuses, "{id} answers without TLS");
        let page = (json!("s3:GetObject"), json!({ "Service": "cloudfront.amazonaws.com" }));
        assert_eq!(allowed, if id == "PageBucket" { vec![page] } else { vec![] }, "{id}");
    }
}

#[test]
fn nothing_refers_to_what_is_not_there() {
    for shards in [1, 2, 8] {
        let template = template(shards);
        let known: BTreeSet<_> = template.resources().map(|(id, _)| id).chain(template.parameters.names()).collect();
        let conditions: BTreeSet<_> = template.conditions.names().collect();
        let mut used = BTreeSet::new();
        for (whose, value) in common::everything(&template) {
            let (things, tested) = references(&value);
            for name in &things {
                assert!(known.contains(name.as_str()), "{whose} refers to {name}");
            }
            for name in &tested {
                assert!(conditions.contains(name.as_str()), "{whose} depends on the condition {name}");
            }
            used.extend(things.into_iter().chain(tested));
        }
        let idle: Vec<_> = template.parameters.names().filter(|name| !used.contains(*name)).collect();
        assert!(idle.is_empty(), "nothing looks at the parameters {idle:?}");
    }
}

/// At its largest: the longest stage, region and account, two keys while they are changed, ten people on the deny list.
#[test]
fn the_environment_of_each_function_fits() {
    const DENIED: usize = 10;
    let template = template(SHARDS_MAX);
    let common = common::variables(&template.globals["Function"]);
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let all = common.iter().map(|(name, value)| (name.clone(), value.clone()));
        let all = all.chain(common::variables(&function.properties));
        let bytes: usize = all.map(|(name, value)| name.len() + common::largest(&name, &value, DENIED)).sum();
        assert!(bytes <= ENVIRONMENT_BYTES_MAX, "{id}: {bytes} bytes");
    }
}

#[test]
fn impossible_shards_are_refused() {
    for shards in [0, SHARDS_MAX + 1] {
        let error = tidings_template::build(&functions(), shards).unwrap_err();
        assert!(matches!(error, TemplateError::Shards { .. }) && error.to_string().contains("1 to 32"), "{error}");
    }
}

#[test]
fn two_things_of_one_name_are_refused() {
    let mut functions = functions();
    let twin = functions.iter().find(|function| function.name == "send").unwrap().clone();
    functions.push(twin);
    let error = tidings_template::build(&functions, 2).unwrap_err().to_string();
    assert!(error.contains("would be called SendFunction"), "{error}");
}
