//! CloudFormation's functions, in their long form.

use serde_json::{Value, json};

/// `Ref`: a parameter's value, or what a resource is called.
pub(crate) fn reference(name: impl AsRef<str>) -> Value {
    json!({ "Ref": name.as_ref() })
}

/// `Fn::GetAtt`.
pub(crate) fn attribute(resource: impl AsRef<str>, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [resource.as_ref(), attribute] })
}

/// `Fn::GetAtt` of an ARN.
pub(crate) fn arn(resource: impl AsRef<str>) -> Value {
    attribute(resource, "Arn")
}

/// `Fn::Sub`: a text with `${...}` in it.
pub(crate) fn sub(text: impl AsRef<str>) -> Value {
    json!({ "Fn::Sub": text.as_ref() })
}

/// `Fn::If`: one value or the other.
pub(crate) fn either(condition: &str, yes: impl Into<Value>, no: impl Into<Value>) -> Value {
    json!({ "Fn::If": [condition, yes.into(), no.into()] })
}

/// A value, or nothing at all.
pub(crate) fn only(condition: &str, yes: impl Into<Value>) -> Value {
    either(condition, yes, reference("AWS::NoValue"))
}

/// A condition: a parameter has that value.
pub(crate) fn is(parameter: &str, value: &str) -> Value {
    json!({ "Fn::Equals": [reference(parameter), value] })
}

/// A condition: the other one does not hold.
pub(crate) fn not(condition: &Value) -> Value {
    json!({ "Fn::Not": [condition] })
}

/// A condition: all of these hold.
pub(crate) fn all(conditions: &[&str]) -> Value {
    let conditions: Vec<_> = conditions.iter().map(|name| json!({ "Condition": name })).collect();
    json!({ "Fn::And": conditions })
}

/// The name of something in this stage: `tidings-dev-log`.
pub(crate) fn named(what: &str) -> Value {
    sub(format!("tidings-${{Stage}}-{what}"))
}
