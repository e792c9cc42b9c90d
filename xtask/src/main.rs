//! The project's own commands: `cargo xtask test`, `cargo xtask mutants`, `cargo xtask deploy`, `cargo xtask generate`,
//! `cargo xtask new`.

mod call;
mod counts;
mod deploy;
mod environment;
mod files;
mod generate;
mod lanes;
mod mutants;
mod rights;
mod run;
mod say;
mod scaffold;
mod suites;
mod target;
mod template;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, builder::FalseyValueParser};

/// Works on the repository: tests, generated files, new pieces.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything that must pass, in lanes with a budget each.
    Test(TestArgs),
    /// The same as in CI: a lane that cannot run fails.
    Ci(TestArgs),
    /// Real clients against a local cloud of their own, for as long as one likes, while functions are killed and
    /// everything else fails now and then. `cargo xtask soak --help` lists the options.
    #[command(disable_help_flag = true)]
    Soak {
        /// `--minutes N`, `--sockets M` and others, as `tidings-load soak` takes them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Write what is generated from the tables of the protocol, the deployment template included.
    Generate {
        /// Write nothing; fail if something is stale.
        #[arg(long)]
        check: bool,
    },
    /// Write the deployment template.
    Template {
        /// How many fan-out queues it shall have; without it as many as it has.
        #[arg(long, value_name = "N")]
        shards: Option<u32>,
        /// Write nothing; fail if it is stale.
        #[arg(long, conflicts_with = "shards")]
        check: bool,
    },
    /// Check the deployment template with cfn-lint and `sam validate --lint`.
    Lint,
    /// Compare the roles of the template with what functions did while the end-to-end tests ran.
    Rights {
        /// Where those left their records: `TIDINGS_RIGHTS` was that folder.
        folder: PathBuf,
    },
    /// Break one rule at a time, and expect the test that guards it to fail.
    Mutants {
        /// Only these: names of files in `tests/mutants`, without their ending.
        names: Vec<String>,
        /// List the mutants with their rules and tests, and run nothing.
        #[arg(long)]
        list: bool,
    },
    /// Build the functions, deploy them with the template to your AWS account, try them, and print where they are.
    Deploy(deploy::DeployArgs),
    /// Delete a stage from your AWS account, and say what of it stays.
    Destroy(deploy::DestroyArgs),
    /// Let two people talk at a running deployment. Leaves their accounts there.
    Smoke(deploy::SmokeArgs),
    /// Begin something new, and say what remains to do.
    New {
        #[command(subcommand)]
        what: New,
    },
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
struct TestArgs {
    /// Run this lane only; may be given more than once.
    #[arg(long = "lane", value_name = "NAME")]
    lanes: Vec<String>,
    /// Run the end-to-end suite alone, on this: `local`, `ministack`, `ministack-backend`, `localstack` or `stage:NAME`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["lanes", "list", "keep_going"])]
    target: Option<target::Target>,
    /// List the lanes with their budgets and commands, and run nothing.
    #[arg(long)]
    list: bool,
    /// Go on with the other lanes after one failed.
    #[arg(long)]
    keep_going: bool,
    /// Use `cargo test` even where cargo-nextest is installed.
    #[arg(long)]
    without_nextest: bool,
    /// Whether this is CI: there a lane that cannot run fails.
    #[arg(long, env = "CI", value_parser = FalseyValueParser::new())]
    ci: bool,
}

#[derive(Subcommand)]
enum New {
    /// An action of the socket: its file, its line in the table.
    Action {
        /// Its name on the wire, like `message.send`.
        name: String,
        /// The function that serves it.
        #[arg(long)]
        function: String,
    },
    /// A function: its folder with Cargo.toml, function.toml and a main.
    Function {
        /// Its name: the folder's, the binary's and the Lambda's.
        name: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            say::error(&reason);
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
fn run(command: Command) -> Result<bool, String> {
    let root = root()?;
    match command {
        Command::Test(args) => test(&root, &args),
        Command::Ci(args) => test(&root, &TestArgs { ci: true, ..args }),
        Command::Soak { options } => soak(&root, &options),
        Command::Generate { check } => {
            // Both, so that one run names everything that is stale.
            let (tables, template) = (generate::run(&root, check)?, template::run(&root, None, check)?);
            Ok(tables && template)
        }
        Command::Template { shards, check } => template::run(&root, shards, check),
        Command::Lint => deploy::lint_all(&root),
        Command::Rights { folder } => rights::run(&root, &folder),
        Command::Mutants { list: true, .. } => mutants::list(&root),
        Command::Mutants { names, .. } => mutants::run(&root, &names),
        Command::Deploy(args) => deploy::deploy(&root, &args),
        Command::Destroy(args) => deploy::destroy(&root, args),
        Command::Smoke(args) => deploy::smoke(&root, &args),
        Command::New { what: New::Action { name, function } } => scaffold::action(&root, &name, &function),
        Command::New { what: New::Function { name } } => scaffold::function(&root, &name),
    }
}

fn test(root: &Path, args: &TestArgs) -> Result<bool, String> {
    if let Some(target) = &args.target {
        return target::run(root, target, args.without_nextest);
    }
    if args.list {
        lanes::list();
        return Ok(true);
    }
    let selected = lanes::select(&args.lanes)?;
    run::run(
        root,
        &selected,
        run::Options { ci: args.ci, keep_going: args.keep_going, without_nextest: args.without_nextest },
    )
}

/// Hands a soak over to the load tool, which this small program does not link.
fn soak(root: &Path, options: &[String]) -> Result<bool, String> {
    let run = ["run", "--quiet", "--locked", "--package", "tidings-load", "--", "soak"];
    let mut cargo = std::process::Command::new("cargo");
    let status = cargo.args(run).args(options).current_dir(root).status();
    status.map(|status| status.success()).map_err(|error| format!("cargo cannot be started: {error}"))
}

/// The repository's root: this crate's parent. Asked of the running cargo: with a shared target folder this binary
/// may have been compiled in another clone, and would then work on that one.
fn root() -> Result<PathBuf, String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("run this as `cargo xtask`")?;
    let here = Path::new(&here);
    Ok(here.parent().unwrap_or(here).to_owned())
}
