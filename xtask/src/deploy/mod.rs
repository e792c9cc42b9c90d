//! `cargo xtask deploy` and `cargo xtask destroy`: from this folder to a chat in an AWS account, and back.
//!
//! What can fail for want of something comes first, before the long build: tools, Rust targets, the stage's settings,
//! being signed in.

mod architecture;
mod aws;
mod build;
mod destroy;
mod elf;
mod package;
mod smoke;
mod stage;

use std::path::{Path, PathBuf};

use clap::Args;
use tidings_manifest::Function;

use tidings_keys::KeyPair;

pub(crate) use self::architecture::Architecture;
pub(crate) use self::aws::{Aws, Key, Resource};
pub(crate) use self::build::Built;
use self::build::Compiler;
pub(crate) use self::package::lay;
pub(crate) use self::stage::Stage;
use crate::suites::TestTargets;
use crate::tools::{self, Venv};
use crate::{call, say};

/// The region that the linter is told where none is meant: what it checks holds in all of them.
const LINT_REGION: &str = "us-east-1";

#[derive(Args)]
pub(crate) struct DeployArgs {
    /// The stage: a section of `infra/samconfig.toml`.
    #[arg(long, default_value = "dev")]
    stage: String,
    /// Build, check, package and lint; nothing is asked of AWS. Builds for x86_64, and for arm64 where Rust's target is
    /// installed.
    #[arg(long)]
    dry_run: bool,
    /// The processor of the functions [default: what the stage says, and otherwise arm64].
    #[arg(long, value_enum)]
    architecture: Option<Architecture>,
    /// Who links [default: cargo for this machine's own processor, zig for the other].
    #[arg(long, value_enum)]
    compiler: Option<Compiler>,
    /// The region [default: the stage's, AWS_REGION, or your AWS profile's].
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Do not sign two people up at the end and let them talk.
    #[arg(long)]
    without_smoke_test: bool,
}

#[derive(Args)]
pub(crate) struct DestroyArgs {
    /// The stage. Its name is asked for again before anything is deleted.
    #[arg(long)]
    stage: String,
    /// The region [default: the stage's, AWS_REGION, or your AWS profile's].
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
}

#[derive(Args)]
pub(crate) struct SmokeArgs {
    /// Address of the HTTP API: the output `ApiUrl` of a stack, or where a local cloud listens.
    server: String,
}

/// What to build, and how.
type Build = (Architecture, Compiler);

/// Deploys; whether all is well.
pub(crate) fn deploy(root: &Path, args: &DeployArgs) -> Result<bool, String> {
    let target = target_folder(root)?;
    say::heading("tools");
    let stage = Stage::read(root, &args.stage)?;
    let functions = tidings_manifest::read_all(&root.join("functions")).map_err(|error| error.to_string())?;
    let builds = builds(args, &stage, &architecture::host()?, architecture::has_target)?;
    let lambda = tools::ready(root, &target, tools::CARGO_LAMBDA)?;
    let sam = tools::ready(root, &target, tools::SAM)?;
    let mut aws = None;
    if !args.dry_run {
        let signed_in = Aws::sign_in(tools::ready(root, &target, tools::AWS_CLI)?, args.region.clone(), &stage)?;
        say::line(&signed_in.who()?);
        aws = Some(signed_in);
    }
    let mut packages = Vec::new();
    for build in builds {
        packages.push((build.0, package((root, &target), &stage, &lambda, &functions, build)?));
    }
    for (_, template) in &packages {
        lint(&sam, template)?;
    }
    let Some(aws) = aws else {
        say::heading("dry run: nothing was deployed");
        for (_, template) in &packages {
            say::line(&format!("packaged: {}", template.display()));
        }
        return Ok(true);
    };
    for (architecture, template) in &packages {
        bring_up(root, &sam, &aws, &stage, *architecture, template)?;
    }
    finish((root, &target), &aws, &stage, args.without_smoke_test)?;
    Ok(true)
}

/// Deletes a stage; whether all is well.
pub(crate) fn destroy(root: &Path, args: DestroyArgs) -> Result<bool, String> {
    destroy::run(root, &target_folder(root)?, &args.stage, args.region)
}

/// Runs the smoke test alone; whether all is well.
pub(crate) fn smoke(root: &Path, args: &SmokeArgs) -> Result<bool, String> {
    let target = target_folder(root)?;
    let client = build::client(root, &target)?;
    smoke::run(&client, &target, &args.server)?;
    Ok(true)
}

