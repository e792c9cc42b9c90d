//! The program itself: what it says, how it ends, and that nothing survives it.

#[cfg(test)]
mod common;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::program::{program, start};
use common::{functions, until};
use serde_json::{Value, json};

/// Runs it where it must not start, and says its exit code and what it said.
#[cfg(test)]
fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(folder, arguments).stderr(Stdio::piped()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Calls a function and says which process answered.
#[cfg(test)]
async fn process_of(api: &str, function: &str) -> String {
    let url = format!("{api}/2015-03-31/functions/{function}/invocations");
    let answer = reqwest::Client::new().post(url).body("{}").send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["pid"].to_string()
}

#[cfg(test)]
fn alive(pid: &str) -> bool {
    // A zombie that its new parent has not looked after yet is dead.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn it_names_every_endpoint_and_says_ready_at_last() {
    let folder = functions();
    let mut program = start(folder.path(), &["--port", "0", "--set", "INLINE_PUSH_MAX=0", "--shards", "3"]);
    let said = program.said.join("\n");
    let endpoints: Value =
        reqwest::get(format!("{}/_local/endpoints", program.api)).await.unwrap().json().await.unwrap();
    for name in ["page", "api", "socket", "dynamodb", "sqs", "s3"] {
        assert!(said.contains(endpoints[name].as_str().unwrap()), "{name}: {said}");
    }
    assert!(said.contains("INLINE_PUSH_MAX=0"), "{said}");
    assert!(endpoints["queues"]["fanout-2"].is_string());
    assert_eq!(program.said.last().unwrap(), &format!("ready {}", endpoints["api"].as_str().unwrap()));
    program.signal("-TERM");
    program.child.wait().unwrap();
}

#[tokio::test]
async fn it_ends_cleanly_and_takes_its_processes_with_it() {
    for how in ["-INT", "-TERM", "-HUP"] {
        let folder = functions();
        let mut program = start(folder.path(), &["--port", "0"]);
        let process = process_of(&program.api, "send").await;
        assert!(alive(&process));
        program.signal(how);
        assert!(program.child.wait().unwrap().success(), "{how}");
        assert!(!alive(&process), "{how}");
    }
}

#[tokio::test]
async fn killed_it_leaves_no_process_behind() {
    let folder = functions();
    let mut program = start(folder.path(), &["--port", "0"]);
    // One frozen between calls, one in the middle of a call.
    let frozen = process_of(&program.api, "sync").await;
    let working = process_of(&program.api, "send").await;
    let url = format!("{}/2015-03-31/functions/send/invocations", program.api);
    let event = json!({"body": json!({"do": "sleep", "ms": "300"}).to_string()}).to_string();
    let sent = reqwest::Client::new().post(url).header("x-amz-invocation-type", "Event").body(event);
    sent.send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    program.signal("-KILL");
    program.child.wait().unwrap();
    until("both are gone", || async { !alive(&frozen) && !alive(&working) }).await;
}

#[tokio::test]
async fn it_starts_with_faults_and_with_time_that_flies() {
    let folder = functions();
    let plan = folder.path().join("plan.json").display().to_string();
    std::fs::write(&plan, r#"{"posts": {"gone": 0.25}}"#).unwrap();
    // The gateway's two hours are over in two seconds, its ten minutes in 167 ms.
    let mut program = start(folder.path(), &["--port", "0", "--faults", &plan, "--time-scale", "3600"]);
    let report: Value = reqwest::get(format!("{}/_local/faults", program.api)).await.unwrap().json().await.unwrap();
    assert_eq!(report["plan"]["posts"]["gone"], 0.25);
    let socket = format!("{}/socket?ticket=alice", program.api.replace("http", "ws"));
    let (stream, _) = tokio_tungstenite::connect_async(socket).await.unwrap();
    let mut idle = common::Socket { stream };
    assert_eq!(idle.close_code().await, Some(1001));
    program.signal("-TERM");
    program.child.wait().unwrap();
}

#[tokio::test]
async fn it_says_plainly_why_it_does_not_start() {
    let folder = functions();
    let mut first = start(folder.path(), &["--port", "0"]);
    let port = first.api.rsplit(':').next().unwrap().to_owned();
    let nowhere = folder.path().join("nowhere");
    let wrong = folder.path().join("wrong.json").display().to_string();
    std::fs::write(&wrong, r#"{"posts": {"gone": 2}}"#).unwrap();
    for (arguments, says) in [
        (vec!["--port", &port], format!("port {port} on 127.0.0.1 cannot be used")),
        (vec!["--port", "0", "--set", "INLINE=0"], "these can be set: INLINE_PUSH_MAX".to_owned()),
        (vec!["--port", "0", "--set", "INLINE_PUSH_MAX"], "NAME=VALUE".to_owned()),
        (vec!["--port", "0", "--shards", "0"], "from 1 to 256".to_owned()),
        (vec!["--port", "0", "--time-scale", "0"], "a time scale of 0".to_owned()),
        (vec!["--port", "0", "--faults", "nowhere.json"], "nowhere.json cannot be read".to_owned()),
        (vec!["--port", "0", "--faults", &wrong], "wrong.json: posts.gone is 2".to_owned()),
    ] {
        let (code, said) = refused(folder.path(), &arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&says), "{said}");
    }
    first.signal("-TERM");
    first.child.wait().unwrap();
    let data = folder.path().join("data");
    let data = ["--port", "0", "--data", data.to_str().unwrap()];
    let kept = start(folder.path(), &data);
    let (code, said) = refused(folder.path(), &data);
    assert!(code == Some(1) && said.contains("is in use by another local cloud"), "{said}");
    drop(kept);
    std::fs::remove_file(folder.path().join("binaries/send")).unwrap();
    let (code, said) = refused(folder.path(), &["--port", "0"]);
    assert!(code == Some(1) && said.contains("the function send has no executable"), "{said}");
    let (code, said) = refused(&nowhere, &["--port", "0"]);
    assert!(code == Some(1) && said.contains("nowhere/functions"), "{said}");
}
