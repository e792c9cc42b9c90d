//! The two processors that Lambda has, and whether this machine can build for one.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use crate::call;

/// A processor, as Lambda names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// Graviton: the template's default, a fifth cheaper.
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// As Lambda and the template's parameter spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// As Rust spells it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }

    /// This machine's.
    pub(crate) fn of_host() -> Result<Self, String> {
        let host = host()?;
        let mine = [Self::Arm64, Self::X86_64].into_iter().find(|one| one.triple() == host);
        mine.ok_or_else(|| format!("functions run on Linux for arm64 or x86_64, and this is {host}"))
    }

    /// The one of that name.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        [Self::Arm64, Self::X86_64]
            .into_iter()
            .find(|one| one.as_str() == name)
            .ok_or_else(|| format!("there is no architecture {name:?}; Lambda has arm64 and x86_64"))
    }
}

/// What `rustc -vV` says this machine is.
pub(crate) fn host() -> Result<String, String> {
    let advice = "install Rust with rustup, and run this through `cargo xtask`";
    let said = call::ask(Command::new("rustc").arg("-vV"), "asking rustc where it runs", advice)?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

/// Whether Rust's standard library for the architecture is installed.
///
/// Asked before cargo-lambda is: it would add a missing target by a download without a word, and to the toolchain
/// called `stable` even where another one builds.
pub(crate) fn has_target(architecture: Architecture) -> Result<bool, String> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", architecture.triple()]);
    let folder = call::ask(&mut rustc, "asking rustc for its targets", "install Rust with rustup")?;
    Ok(has_std(Path::new(folder.trim())))
}

/// Whether the folder holds a standard library. rustc names the folder whether it is there or not.
fn has_std(folder: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

/// How to add the architecture's target.
pub(crate) fn how_to_add(architecture: Architecture) -> String {
    let triple = architecture.triple();
    format!(
        "Rust's target {triple} is not installed. Add it with `rustup target add {triple}` (in this folder, so that it \
         goes to the toolchain that builds here), or without rustup install your distribution's package of Rust's \
         standard library for {triple}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_lambda() {
        for architecture in [Architecture::Arm64, Architecture::X86_64] {
            assert_eq!(Architecture::named(architecture.as_str()), Ok(architecture));
        }
        assert!(Architecture::named("aarch64").unwrap_err().contains("arm64 and x86_64"));
    }

    #[test]
    fn a_target_is_there_when_its_standard_library_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_std(&folder.path().join("nowhere")));
        assert!(!has_std(folder.path()), "an empty folder is no target");
        std::fs::write(folder.path().join("libcore-1.rlib"), "").unwrap();
        assert!(!has_std(folder.path()), "core alone builds no function");
        std::fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        assert!(has_std(folder.path()));
    }

    #[test]
    fn advice_names_the_command() {
        assert!(how_to_add(Architecture::Arm64).contains("rustup target add aarch64-unknown-linux-gnu"));
    }
}
