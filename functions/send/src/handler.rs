//! Wire to request, answer to wire.

use std::sync::Arc;

use tidings_application::clock::Clock;
use tidings_assembly::{People, Sender};
use tidings_domain::limits::BATCH_MAX;
use tidings_domain::log::{Draft, Seq};
use tidings_domain::send::{Refusal, Request, Sent};
use tidings_domain::time::Timestamp;
use tidings_metrics::Metric;
use tidings_protocol::actions::message_send as wire;
use tidings_protocol::actions::{MessageSend, MessageSendReply, SendResult};
use tidings_protocol::body::InvalidBody;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::clock::SystemClock;
use tidings_runtime::meter::Meter;
use tidings_runtime::websocket::Caller;
use tidings_wire::entry::body_in;
use tidings_wire::refusal;

/// `message.send`.
pub(crate) async fn message_send(
    send: Arc<Sender<People>>,
    meter: Meter,
    caller: Caller,
    request: MessageSend,
) -> Result<MessageSendReply, ErrorBody> {
    let conversation = request.conversation.0;
    let after = request.after.map(Seq::new);
    let (drafts, batch) = request.into_drafts().ok_or_else(|| {
        ErrorBody::new(ErrorCode::BadRequest, "either `client_id` and `body`, or `messages`, and not both")
    })?;
    let now = SystemClock.now();
    let refused = |refused| refusal::of_send(refused, now);
    let count = drafts.len();
    if !(1..=BATCH_MAX).contains(&count) {
        return Err(refused(Refusal::BatchSize));
    }
    // Stopped at the first failure, and a body that cannot be stored is one: what stands before it counts.
    let mut valid = Vec::with_capacity(count);
    let invalid = drafts.iter().find_map(|draft| draft_in(draft).map(|draft| valid.push(draft)).err());
    let mut results = Vec::with_capacity(count);
    if !valid.is_empty() {
        let request =
            Request { conversation, sender: caller.user, connection: Some(caller.connection), after, drafts: valid };
        let answers = send.run(request).await.map_err(refused)?;
        results.extend(answers.into_iter().map(|answer| answer.map_err(refused)));
    }
    results.extend(invalid.map(Err));
    count_results(&meter, caller.asked_at, &results, batch);
    results.resize_with(count, || Err(refused(Refusal::NotTried)));
    if batch {
        return Ok(MessageSendReply::Many { results: results.into_iter().map(result_out).collect() });
    }
    results.swap_remove(0).map(sent_out).map(MessageSendReply::One)
}

/// What became of the messages. A batch stops at its first failure, so that is the only one. A single message's is the
/// request's own, and counted with that.
fn count_results(meter: &Meter, asked_at: Timestamp, results: &[Result<Sent, ErrorBody>], batch: bool) {
    let acknowledged = |duplicate| results.iter().flatten().filter(|sent| sent.duplicate == duplicate).count();
    let (fresh, again) = (acknowledged(false), acknowledged(true));
    meter.count(Metric::Sends, fresh);
    meter.count(Metric::Duplicates, again);
    if fresh + again > 0 {
        meter.took(Metric::AckLatency, asked_at);
    }
    if let (true, Some(error)) = (batch, results.iter().find_map(|result| result.as_ref().err())) {
        meter.refused(error.code);
    }
}

fn draft_in(draft: &wire::Draft) -> Result<Draft, ErrorBody> {
    let body = body_in(&draft.body).map_err(|invalid| {
        let code = match invalid {
            InvalidBody::TooLarge => ErrorCode::TooLarge,
            _ => ErrorCode::BadRequest,
        };
        ErrorBody::new(code, invalid.to_string())
    })?;
    Ok(Draft { client_id: draft.client_id.0, body })
}

fn sent_out(sent: Sent) -> wire::Sent {
    wire::Sent { seq: sent.seq.get(), sent_at: sent.sent_at.as_millis(), duplicate: sent.duplicate }
}

fn result_out(result: Result<Sent, ErrorBody>) -> SendResult {
    match result {
        Ok(sent) => SendResult::Sent(sent_out(sent)),
        Err(error) => SendResult::Failed { error },
    }
}