/// What is to be built, in order.
///
/// A deployment is of one architecture, and its target must be there. A dry run shows as much as this machine can:
/// x86_64, and arm64 too where its target is installed.
fn builds(
    args: &DeployArgs,
    stage: &Stage,
    host: &str,
    has_target: impl Fn(Architecture) -> Result<bool, String>,
) -> Result<Vec<Build>, String> {
    let with = |architecture| (architecture, args.compiler.unwrap_or_else(|| Compiler::for_host(host, architecture)));
    let chosen = match (args.architecture, args.dry_run) {
        (Some(architecture), _) => vec![architecture],
        (None, false) => vec![stage.architecture()?],
        (None, true) => {
            let mut chosen = vec![Architecture::X86_64];
            if has_target(Architecture::Arm64)? {
                chosen.push(Architecture::Arm64);
            } else {
                say::warning(&format!("not built for arm64. {}", architecture::how_to_add(Architecture::Arm64)));
            }
            chosen
        }
    };
    for architecture in &chosen {
        if !has_target(*architecture)? {
            return Err(architecture::how_to_add(*architecture));
        }
    }
    Ok(chosen.into_iter().map(with).collect())
}

/// Builds for one architecture and lays the package; where its template is.
fn package(
    (root, target): (&Path, &Path),
    stage: &Stage,
    lambda: &Venv,
    functions: &[Function],
    (architecture, compiler): Build,
) -> Result<PathBuf, String> {
    say::heading(&format!("{} functions for {}", functions.len(), architecture.as_str()));
    let built = build::build((root, target), lambda, functions, (architecture, compiler))?;
    package::lay((root, target), &stage.name, architecture, &built)
}

/// Lints the template as it is and with as many shards as there can be; whether all is well.
pub(crate) fn lint_all(root: &Path) -> Result<bool, String> {
    let target = target_folder(root)?;
    let sam = tools::ready(root, &target, tools::SAM)?;
    let here = root.join(tidings_template::PATH);
    lint(&sam, &here)?;
    let most = target.join("deploy/most-shards.yaml");
    let text = crate::template::text(root, tidings_template::SHARDS_MAX)?;
    let written = std::fs::create_dir_all(target.join("deploy")).and_then(|()| std::fs::write(&most, text));
    written.map_err(|error| format!("{}: {error}", most.display()))?;
    lint(&sam, &most)?;
    Ok(true)
}

/// Looks at a packaged template twice: cfn-lint knows every property of every resource, `sam validate` what SAM makes
/// of its own types.
fn lint(sam: &Venv, template: &Path) -> Result<(), String> {
    say::heading(&format!("lint {}", template.display()));
    let advice = "the template is generated: mend infra/template, and run `cargo xtask template`";
    let mut cfn_lint = sam.command("cfn-lint");
    cfn_lint.arg("--template").arg(template).args(["--regions", LINT_REGION]);
    call::run(&mut cfn_lint, "checking the template with cfn-lint", advice)?;
    let mut validate = sam.command("sam");
    validate.args(["validate", "--lint", "--region", LINT_REGION, "--template-file"]).arg(template);
    call::run(&mut validate, "checking the template with sam", advice)
}

/// From a package to a stack that stands: its keys, and the first time without protection, which follows.
pub(crate) fn bring_up(
    root: &Path,
    sam: &Venv,
    aws: &Aws,
    stage: &Stage,
    architecture: Architecture,
    template: &Path,
) -> Result<(), String> {
    let secret = tidings_template::KEYS_SECRET.replace("${Stage}", &stage.name);
    let stands = aws.has_stack(&stage.stack)?;
    match (aws.has_secret(&secret)?, stands) {
        (true, _) => {}
        (false, false) => {
            aws.make_secret(&secret, &KeyPair::from_seed(&rand::random()).as_secret())?;
            say::line(&format!("made the keys of this stage: the secret {secret}"));
        }
        // New ones would reach only those functions that change, and the others would refuse what these sign.
        (false, true) => {
            return Err(format!(
                "the stack {} stands, and its keys are gone: there is no secret {secret}. Restore it; or make one, in the \
                 form of infra/template/README.md, and deploy with KeysVersion=<its version id>, which signs everybody out",
                stage.stack
            ));
        }
    }
    if let Some(first) = stage.unprotected()
        && !stands
    {
        upload(root, sam, aws, &first, architecture, template)?;
        say::line("all stands: the tables are protected from deletion with a second change");
    }
    upload(root, sam, aws, stage, architecture, template)
}

