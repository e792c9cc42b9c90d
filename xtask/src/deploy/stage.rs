//! A stage: a deployment of its own, with its section in `infra/samconfig.toml`.

use std::path::Path;

use super::architecture::Architecture;

/// The file of stages, from the root. `sam` reads the same sections.
pub(crate) const FILE: &str = "infra/samconfig.toml";

/// The longest name of a stage: with it the names of a stack's resources stay within AWS's 63 and 64 characters.
const NAME_MAX: usize = 16;

/// The parameter that protects the tables; on unless it says otherwise.
const PROTECTION: &str = "DeletionProtection";

/// The parameter that says where an emulator of AWS listens.
const EMULATOR: &str = "EmulatorHost";

/// A stage as its section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// Its name.
    pub(crate) name: String,
    /// The stack's name.
    pub(crate) stack: String,
    /// The region, if the section names one.
    pub(crate) region: Option<String>,
    /// What the section sets: `Name=Value`, as `sam` takes it.
    parameters: Vec<(String, String)>,
}

impl Stage {
    /// Reads the stage's section.
    pub(crate) fn read(root: &Path, name: &str) -> Result<Self, String> {
        check_name(name)?;
        let file = root.join(FILE);
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text, name).map_err(|reason| format!("{FILE}: {reason}"))
    }

    fn parse(text: &str, name: &str) -> Result<Self, String> {
        let file: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let Some(section) = file.get(name).filter(|section| section.get("deploy").is_some()) else {
            let known: Vec<_> =
                file.iter().filter(|(_, value)| value.get("deploy").is_some()).map(|(key, _)| key.as_str()).collect();
            return Err(format!(
                "there is no stage {name:?}; there are {}. A new one is a section [{name}.deploy.parameters], copied \
                 from another",
                known.join(", ")
            ));
        };
        // As sam does: what holds for all its commands, unless `deploy` says otherwise.
        let setting = |key: &str| {
            ["deploy", "global"].iter().find_map(|command| section.get(command)?.get("parameters")?.get(key))
        };
        let words = |key: &str| setting(key).and_then(toml::Value::as_str).map(str::to_owned);
        let mut parameters = Vec::new();
        for word in overrides(setting("parameter_overrides"))? {
            let (key, value) = word
                .split_once('=')
                .filter(|(key, _)| *key != "ParameterKey")
                .ok_or_else(|| format!("parameter_overrides of {name}: {word:?} is not of the form Name=Value"))?;
            parameters.push((key.to_owned(), value.to_owned()));
        }
        let stage = Self {
            name: name.to_owned(),
            stack: words("stack_name").unwrap_or_else(|| format!("tidings-{name}")),
            region: words("region"),
            parameters,
        };
        match stage.parameter("Stage") {
            Some(other) if other != name => {
                Err(format!("the section of {name} sets Stage={other}; two stages would share their resources"))
            }
            _ => Ok(stage),
        }
    }

    /// What the section says of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim_matches('"'))
    }

    /// The processor that the section asks for, and otherwise arm64, which is cheaper.
    pub(crate) fn architecture(&self) -> Result<Architecture, String> {
        self.parameter("Architecture").map_or(Ok(Architecture::Arm64), Architecture::named)
    }

    /// The stage of the first deployment, if that must differ. A table that DynamoDB refuses to delete cannot be taken
    /// back when something else fails, so protection comes when all stands.
    pub(crate) fn unprotected(&self) -> Option<Self> {
        if self.parameter(PROTECTION) == Some("false") {
            return None;
        }
        let others = self.parameters.iter().filter(|(key, _)| key != PROTECTION).cloned();
        let parameters = others.chain([(PROTECTION.to_owned(), "false".to_owned())]).collect();
        Some(Self { parameters, ..self.clone() })
    }

    /// The same stage at an emulator that listens there.
    pub(crate) fn at_emulator(mut self, address: &str) -> Self {
        self.parameters.push((EMULATOR.to_owned(), address.to_owned()));
        self
    }

    /// All parameters of a deployment. Complete, because `sam` forgets the section's when it is given any.
    pub(crate) fn parameters(&self, architecture: Architecture) -> Vec<String> {
        let ours = [("Stage", self.name.as_str()), ("Architecture", architecture.as_str())];
        let others = self.parameters.iter().filter(|(key, _)| ours.iter().all(|(own, _)| own != key));
        let others = others.map(|(key, value)| format!("{key}={value}"));
        ours.iter().map(|(key, value)| format!("{key}={value}")).chain(others).collect()
    }
}

