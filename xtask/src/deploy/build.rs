//! Building the functions: all of them, with cargo-lambda, in the profile `deploy`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::ValueEnum;
use tidings_manifest::Function;

use super::architecture::Architecture;
use super::elf::NEWEST_GLIBC;
use super::elf::{self, Glibc};
use crate::tools::Venv;
use crate::{call, say};

/// Who links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compiler {
    /// Cargo as it is, with this machine's linker and glibc.
    Cargo,
    /// zig, for another processor or an older glibc than this machine's.
    Zig,
}

impl Compiler {
    /// The simplest that can build for the architecture on this host.
    pub(crate) fn for_host(host: &str, architecture: Architecture) -> Self {
        if host == architecture.triple() { Self::Cargo } else { Self::Zig }
    }
}

/// What one zip may weigh, in bytes: 3.5 MB. Lambda fetches and unpacks it at every cold start; the largest function
/// stays below with the settings of `[profile.deploy]`, and one that suddenly does not has taken in a second TLS stack
/// or an SDK that it does not need.
pub(crate) const ZIP_BUDGET: u64 = 3_500_000;

/// The profile of Cargo.toml.
const PROFILE: &str = "deploy";

/// One function as it was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The function's name.
    pub(crate) name: String,
    /// Where its zip is.
    pub(crate) zip: PathBuf,
    /// Bytes of the zip.
    pub(crate) zip_bytes: u64,
    /// Bytes of the binary in it.
    pub(crate) binary_bytes: u64,
    /// The oldest glibc that it runs on.
    pub(crate) glibc: Option<Glibc>,
}

/// Builds all functions, and checks each for size, processor and glibc. `lambda` is where cargo-lambda puts its zips.
pub(crate) fn build(
    (root, target): (&Path, &Path),
    venv: &Venv,
    functions: &[Function],
    (architecture, compiler): (Architecture, Compiler),
) -> Result<Vec<Built>, String> {
    let lambda = target.join("lambda");
    // What an earlier build left here must not pass for what this one makes.
    for function in functions {
        match std::fs::remove_file(zip_of(&lambda, &function.name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} cannot be removed: {error}", zip_of(&lambda, &function.name).display()));
            }
            _ => {}
        }
    }
    let start = Instant::now();
    let mut command = venv.command("cargo-lambda");
    command.args(arguments(&lambda, functions, architecture, compiler)).current_dir(root);
    call::run(
        &mut command,
        &format!("building for {}", architecture.as_str()),
        "the compiler's own words stand above; does `cargo local` build?",
    )?;
    say::line(&format!("built in {:.1} min", start.elapsed().as_secs_f64() / 60.0));
    let binaries = target.join(architecture.triple()).join(PROFILE);
    let built: Result<Vec<_>, _> =
        functions.iter().map(|function| look(&lambda, &binaries, &function.name, architecture)).collect();
    let built = built?;
    for line in table(&built) {
        say::line(&line);
    }
    let complaints: Vec<_> = built.iter().filter_map(over_budget).collect();
    if complaints.is_empty() { Ok(built) } else { Err(complaints.join("\n")) }
}

/// What cargo-lambda is told.
///
/// A profile by name, never `--release`: for that one cargo-lambda puts in its own `panic = "abort"` and target CPU.
/// All functions in one call, by package, so that features are those of the functions alone, and by binary, because
/// cargo-lambda zips whatever else it finds in the profile's folder. The target is not checked here because
/// cargo-lambda's check installs what is missing.
fn arguments(
    lambda: &Path,
    functions: &[Function],
    architecture: Architecture,
    compiler: Compiler,
) -> Vec<std::ffi::OsString> {
    let triple = architecture.triple();
    let (compiler, target) = match compiler {
        Compiler::Cargo => ("cargo", triple.to_owned()),
        Compiler::Zig => ("cargo-zigbuild", format!("{triple}.{NEWEST_GLIBC}")),
    };
    let mut arguments: Vec<std::ffi::OsString> = ["lambda", "build", "--locked", "--profile", PROFILE]
        .into_iter()
        .chain(["--output-format", "zip", "--skip-target-check"])
        .chain(["--compiler", compiler, "--target", &target, "--lambda-dir"])
        .map(Into::into)
        .collect();
    arguments.push(lambda.into());
    for function in functions {
        arguments.extend(["--package".into(), function.package().into(), "--bin".into(), function.name.clone().into()]);
    }
    arguments
}

/// Where cargo-lambda puts a function's zip.
fn zip_of(lambda: &Path, name: &str) -> PathBuf {
    lambda.join(name).join("bootstrap.zip")
}

fn look(lambda: &Path, binaries: &Path, name: &str, architecture: Architecture) -> Result<Built, String> {
    let missing = |path: &Path, error: std::io::Error| {
        format!("the build left no {}: {error}; is functions/{name}'s binary called {name:?}?", path.display())
    };
    let binary_path = binaries.join(name);
    let binary = std::fs::read(&binary_path).map_err(|error| missing(&binary_path, error))?;
    let zip = zip_of(lambda, name);
    let zip_bytes = std::fs::metadata(&zip).map_err(|error| missing(&zip, error))?.len();
    let needs = elf::read(&binary).map_err(|reason| format!("{}: {reason}", binary_path.display()))?;
    if let Some(complaint) = elf::complaint(needs, architecture) {
        return Err(format!("{} {complaint}", binary_path.display()));
    }
    let binary_bytes = u64::try_from(binary.len()).unwrap_or(u64::MAX);
    Ok(Built { name: name.to_owned(), zip, zip_bytes, binary_bytes, glibc: needs.glibc })
}

