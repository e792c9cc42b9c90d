//! `clients/rust/src/generated.rs`: one typed method per action that asks, in the form that rustfmt gives it.

use std::fmt::Write as _;

use super::definitions::{inline, snake};
use crate::actions::{ACTIONS, Exchange};

/// rustfmt's `max_width`.
const WIDTH: usize = 120;

/// The file.
pub(super) fn source() -> String {
    let mut types = Vec::new();
    let mut methods = Vec::new();
    for action in ACTIONS {
        let Exchange::Reply { request, reply, .. } = action.exchange else { continue };
        // What changes something needs a client id that outlives the frame: `Client::change` and `Client::send` keep it.
        if !inline(request)["properties"]["client_id"].is_null() {
            continue;
        }
        let (request, reply) = ((request.name)().into_owned(), (reply.name)().into_owned());
        methods.push(method(action.name, action.summary, &request, &reply));
        types.extend([request, reply]);
    }
    types.sort_unstable();
    types.dedup();
    format!(
        "//! One method per action that asks and changes nothing. Generated from the protocol's table of actions by\n\
         //! `cargo xtask generate`: do not edit.\n\n{}\n\n\
         use crate::{{CallError, Client}};\n\n\
         impl Client {{\n{}}}\n",
        uses(&types),
        methods.join("\n"),
    )
}

fn method(action: &str, summary: &str, request: &str, reply: &str) -> String {
    let mut text = format!("    /// `{action}`: {summary}\n");
    let head = format!("    pub async fn {}", snake(action));
    let line = format!("{head}(&self, request: {request}) -> Result<{reply}, CallError> {{");
    // Writing to a String cannot fail.
    let _ = if line.len() <= WIDTH {
        writeln!(text, "{line}")
    } else {
        writeln!(text, "{head}(\n        &self,\n        request: {request},\n    ) -> Result<{reply}, CallError> {{")
    };
    text.push_str("        self.call(request).await\n    }\n");
    text
}

/// The `use` of the protocol's types, wrapped like rustfmt does.
fn uses(types: &[String]) -> String {
    let one = format!("use tidings_protocol::actions::{{{}}};", types.join(", "));
    if one.len() <= WIDTH {
        return one;
    }
    let mut text = "use tidings_protocol::actions::{".to_owned();
    let mut width = WIDTH;
    for name in types {
        // It fills no line to its end.
        if width + name.len() + 2 >= WIDTH {
            text.push_str("\n   ");
            width = 3;
        }
        text.push(' ');
        text.push_str(name);
        text.push(',');
        width += name.len() + 2;
    }
    text.push_str("\n};");
    text
}
