//! The log: one JSON object a line, and by default only what failed. A kilobyte of log per call would cost more
//! than the call.
//!
//! A failure is logged once, where it is handled. Every line of an invocation carries its span's fields, see
//! [`crate::invocation::span`]. Never logged: passwords, tokens, tickets, keys, message bodies, and ids of people and
//! conversations other than as [`crate::invocation::pseudonym`]s.

use std::fmt;

use tidings_application::clock::Clock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::clock::SystemClock;
use crate::meter::Meter;
use crate::settings::{Environment, Setting};

/// What sets the level, the first that is there: ours, and Lambda's logging controls. Ours exists because Lambda
/// itself drops what lies below its own level, and takes the lines of metrics, which have none, for INFO.
const LEVELS: [&str; 2] = ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"];

/// What is logged when nobody says anything.
const DEFAULT_LEVEL: Level = Level::WARN;

/// The beginning of the names of our own crates. Others may be logged up to [`OTHERS_MAX`].
const OURS: &str = "tidings_";

/// How much is logged of other people's crates, at most. The Lambda runtime and the SDK write whole events, requests
/// and answers at DEBUG and TRACE, with tickets, passwords and messages in them.
const OTHERS_MAX: Level = Level::INFO;

/// Starts the log of this process, and gives what counts its metrics. A second log changes nothing.
pub fn start(environment: &Environment) -> Setting<Meter> {
    let wanted = LEVELS.into_iter().find_map(|name| Some((name, environment.get(name)?)));
    let level = wanted.map_or(Some(DEFAULT_LEVEL), |(_, level)| parse_level(level));
    let log = tracing_subscriber::registry().with(json_lines(level.unwrap_or(DEFAULT_LEVEL), std::io::stdout));
    if tracing::subscriber::set_global_default(log).is_ok()
        && let (Some((variable, value)), None) = (wanted, level)
    {
        tracing::warn!(variable, value, "this is no level; logging from WARN on");
    }
    Meter::of(environment)
}

fn parse_level(text: &str) -> Option<Level> {
    // Lambda has one level that tracing has not.
    if text.eq_ignore_ascii_case("FATAL") { Some(Level::ERROR) } else { text.parse().ok() }
}

fn json_lines<S, W>(level: Level, writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'lookup> tracing_subscriber::registry::LookupSpan<'lookup>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_timer(Rfc3339Utc)
        .with_writer(writer)
        .with_filter(from(level))
}

fn from(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata| {
        let ours = metadata.target().starts_with(OURS);
        // Our spans are kept at every level: they carry the request's id into each line.
        if ours { metadata.is_span() || *metadata.level() <= level } else { *metadata.level() <= level.min(OTHERS_MAX) }
    })
    .with_max_level_hint(LevelFilter::from_level(level.max(Level::INFO)))
}

/// `2026-11-24T16:00:00.123Z`.
struct Rfc3339Utc;

impl FormatTime for Rfc3339Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let nanos = i128::from(SystemClock.now().as_millis()) * 1_000_000;
        let now = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| fmt::Error)?;
        writer.write_str(&now.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use lambda_runtime::Context;
    use serde_json::json;

    use super::*;
    use crate::invocation;

    const USER: &str = "u_01JD0000000000000000000A00";

    fn context() -> Context {
        let mut context = Context::default();
        context.request_id = "r-1".to_owned();
        context.xray_trace_id = Some("Root=1-2-3".to_owned());
        context
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, act: impl FnOnce()) -> Vec<serde_json::Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::registry().with(json_lines(level, move || writer.clone()));
        tracing::subscriber::with_default(log, act);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_failure_is_one_flat_line_with_its_request() {
        let lines = logged(Level::WARN, || {
            let _runtime = tracing::info_span!(target: "lambda_runtime::layers", "invoke", requestId = "r-1").entered();
            let _invocation = invocation::span(&context()).entered();
            invocation::is_of(USER.parse().unwrap());
            invocation::is_about(format!("d:{USER}:{USER}").parse().unwrap());
            invocation::is_for("message.send");
            tracing::info!("served");
            tracing::error!(error = "too slow", "cannot sign in");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "cannot sign in");
        assert_eq!(line["error"], "too slow");
        let span = json!({
            "name": "invocation",
            "request_id": "r-1",
            "trace_id": "Root=1-2-3",
            "action": "message.send",
            "user": invocation::pseudonym(USER),
            "conversation": invocation::pseudonym(&format!("d:{USER}:{USER}")),
        });
        assert_eq!(line["span"], span);
        assert!(!line.to_string().contains(USER), "{line}");
        let time = line["timestamp"].as_str().unwrap();
        assert!(OffsetDateTime::parse(time, &Rfc3339).is_ok() && time.ends_with('Z'), "{time}");
    }

    /// The runtime and the SDK write events and requests whole at these levels.
    #[test]
    fn others_are_never_heard_in_detail() {
        let lines = logged(Level::TRACE, || {
            tracing::trace!(target: "lambda_runtime_api_client", body = "secret", "sending");
            tracing::debug!(target: "aws_smithy_runtime::client", body = "secret", "sending");
            tracing::info!(target: "lambda_runtime", "heard");
            tracing::trace!(target: "tidings_dynamodb", "heard");
        });
        let heard: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(heard, ["heard", "heard"], "{lines:?}");
    }

    #[test]
    fn levels_are_lambdas() {
        for (text, level) in [
            ("TRACE", Some(Level::TRACE)),
            ("INFO", Some(Level::INFO)),
            ("warn", Some(Level::WARN)),
            ("FATAL", Some(Level::ERROR)),
            ("loud", None),
        ] {
            assert_eq!(parse_level(text), level, "{text}");
        }
        assert_eq!(logged(Level::INFO, || tracing::info!("served")).len(), 1);
        assert_eq!(logged(Level::INFO, || tracing::debug!("detail")).len(), 0);
    }
}