fn over_budget(built: &Built) -> Option<String> {
    (built.zip_bytes > ZIP_BUDGET).then(|| {
        format!(
            "the zip of {} has {}, and {} is the budget. Look for what came in: `cargo tree --package tidings-fn-{} \
             --edges normal --duplicates`, and for a feature that was switched on",
            built.name,
            megabytes(built.zip_bytes),
            megabytes(ZIP_BUDGET),
            built.name
        )
    })
}

/// The sizes, a line for each function.
fn table(built: &[Built]) -> Vec<String> {
    let width = built.iter().map(|one| one.name.len()).max().unwrap_or(0).max("function".len());
    let mut lines = vec![format!("{:width$} {:>9} {:>10} {:>9}  glibc", "function", "zip", "of budget", "binary")];
    lines.extend(built.iter().map(|one| {
        format!(
            "{:width$} {:>9} {:>8} % {:>9}  {}",
            one.name,
            megabytes(one.zip_bytes),
            one.zip_bytes.saturating_mul(100) / ZIP_BUDGET,
            megabytes(one.binary_bytes),
            one.glibc.map_or_else(|| "none".to_owned(), |glibc| glibc.to_string()),
        )
    }));
    lines
}

/// Bytes as MB of a million, rounded up, so that nothing over a limit looks like the limit.
fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

/// Builds the command line client, which the smoke test uses; where its binary is.
pub(crate) fn client(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--package", "tidings-cli", "--bin", "tidings"]).current_dir(root);
    call::run(&mut cargo, "building the command line client", "does `cargo tidings help` work?")?;
    Ok(target.join("debug/tidings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(root: &Path, names: &[&str]) -> Vec<Function> {
        for name in names {
            let folder = root.join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let text = "description = \"x\"\nmemory_mb = 128\ntimeout_s = 5\ntrigger = \"http\"\n";
            std::fs::write(folder.join("function.toml"), text).unwrap();
        }
        tidings_manifest::read_all(root).unwrap()
    }

    fn built(name: &str, zip_bytes: u64) -> Built {
        let zip = PathBuf::from(format!("{name}/bootstrap.zip"));
        Built { name: name.to_owned(), zip, zip_bytes, binary_bytes: 7_000_001, glibc: Some(Glibc(2, 34)) }
    }

    #[test]
    fn every_function_is_built_in_one_call_and_never_in_release() {
        let folder = tempfile::tempdir().unwrap();
        let functions = functions(folder.path(), &["api", "send"]);
        let words = arguments(Path::new("/t/lambda"), &functions, Architecture::Arm64, Compiler::Zig);
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        for part in [
            "--profile deploy",
            "--skip-target-check",
            "--compiler cargo-zigbuild",
            "--target aarch64-unknown-linux-gnu.2.34",
            "--lambda-dir /t/lambda",
            "--package tidings-fn-api --bin api",
            "--package tidings-fn-send --bin send",
        ] {
            assert!(line.contains(part), "{part:?} is not in {line}");
        }
        assert!(!line.contains("--release") && !line.contains("--arm64"), "{line}");
    }

    #[test]
    fn a_panic_unwinds_in_what_is_deployed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
        let profile = &manifest["profile"][PROFILE];
        assert_eq!(profile["panic"].as_str(), Some("unwind"), "one panicking record must not end its batch");
        assert_eq!(profile["strip"].as_str(), Some("symbols"), "symbols triple a zip");
    }

    #[test]
    fn the_host_links_for_itself_and_zig_for_others() {
        use Architecture::{Arm64, X86_64};
        for (host, architecture, compiler) in [
            ("x86_64-unknown-linux-gnu", X86_64, Compiler::Cargo),
            ("x86_64-unknown-linux-gnu", Arm64, Compiler::Zig),
            ("aarch64-unknown-linux-gnu", Arm64, Compiler::Cargo),
            ("aarch64-apple-darwin", Arm64, Compiler::Zig),
        ] {
            assert_eq!(Compiler::for_host(host, architecture), compiler, "{host}");
        }
    }

    #[test]
    fn a_zip_over_the_budget_is_named_with_what_to_look_for() {
        assert_eq!(over_budget(&built("send", ZIP_BUDGET)), None);
        let reason = over_budget(&built("send", ZIP_BUDGET + 1)).unwrap();
        assert!(reason.contains("3.51 MB") && reason.contains("cargo tree --package tidings-fn-send"), "{reason}");
    }

    #[test]
    fn the_table_shows_each_function() {
        let lines = table(&[built("authorizer", 1_750_000), built("api", 3_400_000)]);
        assert_eq!(lines[1], "authorizer   1.75 MB       50 %   7.01 MB  2.34");
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.find("  ").is_some()), "{lines:?}");
    }

    #[test]
    fn a_function_that_was_not_built_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let reason = look(folder.path(), folder.path(), "send", Architecture::X86_64).unwrap_err();
        assert!(reason.contains("send") && reason.contains("left no"), "{reason}");
    }
}