/// The words of `parameter_overrides`: a list of them, or one text in which quotes keep spaces together.
fn overrides(value: Option<&toml::Value>) -> Result<Vec<String>, String> {
    match value {
        None => Ok(Vec::new()),
        Some(toml::Value::Array(words)) => words
            .iter()
            .map(|word| word.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| "parameter_overrides has something in its list that is no text".to_owned()),
        Some(toml::Value::String(text)) => {
            let mut quoted = false;
            let apart = |letter: char| {
                quoted ^= letter == '"';
                letter.is_whitespace() && !quoted
            };
            Ok(text.split(apart).filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        Some(_) => Err("parameter_overrides is neither a text nor a list".to_owned()),
    }
}

/// Whether a name can be part of the names of resources, as the template's own parameter has it: without `-`, so that no
/// stage's names begin with another's.
fn check_name(name: &str) -> Result<(), String> {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    if letters && starts && name.len() <= NAME_MAX {
        return Ok(());
    }
    Err(format!("{name:?} is no name for a stage: 1 to {NAME_MAX} of a-z 0-9, beginning with a letter"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
version = 0.1
[default.validate.parameters]
lint = true
[dev.global.parameters]
region = "eu-central-1"
[dev.deploy.parameters]
parameter_overrides = "Architecture=x86_64 LogLevel=debug DenyList=\"u_1, u_2\""
[production.deploy.parameters]
stack_name = "chat"
parameter_overrides = ["Stage=production", "LogLevel=info"]
"#;

    #[test]
    fn a_stage_is_what_its_section_says() {
        let dev = Stage::parse(CONFIG, "dev").unwrap();
        assert_eq!((dev.stack.as_str(), dev.region.as_deref()), ("tidings-dev", Some("eu-central-1")));
        assert_eq!(dev.architecture(), Ok(Architecture::X86_64));
        assert_eq!(dev.parameter("DenyList"), Some("u_1, u_2"));
        let production = Stage::parse(CONFIG, "production").unwrap();
        assert_eq!((production.stack.as_str(), production.region), ("chat", None));
        assert_eq!(Stage::parse(CONFIG, "production").unwrap().architecture(), Ok(Architecture::Arm64));
    }

    #[test]
    fn parameters_are_complete_and_the_command_line_decides_the_architecture() {
        let dev = Stage::parse(CONFIG, "dev").unwrap();
        assert_eq!(
            dev.parameters(Architecture::Arm64),
            ["Stage=dev", "Architecture=arm64", "LogLevel=debug", "DenyList=\"u_1, u_2\""]
        );
    }

    #[test]
    fn protection_comes_after_creation() {
        let section =
            |value: &str| format!("[dev.deploy.parameters]\nparameter_overrides = [\"LogLevel=INFO\"{value}]");
        for (value, differs) in
            [("", true), (", \"DeletionProtection=true\"", true), (", \"DeletionProtection=false\"", false)]
        {
            let stage = Stage::parse(&section(value), "dev").unwrap();
            let first = stage.unprotected();
            assert_eq!(first.is_some(), differs, "{value}");
            if let Some(first) = first {
                assert_eq!(
                    first.parameters(Architecture::Arm64),
                    ["Stage=dev", "Architecture=arm64", "LogLevel=INFO", "DeletionProtection=false"]
                );
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, name, says) in [
            (CONFIG, "ann", "there are dev, production"),
            (CONFIG, "default", "no stage \"default\""),
            ("[dev.deploy.parameters]\nparameter_overrides = \"Stage=other\"", "dev", "Stage=other"),
            ("[dev.deploy.parameters]\nparameter_overrides = \"LogLevel\"", "dev", "Name=Value"),
            ("[dev.deploy.parameters]\nparameter_overrides = \"ParameterKey=A,ParameterValue=B\"", "dev", "Name=Value"),
            ("[dev.deploy.parameters]\nparameter_overrides = 1", "dev", "neither a text nor a list"),
            ("[dev", "dev", "expected"),
        ] {
            let reason = Stage::parse(text, name).unwrap_err();
            assert!(reason.contains(says), "{reason}");
        }
        let sparc = "[dev.deploy.parameters]\nparameter_overrides = [\"Architecture=sparc\"]";
        assert!(Stage::parse(sparc, "dev").unwrap().architecture().unwrap_err().contains("sparc"));
    }

    #[test]
    fn names_fit_into_the_names_of_resources() {
        for (name, good) in [
            ("dev", true),
            ("a2", true),
            ("a-2", false),
            ("sixteenletters12", true),
            ("seventeenletters1", false),
            ("", false),
            ("2nd", false),
            ("Dev", false),
            ("dev/../x", false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name:?}");
        }
    }
}