/// Uploads the package and brings the stack up to it.
fn upload(
    root: &Path,
    sam: &Venv,
    aws: &Aws,
    stage: &Stage,
    architecture: Architecture,
    template: &Path,
) -> Result<(), String> {
    say::heading(&format!("deploy {} to {}", stage.stack, aws.region));
    let mut command = sam.command("sam");
    command.args(["deploy", "--stack-name", &stage.stack, "--region", &aws.region, "--resolve-s3"]);
    command.args(["--config-env", &stage.name, "--config-file"]).arg(root.join(stage::FILE));
    // The functions' roles, and the transforms of the template.
    command.args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-fail-on-empty-changeset"]);
    command.arg("--template-file").arg(template);
    command.arg("--parameter-overrides").args(stage.parameters(architecture));
    let advice = "the events above name the resource and AWS's reason; a stack in ROLLBACK_COMPLETE has to be deleted \
                  before the next try (`cargo xtask destroy`)";
    // Where the section has `confirm_changeset`, sam shows what will change and asks.
    call::run_in_dialogue(&mut command, "deploying", advice)
}

/// Tries what was deployed, and says where it is.
fn finish((root, target): (&Path, &Path), aws: &Aws, stage: &Stage, without_smoke_test: bool) -> Result<(), String> {
    let outputs = aws.outputs(&stage.stack)?;
    if without_smoke_test {
        say::warning("the smoke test was left out: nobody has tried what is deployed");
    } else {
        say::heading("smoke test");
        let api = output(&outputs, "ApiUrl")?;
        smoke::run(&build::client(root, target)?, target, api)?;
    }
    say::heading(&format!("deployed: {}", stage.stack));
    for (name, value) in &outputs {
        say::line(&format!("{name:<20} {value}"));
    }
    let api = output(&outputs, "ApiUrl")?;
    say::line(&format!("\ncargo tidings --server {api} --profile {} register NAME", stage.name));
    Ok(())
}

fn output<'a>(outputs: &'a [(String, String)], name: &str) -> Result<&'a str, String> {
    let found = outputs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("the stack has no output {name}"))
}

/// The target folder, as cargo knows it.
fn target_folder(root: &Path) -> Result<PathBuf, String> {
    Ok(TestTargets::read(root)?.1.into())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: DeployArgs,
    }

    fn chosen(words: &[&str], installed: &[Architecture]) -> Result<Vec<Build>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("infra")).unwrap();
        let config =
            "[dev.deploy.parameters]\n[old.deploy.parameters]\nparameter_overrides = \"Architecture=x86_64\"\n";
        std::fs::write(folder.path().join(stage::FILE), config).unwrap();
        let line = Line::try_parse_from(std::iter::once(&"deploy").chain(words)).unwrap();
        let stage = Stage::read(folder.path(), &line.args.stage)?;
        builds(&line.args, &stage, HOST, |architecture| Ok(installed.contains(&architecture)))
    }

    #[test]
    fn what_is_built_follows_from_the_stage_the_switches_and_the_machine() {
        use Architecture::{Arm64, X86_64};
        use Compiler::{Cargo, Zig};
        let both = [Arm64, X86_64];
        for (words, installed, want) in [
            (&["--stage", "dev"][..], &both[..], &[(Arm64, Zig)][..]),
            (&["--stage", "old"], &both, &[(X86_64, Cargo)]),
            (&["--architecture", "x86_64"], &[X86_64], &[(X86_64, Cargo)]),
            (&["--architecture", "x86_64", "--compiler", "zig"], &both, &[(X86_64, Zig)]),
            (&["--dry-run"], &both, &[(X86_64, Cargo), (Arm64, Zig)]),
            (&["--dry-run"], &[X86_64], &[(X86_64, Cargo)]),
        ] {
            assert_eq!(chosen(words, installed).as_deref(), Ok(want), "{words:?}");
        }
    }

    #[test]
    fn a_missing_target_ends_a_deployment_with_how_to_add_it() {
        for words in [&["--stage", "dev"][..], &["--dry-run", "--architecture", "arm64"]] {
            let reason = chosen(words, &[Architecture::X86_64]).unwrap_err();
            assert!(reason.contains("rustup target add aarch64-unknown-linux-gnu"), "{reason}");
        }
    }

    #[test]
    fn outputs_are_found_by_name() {
        let outputs = [("ApiUrl".to_owned(), "https://a".to_owned())];
        assert_eq!(output(&outputs, "ApiUrl"), Ok("https://a"));
        assert!(output(&outputs, "PageUrl").unwrap_err().contains("PageUrl"));
    }
}
