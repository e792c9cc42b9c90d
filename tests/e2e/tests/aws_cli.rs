//! The AWS command line, which knows nothing of us, sees the tables, queues and files of a running local cloud.
//!
//! It comes from PyPI, pinned, into a virtual environment under the target folder, made once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken expectation ends the test")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use tidings_e2e::Cloud;
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
    let venv = own_folder().join("aws-cli");
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
    tables.sort_unstable();
    let mut expected: Vec<_> = endpoints.tables.values().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(tables, expected);
    assert_eq!(tables.len(), 4);

    let social = &endpoints.tables["social"];
    let scan = ask(&endpoints.dynamodb, &["dynamodb", "scan", "--table-name", social]).await;
    assert_eq!(scan["Count"], 2, "an account and its name: {scan}");

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
    cloud.stop().await;
}
