//! What functions print: its bytes are counted, metric lines are read, and it is passed on with the function's name
//! before it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use super::environment::Environment;
use crate::caller::Caller;
use crate::front::{Call, Front, Service};
use crate::ledger::Counters;
use crate::say::Loudness;

/// Follows one of an environment's outputs until it closes.
pub(super) async fn follow(
    output: impl AsyncRead + Unpin,
    environment: Arc<Environment>,
    front: Arc<Front>,
    loudness: Loudness,
) {
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    // A read error is the process's end, like the end itself.
    while matches!(lines.read_until(b'\n', &mut line).await, Ok(1..)) {
        let caller = Caller::new(environment.badge.use_case());
        let bill = Counters { log_bytes: line.len() as u64, ..Counters::default() };
        front.book(Call { service: Service::Logs, operation: "PutLogEvents", caller: &caller }, &bill);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if let Err(error) = front.metrics().take(text) {
            loudness.plain(&format!("{}: {error}", environment.function.spec.name));
        }
        if loudness == Loudness::Verbose || (loudness == Loudness::Plain && is_alarming(text)) {
            crate::say::line(&format!("{}: {text}", environment.function.spec.name));
        }
        line.clear();
    }
}

#[derive(serde::Deserialize)]
struct Line<'a> {
    level: Option<&'a str>,
}

/// Warnings, errors, and whatever is no log line at all: a panic's message.
fn is_alarming(line: &str) -> bool {
    if !line.starts_with('{') {
        return !line.is_empty();
    }
    match serde_json::from_str::<Line<'_>>(line) {
        Ok(line) => {
            line.level.is_some_and(|level| level.eq_ignore_ascii_case("warn") || level.eq_ignore_ascii_case("error"))
        }
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn alarming_lines_are_told_from_the_rest() {
        for (line, alarming) in [
            (r#"{"level":"INFO","message":"x"}"#, false),
            (r#"{"level":"ERROR","message":"x"}"#, true),
            (r#"{"timestamp":"t","level":"WARN"}"#, true),
            (r#"{"_aws":{}}"#, false),
            ("thread 'main' panicked at src/main.rs:1:1:", true),
            ("", false),
        ] {
            assert_eq!(super::is_alarming(line), alarming, "{line}");
        }
    }
}
