//! The package: a folder with the template and the zips that it names, which is all that a deployment needs.
//!
//! `target/deploy/<stage>-<architecture>/template.yaml` and a `<function>.zip` for each function. Every path in it is
//! relative to it, so `sam deploy`, `aws cloudformation package` and an emulator take it as it is, and two
//! architectures lie side by side.

use std::path::{Path, PathBuf};

use super::architecture::Architecture;
use super::build::Built;
use crate::files;

/// Where the template is, from the root.
const TEMPLATE: &str = tidings_template::PATH;

/// How the template names a function's code: where cargo-lambda puts it, seen from the template.
const CODE: (&str, &str) = ("../target/lambda/", "/bootstrap.zip");

/// Lays the package under that name; where its template is.
pub(crate) fn lay(
    (root, target): (&Path, &Path),
    name: &str,
    architecture: Architecture,
    built: &[Built],
) -> Result<PathBuf, String> {
    let source = root.join(TEMPLATE);
    let template = std::fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    let names: Vec<_> = built.iter().map(|one| one.name.as_str()).collect();
    let packaged = packaged(&template, &names).map_err(|reason| format!("{TEMPLATE}: {reason}"))?;
    let folder = target.join("deploy").join(format!("{name}-{}", architecture.as_str()));
    files::emptied(&folder)?;
    for one in built {
        let copy = folder.join(zip_name(&one.name));
        std::fs::copy(&one.zip, &copy).map_err(|error| format!("{} cannot be written: {error}", copy.display()))?;
    }
    let laid = folder.join("template.yaml");
    std::fs::write(&laid, packaged).map_err(|error| format!("{} cannot be written: {error}", laid.display()))?;
    Ok(laid)
}

fn zip_name(function: &str) -> String {
    format!("{function}.zip")
}

/// The template with its code beside it. Every function must be named exactly once, and no path may lead out of the
/// package: what a template names in passing is otherwise missed when it is deployed.
fn packaged(template: &str, functions: &[&str]) -> Result<String, String> {
    let mut seen: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in template.lines() {
        let trimmed = line.trim_start();
        let code = trimmed.strip_prefix("CodeUri:").map(|value| value.trim().trim_matches(['"', '\'']));
        if let Some(function) = code.and_then(|code| code.strip_prefix(CODE.0)?.strip_suffix(CODE.1)) {
            if !functions.contains(&function) {
                return Err(format!("it deploys {function:?}, and there is no functions/{function}"));
            }
            if seen.contains(&function) {
                return Err(format!("it deploys {function:?} twice"));
            }
            seen.push(function);
            let indent = &line[..line.len() - trimmed.len()];
            lines.push(format!("{indent}CodeUri: {}", zip_name(function)));
        } else if !trimmed.starts_with('#') && trimmed.contains("../") {
            return Err(format!("the path in {trimmed:?} leads out of the package"));
        } else {
            lines.push(line.to_owned());
        }
    }
    if let Some(missing) = functions.iter().find(|function| !seen.contains(function)) {
        return Err(format!("it deploys no {missing:?}; it is generated: run `cargo xtask template`"));
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
Resources:
  # Built into ../target by cargo-lambda.
  SendFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../target/lambda/send/bootstrap.zip
      Handler: bootstrap
  SyncFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: \"../target/lambda/sync/bootstrap.zip\"
";

    #[test]
    fn code_lies_beside_the_packaged_template_and_nothing_else_changes() {
        let text = packaged(SMALL, &["send", "sync"]).unwrap();
        let want = SMALL
            .replace("../target/lambda/send/bootstrap.zip", "send.zip")
            .replace("\"../target/lambda/sync/bootstrap.zip\"", "sync.zip");
        assert_eq!(text, want);
    }

    #[test]
    fn a_template_that_does_not_fit_the_functions_is_refused() {
        let twice = SMALL.replace("lambda/sync", "lambda/send");
        let outside = SMALL.replace("Handler: bootstrap", "DefinitionUri: ../api.yaml");
        for (template, functions, says) in [
            (SMALL, &["send", "sync", "deliver"][..], "deploys no \"deliver\""),
            (SMALL, &["send"], "no functions/sync"),
            (&twice, &["send"], "\"send\" twice"),
            (&outside, &["send", "sync"], "leads out of the package"),
        ] {
            let reason = packaged(template, functions).unwrap_err();
            assert!(reason.contains(says), "{reason}");
        }
    }

    #[test]
    fn a_package_holds_the_template_and_each_zip_and_nothing_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let (root, target) = (folder.path(), folder.path().join("target"));
        std::fs::create_dir_all(root.join("infra")).unwrap();
        std::fs::write(root.join(TEMPLATE), SMALL).unwrap();
        let built: Vec<_> = ["send", "sync"]
            .into_iter()
            .map(|name| {
                let zip = root.join(format!("{name}.built"));
                std::fs::write(&zip, name).unwrap();
                Built { name: name.to_owned(), zip, zip_bytes: 4, binary_bytes: 4, glibc: None }
            })
            .collect();
        let stale = target.join("deploy/dev-arm64/gone.zip");
        std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
        std::fs::write(&stale, "").unwrap();
        let template = lay((root, &target), "dev", Architecture::Arm64, &built).unwrap();
        assert_eq!(template, target.join("deploy/dev-arm64/template.yaml"));
        assert_eq!(std::fs::read_to_string(template.with_file_name("sync.zip")).unwrap(), "sync");
        assert!(!stale.exists());
    }
}
