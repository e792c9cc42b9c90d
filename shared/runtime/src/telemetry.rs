//! The log: one JSON object a line, and by default only what failed. A kilobyte of log per call would cost more
//! than the call.
//!
//! A failure is logged once, where it is handled. Never logged: passwords, tokens, tickets, keys, message bodies.

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
use crate::settings::Environment;

/// What Lambda's logging controls set.
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// What is logged when the platform says nothing.
const DEFAULT_LEVEL: Level = Level::WARN;

/// Whose spans are kept at every level: they carry the request id into each line.
const REQUEST_SPANS: &str = "lambda_runtime";

/// Starts the log of this process. A second call changes nothing.
pub fn start(environment: &Environment) {
    let wanted = environment.get(LEVEL);
    let level = wanted.map_or(Some(DEFAULT_LEVEL), parse_level);
    let log = tracing_subscriber::registry().with(json_lines(level.unwrap_or(DEFAULT_LEVEL), std::io::stdout));
    if tracing::subscriber::set_global_default(log).is_ok() && level.is_none() {
        tracing::warn!(value = wanted, "AWS_LAMBDA_LOG_LEVEL is no level; logging from WARN on");
    }
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
        *metadata.level() <= level || (metadata.is_span() && metadata.target().starts_with(REQUEST_SPANS))
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

    use super::*;

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
            let _request = tracing::info_span!(target: "lambda_runtime::layers", "invoke", requestId = "r-1").entered();
            tracing::info!("served");
            tracing::error!(error = "too slow", "cannot sign in");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "cannot sign in");
        assert_eq!(line["error"], "too slow");
        assert_eq!(line["span"]["requestId"], "r-1");
        let time = line["timestamp"].as_str().unwrap();
        assert!(OffsetDateTime::parse(time, &Rfc3339).is_ok() && time.ends_with('Z'), "{time}");
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
