//! `cargo local`: builds the functions, starts the cloud, says where everything is, and runs until it is told to end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use tidings_local::backend::{ANYBODY, Backend};
use tidings_local::faults::Plan;
use tidings_local::options::{self, DEFAULT_PORT};
use tidings_local::{Limits, LocalCloud, Loudness, Options, Running, builder, say};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tidings on this machine: the real functions behind a gateway, with tables, queues and files.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version)]
struct Arguments {
    /// The port of the page, the API and the socket; DynamoDB, SQS, S3 and the Runtime API take the four after it.
    /// 0 takes free ones.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// How many fan-out queues there are.
    #[arg(long, value_name = "N")]
    shards: Option<u32>,
    /// Sets a parameter of the functions; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Injects the faults of a plan, as JSON.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// How many times faster the gateway's time passes: its limits on idle and on old connections are divided by it.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    time_scale: f64,
    /// Keeps everything in this folder, and goes on with what it finds there.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Uses the DynamoDB, SQS and S3 at this URL (LocalStack, MiniStack) in place of its own.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    backend: Option<String>,
    /// Before the names of tables, queues and the bucket in the backend.
    #[arg(long, value_name = "NAME", requires = "backend")]
    backend_prefix: Option<String>,
    /// The access key for the backend.
    #[arg(long, value_name = "ID", env = "AWS_ACCESS_KEY_ID", default_value = ANYBODY, hide_env_values = true)]
    backend_key: String,
    /// Its secret.
    #[arg(long, value_name = "SECRET", env = "AWS_SECRET_ACCESS_KEY", default_value = ANYBODY, hide_env_values = true)]
    backend_secret: String,
    /// Runs the binaries that are there, without building them.
    #[arg(long)]
    no_build: bool,
    /// The folder with the functions' `function.toml` files.
    #[arg(long, value_name = "DIR")]
    functions: Option<PathBuf>,
    /// The folder with the functions' binaries; implies --no-build.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Shows every line that the functions log, and processes coming and going.
    #[arg(long, short)]
    verbose: bool,
}

impl Arguments {
    /// The backend that is asked for.
    fn backend(&self) -> Option<Backend> {
        let backend = Backend::at(self.backend.clone()?);
        Some(Backend {
            prefix: self.backend_prefix.clone().unwrap_or(backend.prefix),
            access_key_id: self.backend_key.clone(),
            secret_access_key: self.backend_secret.clone(),
            ..backend
        })
    }
}

fn main() -> ExitCode {
    // Database calls run on these threads and wait for one another at times, so there are some more than cores.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let outcome = runtime.context("no threads to run on").and_then(|runtime| runtime.block_on(run(Arguments::parse())));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::line(&format!("cannot start: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // From the first moment on, so that a build can be broken off, too.
    let mut signals =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let started = tokio::select! {
        started = start(arguments) => started?,
        () = told_to_end(&mut signals) => return Ok(()),
    };
    say::line(&format!("ready {}", started.endpoints().api));
    told_to_end(&mut signals).await;
    say::line("ending ...");
    tokio::select! {
        () = started.stop() => {}
        // Told twice: at once. The functions are told already.
        () = told_to_end(&mut signals) => {}
    }
    Ok(())
}

async fn start(arguments: Arguments) -> anyhow::Result<Running> {
    let backend = arguments.backend();
    let mut options = Options {
        functions_dir: arguments.functions.unwrap_or_else(|| options::workspace().join("functions")),
        port: arguments.port,
        limits: Limits::default().scaled(arguments.time_scale)?,
        faults: arguments.faults.as_deref().map_or(Ok(Plan::default()), plan)?,
        data: arguments.data.clone(),
        backend,
        loudness: if arguments.verbose { Loudness::Verbose } else { Loudness::Plain },
        ..Options::for_tests()
    };
    if let Some(shards) = arguments.shards {
        options.set("FANOUT_SHARDS", &shards.to_string())?;
    }
    for pair in &arguments.set {
        options.set_pair(pair)?;
    }
    match arguments.binaries {
        Some(binaries) => options.binaries_dir = binaries,
        None if arguments.no_build => {}
        None => {
            let functions = tidings_manifest::read_all(&options.functions_dir)?;
            options.binaries_dir = builder::build(&functions, options.loudness).await?;
        }
    }
    let changed: Vec<_> = options.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let running = LocalCloud::start(options).await?;
    let endpoints = running.endpoints();
    for (name, url) in [
        ("page", &endpoints.page),
        ("API", &endpoints.api),
        ("socket", &endpoints.socket),
        ("DynamoDB", &endpoints.dynamodb),
        ("SQS", &endpoints.sqs),
        ("S3", &endpoints.s3),
    ] {
        say::line(&format!("  {name:<10}{url}"));
    }
    say::line(&format!("  functions {}", running.functions().join(", ")));
    if let Some(data) = &arguments.data {
        let messages = running.messages_put_back();
        say::line(&format!("  data      {} ({messages} queued messages from earlier)", data.display()));
    }
    if let Some(url) = &arguments.backend {
        say::line(&format!("  backend   {url}, which has its tables, queues and files"));
    }
    if let Some(faults) = &arguments.faults {
        say::line(&format!("  faults    as {} says", faults.display()));
    }
    if !changed.is_empty() {
        say::line(&format!("  set       {}", changed.join(", ")));
    }
    Ok(running)
}

/// The fault plan in a file.
fn plan(file: &Path) -> anyhow::Result<Plan> {
    let json = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Plan::from_json(&json).with_context(|| file.display().to_string())
}

/// Ctrl-C, SIGTERM, or the terminal closed.
async fn told_to_end((interrupt, terminate, hangup): &mut (Signal, Signal, Signal)) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
