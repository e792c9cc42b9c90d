//! A MiniStack of a run's own, and the template deployed to it as it would be to AWS.
//!
//! The binaries are those of the tests, without their debugging information: what is tried is the template and the
//! roles, and building the deployment's own would take ten minutes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Here;
use super::deployment::{self, Deployment};
use crate::deploy::{self, Architecture, Aws, Built, Key, Stage};
use crate::tools::{self, Venv};
use crate::{call, say};

/// How long it may take to answer; measured: a second.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The key that MiniStack gives every right to.
const KEY: &str = "test";

/// The region that it is asked in.
const REGION: &str = "us-east-1";

/// The end of its log that is shown when something failed, in lines.
const SHOWN_LINES: usize = 60;

/// Whether functions may do what their roles say and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    /// They may.
    Enforced,
    /// Everybody may do everything.
    Ignored,
}

/// It, until it is dropped.
pub(super) struct Emulator {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Emulator {
    /// Starts it on a free port of this machine alone, and waits until it answers.
    pub(super) fn start(here: &Here<'_>, roles: Roles) -> Result<Self, String> {
        say::heading("MiniStack");
        let venv = tools::ready(here.root, &here.target, tools::MINISTACK)?;
        let folder = here.emptied("targets/ministack-server")?;
        let log = folder.join("log");
        let address = free_address()?;
        let mut python = venv.command("python");
        python.arg(here.root.join("localstack/ministack/start.py")).current_dir(&folder);
        tools::forget_aws(&mut python);
        for (name, value) in settings(&address, roles) {
            python.env(name, value);
        }
        let (out, err) = File::create(&log)
            .and_then(|out| Ok((out.try_clone()?, out)))
            .map_err(|error| format!("{}: {error}", log.display()))?;
        let child = python.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|error| format!("MiniStack cannot be started: {error}"))?;
        let mut emulator = Self { child, address, log };
        emulator.wait()?;
        say::line(&format!("MiniStack answers at {}, its log is {}", emulator.url(), emulator.log.display()));
        Ok(emulator)
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn wait(&mut self) -> Result<(), String> {
        let until = Instant::now() + READY_WITHIN;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("MiniStack ended with {status}:\n{}", self.last_words()));
            }
            if is_healthy(&self.address) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(format!("MiniStack does not answer at {}:\n{}", self.address, self.last_words()))
    }

    /// Whether anybody has made tables here.
    pub(super) fn was_used(&self) -> bool {
        let request = "POST / HTTP/1.0\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
                       Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}";
        ask(&self.address, request).is_ok_and(|answer| answer.contains("-log\""))
    }

    /// Passes a verdict on, and shows what MiniStack said before a bad one.
    pub(super) fn explain(&self, passed: bool) -> bool {
        if !passed {
            say::warning(&format!("the end of {}:\n{}", self.log.display(), self.last_words()));
        }
        passed
    }

    fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What it finds in its environment. Functions inherit it.
fn settings(address: &str, roles: Roles) -> [(&'static str, String); 7] {
    let port = address.rsplit(':').next().unwrap_or_default().to_owned();
    let auth = if roles == Roles::Enforced { "true" } else { "false" };
    [
        // Its default is every interface of the machine.
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("GATEWAY_PORT", port),
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AUTH", auth.to_owned()),
        // Otherwise it makes certificates that nobody needs here.
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ]
}

fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.to_string()).map_err(|error| format!("no port is free: {error}"))
}

fn is_healthy(address: &str) -> bool {
    let answer = ask(address, "GET /_ministack/health HTTP/1.0\r\n\r\n");
    answer.is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}

/// One request, and all that is answered.
fn ask(address: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Deploys what `cargo xtask deploy` would, with the same steps.
pub(super) fn deploy(here: &Here<'_>, emulator: &Emulator) -> Result<Deployment, String> {
    let url = emulator.url();
    let account = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_DEFAULT_REGION", REGION),
        // What is in the home of whoever runs this is meant for somebody else's account.
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let sam = tools::ready(here.root, &here.target, tools::SAM)?.instead_of_aws(&account);
    let cli = tools::ready(here.root, &here.target, tools::AWS_CLI)?.instead_of_aws(&account);
    let architecture = Architecture::of_host()?;
    let built = zips(here, &tools::ready(here.root, &here.target, tools::MINISTACK)?)?;
    let stage = Stage::read(here.root, "dev")?.at_emulator(&emulator.address);
    let template = deploy::lay((here.root, &here.target), "ministack", architecture, &built)?;
    let aws = Aws::sign_in(cli, Some(REGION.to_owned()), &stage)?;
    deploy::bring_up(here.root, &sam, &aws, &stage, architecture, &template)?;
    // All services are at one address.
    let at = |_: &str| format!("{url}/");
    let key = Key { id: KEY.to_owned(), secret: KEY.to_owned(), session_token: None };
    let roles = deployment::Roles::ToBeChanged;
    Deployment::new(here.root, aws, &stage.stack, at, roles, &key)
}

/// The functions' binaries as zips.
fn zips(here: &Here<'_>, python: &Venv) -> Result<Vec<Built>, String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--workspace", "--all-targets"]).current_dir(here.root);
    call::run(&mut cargo, "building the functions", "the compiler's own words stand above")?;
    let functions = tidings_manifest::read_all(&here.root.join("functions")).map_err(|error| error.to_string())?;
    let folder = here.emptied("targets/zips")?;
    functions.iter().map(|function| zip(here, python, &folder, &function.name)).collect()
}

fn zip(here: &Here<'_>, python: &Venv, folder: &Path, name: &str) -> Result<Built, String> {
    let place = folder.join(name);
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let binary = place.join("bootstrap");
    let mut strip = Command::new("strip");
    strip.arg("--strip-debug").arg("-o").arg(&binary).arg(here.target.join("debug").join(name));
    call::run(&mut strip, &format!("taking {name}'s debugging information off"), "`strip` comes with the C compiler")?;
    let zip = folder.join(format!("{name}.zip"));
    let mut command = python.command("python");
    command.args(["-m", "zipfile", "-c"]).arg(&zip).arg(&binary);
    call::run(&mut command, &format!("packing {name}"), "is there room on the disk?")?;
    let bytes = |path: &Path| std::fs::metadata(path).map(|meta| meta.len()).unwrap_or_default();
    let (zip_bytes, binary_bytes) = (bytes(&zip), bytes(&binary));
    Ok(Built { name: name.to_owned(), zip, zip_bytes, binary_bytes, glibc: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_to_this_machine_alone() {
        let has = |roles, name, value: &str| settings("127.0.0.1:4599", roles).contains(&(name, value.to_owned()));
        assert!(has(Roles::Enforced, "BIND_HOST", "127.0.0.1"));
        assert!(has(Roles::Enforced, "GATEWAY_PORT", "4599"));
        assert!(has(Roles::Enforced, "AUTH", "true"));
        assert!(has(Roles::Ignored, "AUTH", "false"));
    }

    #[test]
    fn nobody_is_not_healthy() {
        assert!(!is_healthy(&free_address().unwrap()));
    }
}
