//! The AWS command line, which knows nothing of us, sees the tables, queues and files of a running local cloud.
//!
//! It comes from PyPI, pinned, into a virtual environment under the target folder, made once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken expectation ends the test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidings_e2e::Cloud;
use tidings_local::Backend;
use tidings_local::options::{own_folder, workspace};
use tokio::process::Command;

/// What is installed, all of it with its version.
const PINNED: &str = include_str!("../../../infra/tools/aws-cli.txt");

async fn run(command: &mut Command, what: &str) -> Vec<u8> {
    let output = command.kill_on_drop(true).output().await.unwrap_or_else(|error| panic!("{what}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}\n{stderr}", output.status);
    output.stdout
}

/// The `aws` of the virtual environment, which is made if it is not there or of other versions.
async fn aws() -> PathBuf {
    // Where `cargo xtask` has it, too; whoever comes first makes it.
    let venv = own_folder().with_file_name("tools").join("aws-cli");
    let stamp = venv.join("installed.txt");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(PINNED) {
        let requirements = workspace().join("infra/tools/aws-cli.txt");
        let needed = "this test needs Python 3 with venv (Debian: apt-get install python3-venv)";
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), needed).await;
        let pip = venv.join("bin/pip");
        run(Command::new(pip).args(["install", "--quiet", "--no-deps", "--requirement"]).arg(requirements), "pip")
            .await;
        std::fs::write(stamp, PINNED).unwrap();
    }
    venv.join("bin/aws")
}

#[tokio::test]
async fn the_aws_command_line_sees_the_local_cloud() {
    let aws = aws().await;
    let cloud = Cloud::start().await;
    cloud.person("ann").await;
    let endpoints = cloud.endpoints();
    let ask = async |endpoint: &str, args: &[&str]| -> Value {
        let mut command = Command::new(&aws);
        command
            .args(["--endpoint-url", endpoint, "--output", "json"])
            .args(args)
            .env("AWS_ACCESS_KEY_ID", &endpoints.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &endpoints.secret_access_key)
            .env("AWS_DEFAULT_REGION", &endpoints.region)
            .env("AWS_CONFIG_FILE", Path::new("/dev/null"));
        let printed = run(&mut command, &args.join(" ")).await;
        serde_json::from_slice(&printed).unwrap_or(Value::Null)
    };

    let tables = ask(&endpoints.dynamodb, &["dynamodb", "list-tables"]).await;
    let mut tables: Vec<_> = tables["TableNames"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    // A backend may have other clouds' beside ours.
    let own = endpoints.bucket.trim_end_matches("files");
    tables.retain(|table| table.starts_with(own));
    tables.sort_unstable();
    let mut expected: Vec<_> = endpoints.tables.values().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(tables, expected);
    assert_eq!(tables.len(), 4);

    let social = &endpoints.tables["social"];
    let scan = ask(&endpoints.dynamodb, &["dynamodb", "scan", "--table-name", social]).await;
    assert_eq!(scan["Count"], 3, "an account, its name and its card: {scan}");

    let queues = ask(&endpoints.sqs, &["sqs", "list-queues"]).await;
    let queues = queues["QueueUrls"].as_array().unwrap();
    for queue in endpoints.queues.values() {
        assert!(queues.iter().any(|url| url == queue), "{queue} is not in {queues:?}");
    }

    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::write(&from, "a file").unwrap();
    let object = format!("s3://{}/some/file", endpoints.bucket);
    ask(&endpoints.s3, &["s3", "cp", from.to_str().unwrap(), &object]).await;
    ask(&endpoints.s3, &["s3", "cp", &object, to.to_str().unwrap()]).await;
    assert_eq!(std::fs::read_to_string(to).unwrap(), "a file");
    localstacks_script_makes_what_the_cloud_makes(&aws, &cloud).await;
    cloud.stop().await;
}

/// Not a test of its own, because two would make the virtual environment at once.
async fn localstacks_script_makes_what_the_cloud_makes(aws: &Path, cloud: &Cloud) {
    let endpoints = cloud.endpoints();
    let prefix = format!("t-{:08x}", rand::random::<u32>());
    // `awslocal` is `aws` with LocalStack's address.
    let folder = tempfile::tempdir().unwrap();
    let shim = folder.path().join("awslocal");
    let (dynamodb, sqs, s3) = (&endpoints.dynamodb, &endpoints.sqs, &endpoints.s3);
    let text = format!(
        "#!/bin/bash\ncase $1 in dynamodb) at={dynamodb};; sqs) at={sqs};; *) at={s3};; esac\n\
         exec '{}' --endpoint-url $at \"$@\"\n",
        aws.display()
    );
    std::fs::write(&shim, text).unwrap();
    std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths([folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let mut script = Command::new("bash");
    script
        .arg(workspace().join("localstack/init/ready.sh"))
        .env_clear()
        .env("PATH", path)
        .env("TIDINGS_PREFIX", &prefix)
        .env("AWS_ACCESS_KEY_ID", &endpoints.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &endpoints.secret_access_key)
        .env("AWS_DEFAULT_REGION", &endpoints.region)
        .env("AWS_CONFIG_FILE", "/dev/null");
    run(&mut script, "the script for LocalStack").await;

    for (name, own) in &endpoints.tables {
        let made = format!("{prefix}-{name}");
        let of = async |table: &str| {
            let described = cloud.dynamodb("DescribeTable", json!({ "TableName": table })).await;
            let expiry = cloud.dynamodb("DescribeTimeToLive", json!({ "TableName": table })).await;
            let keys = ["KeySchema", "AttributeDefinitions"].map(|part| described["Table"][part].clone());
            assert!(keys[0].is_array(), "{table}: {described}");
            (keys, expiry["TimeToLiveDescription"]["AttributeName"].clone())
        };
        assert_eq!(of(&made).await, of(own).await, "{name}");
    }
    for (name, own) in &endpoints.queues {
        let full = own.rsplit('/').next().unwrap();
        let made = own.replace(full, &format!("{prefix}-{name}"));
        let of = async |url: &str| {
            let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
            let call = cloud.http.post(sqs).header("x-amz-target", "AmazonSQS.GetQueueAttributes");
            let answer: Value = call.body(request.to_string()).send().await.unwrap().json().await.unwrap();
            let attributes = &answer["Attributes"];
            let redrive: Option<Value> =
                attributes["RedrivePolicy"].as_str().map(|it| serde_json::from_str(it).unwrap());
            let (to, tries) = redrive.map_or_else(Default::default, |mut it| {
                let name = it["deadLetterTargetArn"].as_str().and_then(|arn| Some(arn.rsplit_once('-')?.1.to_owned()));
                (name, it["maxReceiveCount"].take().to_string().replace('"', ""))
            });
            assert!(attributes["VisibilityTimeout"].is_string(), "{url}: {answer}");
            (attributes["VisibilityTimeout"].clone(), attributes["MessageRetentionPeriod"].clone(), to, tries)
        };
        assert_eq!(of(&made).await, of(own).await, "{name}");
    }

    let backend = Backend {
        dynamodb: dynamodb.clone(),
        sqs: sqs.clone(),
        s3: s3.clone(),
        prefix,
        access_key_id: endpoints.access_key_id.clone(),
        secret_access_key: endpoints.secret_access_key.clone(),
    };
    let on_it = Cloud::with(|options| options.backend = Some(backend)).await;
    on_it.person("ann").await;
    on_it.stop().await;
}
