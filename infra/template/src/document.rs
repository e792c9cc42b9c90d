//! The document: its sections, and how it becomes YAML.
//!
//! Intrinsic functions stand in their long form (`Fn::Sub: ...` as a map): every YAML reader takes it, and it needs no
//! tags. Properties are sorted by name and resources stand in the order in which they were added, so the same input
//! gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::TemplateError;
use crate::intrinsics::either;
use crate::parameters::{DEPLOYED, KEEPS_DATA};

/// A list of things with names: a map that keeps its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Adds one at the end.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: T) {
        self.0.push((name.into(), value));
    }

    /// The one with that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resource {
    /// `AWS::SQS::Queue` and so on.
    pub r#type: &'static str,
    /// It is there only while this condition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
    /// For tools, not for CloudFormation.
    #[serde(skip_serializing_if = "Value::is_null", serialize_with = "sorted")]
    metadata: Value,
    /// Resources that must be there before, beside those that the properties name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional")]
    deletion_policy: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional")]
    update_replace_policy: Option<Value>,
    /// As the resource's reference page has them.
    #[serde(skip_serializing_if = "Value::is_null", serialize_with = "sorted")]
    pub properties: Value,
}

impl Resource {
    /// A resource that goes with the stack.
    pub(crate) fn new(r#type: &'static str, properties: Value) -> Self {
        Self {
            r#type,
            condition: None,
            metadata: Value::Null,
            depends_on: Vec::new(),
            deletion_policy: None,
            update_replace_policy: None,
            properties,
        }
    }

    /// Only while a condition holds.
    pub(crate) fn when(self, condition: &'static str) -> Self {
        Self { condition: Some(condition), ..self }
    }

    /// Only on AWS itself: emulators know nothing of it, or something wrong.
    pub(crate) fn on_aws(self) -> Self {
        self.when(DEPLOYED)
    }

    /// Without one of cfn-lint's checks, for a reason.
    pub(crate) fn without_check(self, rule: &str, reason: &str) -> Self {
        let metadata = json!({ "Reason": reason, "cfn-lint": { "config": { "ignore_checks": [rule] } } });
        Self { metadata, ..self }
    }

    /// After others that its properties do not name.
    pub(crate) fn after(mut self, others: impl IntoIterator<Item = String>) -> Self {
        self.depends_on.extend(others);
        self
    }

    /// Outlives the stack in any case, because others rely on it.
    pub(crate) fn left_behind(self) -> Self {
        Self {
            deletion_policy: Some(json!("RetainExceptOnCreate")),
            update_replace_policy: Some(json!("Retain")),
            ..self
        }
    }

    /// Holds what people would miss: outlives the stack where the stage keeps its data. What a failed creation left is
    /// removed all the same, because its name would be in the way of the next try.
    pub(crate) fn kept(self) -> Self {
        Self {
            deletion_policy: Some(either(KEEPS_DATA, "RetainExceptOnCreate", "Delete")),
            update_replace_policy: Some(either(KEEPS_DATA, "Retain", "Delete")),
            ..self
        }
    }
}

/// Resources that belong together, under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What they are, in a few words.
    pub title: &'static str,
    /// Them.
    pub resources: Named<Resource>,
}

/// The whole template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Said above everything else, a line each.
    pub header: Vec<String>,
    /// For people.
    pub description: &'static str,
    /// Not for CloudFormation.
    pub metadata: Named<Value>,
    /// What whoever deploys may say.
    pub parameters: Named<Value>,
    /// What must hold between parameters.
    pub rules: Named<Value>,
    /// What resources depend on.
    pub conditions: Named<Value>,
    /// What holds for every function.
    pub globals: Value,
    /// What is made.
    pub sections: Vec<Section>,
    /// What is told when all is made.
    pub outputs: Named<Value>,
}

/// `AWS::LanguageExtensions` lets a deletion policy depend on a condition, and must stand first; the other one is SAM.
const TRANSFORMS: [&str; 2] = ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"];

/// Longest line of prose; longer ones are folded.
const LINE_MAX: usize = 110;

impl Template {
    /// Every resource, with its logical id.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Resource)> {
        self.sections.iter().flat_map(|section| section.resources.iter())
    }

    /// The resource with that logical id.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.sections.iter().find_map(|section| section.resources.get(id))
    }

    /// The resources of a type, with their logical ids.
    pub fn of_type<'a>(&'a self, r#type: &'a str) -> impl Iterator<Item = (&'a str, &'a Resource)> {
        self.resources().filter(move |(_, resource)| resource.r#type == r#type)
    }

    /// An error if two things of the stack have the same name: CloudFormation would silently take the later one.
    pub(crate) fn check_names(&self) -> Result<(), TemplateError> {
        let mut seen = BTreeSet::new();
        let names = self.resources().map(|(id, _)| id).chain(self.parameters.names());
        for name in names {
            if !seen.insert(name) {
                return Err(TemplateError::Twice { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// The file's text.
    pub fn to_yaml(&self) -> Result<String, TemplateError> {
        let mut text = String::new();
        for line in &self.header {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
        text.push_str("\nAWSTemplateFormatVersion: \"2010-09-09\"\nTransform:\n");
        for transform in TRANSFORMS {
            let _ = writeln!(text, "- {transform}");
        }
        let _ = write!(text, "Description: {}", yaml(&self.description)?);
        for (name, values) in [
            ("Metadata", &self.metadata),
            ("Parameters", &self.parameters),
            ("Rules", &self.rules),
            ("Conditions", &self.conditions),
        ] {
            section(&mut text, name, values)?;
        }
        let _ = write!(text, "\nGlobals:\n{}", indented(&yaml(&Sorted(&self.globals))?));
        text.push_str("\nResources:\n");
        for (index, Section { title, resources }) in self.sections.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            let _ = write!(text, "{gap}  # {title}\n{}", indented(&yaml(resources)?));
        }
        section(&mut text, "Outputs", &self.outputs)?;
        Ok(text)
    }
}

fn section(text: &mut String, name: &str, values: &Named<Value>) -> Result<(), TemplateError> {
    let _ = writeln!(text, "\n{name}:");
    for (name, value) in values.iter() {
        let one = BTreeMap::from([(name, Sorted(value))]);
        text.push_str(&indented(&yaml(&one)?));
    }
    Ok(())
}

fn yaml(value: &impl Serialize) -> Result<String, TemplateError> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: LINE_MAX };
    Ok(serde_saphyr::to_string_with_options(value, options)?)
}

fn indented(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let _ = writeln!(out, "{}", format!("  {line}").trim_end());
    }
    out
}

/// A value whose maps are sorted by name, whatever order the JSON library keeps.
pub(crate) struct Sorted<'a>(pub(crate) &'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let sorted: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, Sorted(value))).collect();
                serializer.collect_map(sorted)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

fn sorted<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    Sorted(value).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn optional<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Sorted).serialize(serializer)
}
