//! One invocation: what every function does around it. Its log lines carry whose it is, and its metrics are written
//! when it ends.

use std::fmt::Write as _;
use std::future::Future;

use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidings_domain::ids::{ConversationId, UserId};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::meter::Meter;

/// How many bytes of a hash stand for an id in the log: with 64 bits, a million users have two of the same with a
/// probability of 3 in 10^8.
const PSEUDONYM_BYTES: usize = 8;

/// Serves events until the environment ends.
pub async fn serve<E, F, A>(meter: &Meter, handler: F) -> Result<(), Error>
where
    E: for<'de> Deserialize<'de>,
    F: Fn(LambdaEvent<E>) -> A,
    A: Future<Output = Result<Value, Error>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<E>| {
        let span = span(&event.context);
        // On the heap: with all that a use case holds it is large, and it is moved several times.
        let work = span.in_scope(|| Box::pin(handler(event)));
        watch(meter, span, work)
    }))
    .await
}

/// Works within a [`span`], and writes the metrics at the end.
pub async fn watch<A: Future>(meter: &Meter, span: Span, work: A) -> A::Output {
    let answer = work.instrument(span).await;
    meter.write();
    answer
}

/// What every log line of an invocation carries: `request_id` and `trace_id` of the platform, and what becomes known
/// of `action`, `user` and `conversation`.
pub fn span(context: &Context) -> Span {
    tracing::info_span!(
        "invocation",
        request_id = context.request_id,
        trace_id = context.xray_trace_id,
        action = Empty,
        user = Empty,
        conversation = Empty,
    )
}

/// From now on the invocation's log lines say what is asked: a route's name, which the gateway has chosen.
pub fn is_for(action: &str) {
    Span::current().record("action", action);
}

/// From now on the invocation's log lines say for whom it works.
pub fn is_of(user: UserId) {
    Span::current().record("user", pseudonym(&user.to_string()));
}

/// From now on the invocation's log lines say what conversation it is about.
pub fn is_about(conversation: ConversationId) {
    Span::current().record("conversation", pseudonym(&conversation.to_string()));
}

/// What stands for an id in the log: the beginning of its SHA-256 in hexadecimal. Whoever knows an id finds its lines
/// (`printf %s u_01J... | sha256sum | head -c 16`); whoever reads the log does not learn who talks with whom. A direct
/// conversation's id names two people, so conversations are hashed, too.
pub fn pseudonym(id: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    hash.iter().take(PSEUDONYM_BYTES).fold(String::with_capacity(2 * PSEUDONYM_BYTES), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_what_the_command_line_makes() {
        // printf %s abc | sha256sum | head -c 16; the digest of "abc" is the first example of FIPS 180-2.
        assert_eq!(pseudonym("abc"), "ba7816bf8f01cfea");
    }
}
