//! The Lambda authorizer of `$connect`: a REQUEST authorizer whose identity source is the query's `ticket`.

use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::connections::Connection;
use super::event::ConnectRequest;
use super::{API_ID, Gateway, STAGE};
use crate::caller::Caller;
use crate::host::{ACCOUNT, InvokeError, REGION};
use crate::server::{self, Body};

/// The function that authorizes.
pub(super) const FUNCTION: &str = "authorizer";
/// Its identity source, `route.request.querystring.ticket`: without one it is not even called.
pub(super) const IDENTITY_SOURCE: &str = "ticket";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    principal_id: String,
    policy_document: Policy,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    action: OneOrMany,
    resource: OneOrMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::One(pattern) => glob(pattern, text),
            Self::Many(patterns) => patterns.iter().any(|pattern| glob(pattern, text)),
        }
    }
}

impl Policy {
    /// IAM's rule: something allows it and nothing denies it.
    fn allows(&self, method_arn: &str) -> bool {
        let applies = |statement: &&Statement| {
            statement.action.matches("execute-api:Invoke") && statement.resource.matches(method_arn)
        };
        let mut effects = self.statement.iter().filter(applies).map(|statement| statement.effect).peekable();
        effects.peek().is_some() && effects.all(|effect| effect == Effect::Allow)
    }
}

/// Whether the text matches a pattern with `*` and `?`, ignoring case in no place.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

impl Gateway {
    /// Asks the authorizer; its context, or the refusal.
    pub(super) async fn authorize(
        &self,
        connection: &Connection,
        request: &ConnectRequest,
        request_id: &str,
        caller: &Caller,
    ) -> Result<Map<String, Value>, Response<Body>> {
        let method_arn = format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/{STAGE}/$connect");
        let event = self.authorizer_event(connection, request_id, &method_arn, request);
        let broken = || server::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        let answer = match self.host.invoke(FUNCTION, event, caller).await {
            Ok(answer) => answer,
            Err(InvokeError::Function(error)) if says_unauthorized(&error) => {
                return Err(server::message(StatusCode::UNAUTHORIZED, "Unauthorized"));
            }
            Err(_) => return Err(broken()),
        };
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| broken())?;
        if !answer.policy_document.allows(&method_arn) {
            let text = "User is not authorized to access this resource";
            return Err(server::message(StatusCode::FORBIDDEN, text));
        }
        let mut context = Map::new();
        for (name, value) in answer.context {
            // Strings, numbers and booleans pass, all of them as strings; anything else is a configuration error.
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return Err(broken()),
            };
            context.insert(name, Value::String(value));
        }
        context.insert("principalId".to_owned(), Value::String(answer.principal_id));
        Ok(context)
    }
}

/// An authorizer that fails with exactly this message means 401.
fn says_unauthorized(error: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Error {
        error_message: String,
    }
    serde_json::from_slice::<Error>(error).is_ok_and(|error| error.error_message == "Unauthorized")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_iam() {
        for (pattern, text, matches) in [
            ("*", "anything", true),
            ("execute-api:*", "execute-api:Invoke", true),
            ("execute-api:Invoke", "execute-api:Invoke", true),
            ("arn:*/local/$connect", "arn:aws:execute-api:r:1:a/local/$connect", true),
            ("arn:*/test/*", "arn:aws:execute-api:r:1:a/local/$connect", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn one_denial_is_enough() {
        let policy =
            |statements: &str| serde_json::from_str::<Policy>(&format!(r#"{{"Statement":[{statements}]}}"#)).unwrap();
        let allow = r#"{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}"#;
        let deny = r#"{"Effect":"Deny","Action":["execute-api:*"],"Resource":["x","arn:*"]}"#;
        assert!(policy(allow).allows("arn:x"));
        assert!(!policy(&format!("{allow},{deny}")).allows("arn:x"));
        assert!(!policy("").allows("arn:x"));
    }
}
