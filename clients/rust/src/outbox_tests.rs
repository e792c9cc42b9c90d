//! Batches never reorder or re-cut an unanswered attempt, and every message ends in the log once.

use proptest::prelude::*;
use tidings_domain::ids::UserId;
use tidings_domain::time::Timestamp;

use super::*;

fn conversation() -> ConversationId {
    ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2))
}

fn item(number: u64, bytes: usize) -> Item {
    let body = Body::text("x".repeat(bytes.max(1)));
    let bytes = body.encode().unwrap().len();
    let client_id = ClientId::new(Timestamp::from_millis(1_000_000), u128::from(number));
    Item { client_id, body, bytes, after: Some(number / 3) }
}

fn ids(request: &MessageSend) -> Vec<ClientId> {
    request.clone().into_drafts().unwrap().0.into_iter().map(|draft| draft.client_id.0).collect()
}

fn sent(seq: u64, duplicate: bool) -> Sent {
    Sent { seq, sent_at: seq, duplicate }
}

fn error(code: ErrorCode) -> ErrorBody {
    ErrorBody::new(code, "")
}

/// A log that appends as the server does: a message that is there is answered with its first place.
#[derive(Default)]
struct Log(Vec<ClientId>);

impl Log {
    fn append(&mut self, id: ClientId) -> Sent {
        if let Some(index) = self.0.iter().position(|there| *there == id) {
            return sent(index as u64 + 1, true);
        }
        self.0.push(id);
        sent(self.0.len() as u64, false)
    }
}

#[derive(Clone, Debug)]
enum Fate {
    Done,
    /// Done, and the answer is lost.
    Lost,
    /// So many are appended, then this.
    Stopped(usize, ErrorCode),
    /// Refused as a whole.
    Refused(ErrorCode),
    /// The process ends before (`false`) or after (`true`) the server did it.
    Crash(bool),
    Behind,
}

fn fate() -> impl Strategy<Value = Fate> {
    let again = prop_oneof![Just(ErrorCode::Unavailable), Just(ErrorCode::Internal), Just(ErrorCode::RateLimited)];
    prop_oneof![
        3 => Just(Fate::Done),
        2 => Just(Fate::Lost),
        2 => (0..20_usize, again.clone()).prop_map(|(done, code)| Fate::Stopped(done, code)),
        1 => again.prop_map(Fate::Refused),
        1 => Just(Fate::Refused(ErrorCode::BadRequest)),
        1 => any::<bool>().prop_map(Fate::Crash),
        1 => Just(Fate::Behind),
    ]
}

proptest! {
    #[test]
    fn every_message_once_in_its_order(
        arrivals in prop::collection::vec((0..4_usize, 0..9000_usize), 1..60),
        fates in prop::collection::vec(fate(), 0..60),
    ) {
        let mut lane = Lane::default();
        let mut log = Log::default();
        let mut fates = fates.into_iter();
        let mut arrivals = arrivals.into_iter();
        let mut queued = 0;
        let mut acknowledged: Vec<ClientId> = Vec::new();
        let mut unanswered: Option<Vec<ClientId>> = None;
        // What a store would hold: the items, and how many of them were marked before they were written.
        for _ in 0..2_000 {
            if let Some((many, bytes)) = arrivals.next() {
                for _ in 0..many {
                    lane.push(item(queued, bytes));
                    queued += 1;
                }
            } else if lane.is_empty() {
                break;
            }
            lane.rested();
            let Some(attempt) = lane.take(conversation()) else { continue };
            prop_assert_eq!(lane.take(conversation()), None, "two frames in flight");
            let ids = ids(&attempt.request);
            prop_assert_eq!(&ids, &attempt.ids);
            prop_assert!(ids.len() <= BATCH_MAX);
            let frame = serde_json::to_string(&attempt.request).unwrap();
            prop_assert!(frame.len() + 100 <= FRAME_MAX, "{}", frame.len());
            prop_assert_eq!(attempt.new, unanswered.is_none());
            if let Some(before) = unanswered.take() {
                prop_assert_eq!(&before, &ids, "the same again");
            }
            let verdict = match fates.next().unwrap_or(Fate::Done) {
                Fate::Done => {
                    let results: Vec<Sent> = ids.iter().map(|id| log.append(*id)).collect();
                    lane.answered(Ok(if ids.len() == 1 {
                        MessageSendReply::One(results[0])
                    } else {
                        MessageSendReply::Many { results: results.into_iter().map(SendResult::Sent).collect() }
                    }))
                }
                Fate::Lost => {
                    for id in &ids { log.append(*id); }
                    lane.lost();
                    unanswered = Some(ids);
                    continue;
                }
                Fate::Stopped(done, code) => {
                    let done = done.min(ids.len() - 1);
                    let mut results: Vec<SendResult> =
                        ids[..done].iter().map(|id| SendResult::Sent(log.append(*id))).collect();
                    results.resize(ids.len(), SendResult::Failed { error: error(code) });
                    let verdict = lane.answered(if ids.len() == 1 {
                        Err(error(code))
                    } else {
                        Ok(MessageSendReply::Many { results })
                    });
                    unanswered = Some(ids[done..].to_vec());
                    verdict
                }
                Fate::Refused(ErrorCode::BadRequest) if ids.len() == 1 => {
                    // Would fail the message; that has a test of its own.
                    lane.lost();
                    unanswered = Some(ids);
                    continue;
                }
                Fate::Refused(code) => {
                    let verdict = lane.answered(Err(error(code)));
                    if code != ErrorCode::BadRequest {
                        unanswered = Some(ids);
                    }
                    verdict
                }
                Fate::Crash(done) => {
                    if done {
                        for id in &ids { log.append(*id); }
                    }
                    lane = Lane::restore(lane.items.clone(), ids.len());
                    unanswered = Some(ids);
                    continue;
                }
                Fate::Behind => {
                    let verdict = lane.answered(Err(error(ErrorCode::Behind)));
                    prop_assert_eq!(verdict.next, Next::Search);
                    prop_assert!(lane.take(conversation()).is_none());
                    let search = lane.search();
                    prop_assert_eq!(&search.ids, &ids);
                    let found: HashMap<ClientId, Sent> = log.0.iter().zip(1..).filter(|(id, _)| ids.contains(id))
                        .map(|(id, seq)| (*id, sent(seq, true))).collect();
                    let verdict = lane.searched(&found, log.0.len() as u64);
                    let done = |id: &ClientId| verdict.acknowledged.iter().any(|(item, _)| item.client_id == *id);
                    let left: Vec<ClientId> = ids.into_iter().filter(|id| !done(id)).collect();
                    unanswered = (!left.is_empty()).then_some(left);
                    verdict
                }
            };
            prop_assert_eq!(&verdict.failed, &[]);
            acknowledged.extend(verdict.acknowledged.iter().map(|(item, _)| item.client_id));
            for (item, sent) in &verdict.acknowledged {
                prop_assert_eq!(log.0[usize::try_from(sent.seq).unwrap() - 1], item.client_id);
            }
        }
        prop_assert!(lane.is_empty());
        let want: Vec<ClientId> = (0..queued).map(|number| item(number, 0).client_id).collect();
        prop_assert_eq!(&log.0, &want);
        prop_assert_eq!(&acknowledged, &want);
    }
}

#[test]
fn the_lowest_after_of_a_batch_counts() {
    let mut lane = Lane::default();
    for (number, after) in [(0, Some(7)), (1, Some(3)), (2, Some(9))] {
        lane.push(Item { after, ..item(number, 1) });
    }
    assert_eq!(lane.take(conversation()).unwrap().request.after, Some(3));
    let mut lane = Lane::default();
    for (number, after) in [(0, Some(7)), (1, None)] {
        lane.push(Item { after, ..item(number, 1) });
    }
    assert_eq!(lane.take(conversation()).unwrap().request.after, None);
}

#[test]
fn behind_raises_after_past_what_was_searched_only() {
    let mut lane = Lane::default();
    lane.push(item(0, 1));
    lane.take(conversation()).unwrap();
    lane.push(item(1, 1));
    assert_eq!(lane.answered(Err(error(ErrorCode::Behind))).next, Next::Search);
    assert_eq!(lane.searched(&HashMap::new(), 1200), Verdict::default());
    let again = lane.take(conversation()).unwrap();
    assert_eq!((again.request.after, again.ids.len(), again.new), (Some(1200), 1, false));
    assert_eq!(lane.items().last().unwrap().after, Some(0), "the other one was not searched for");
}

#[test]
fn what_a_search_finds_is_sent_again_until_it_lies_too_deep() {
    let mut lane = Lane::default();
    (0..3).for_each(|number| lane.push(item(number, 1)));
    assert_eq!(lane.take(conversation()).unwrap().ids.len(), 3);
    lane.answered(Err(error(ErrorCode::Behind)));
    let found = [(item(0, 1).client_id, sent(50, true)), (item(1, 1).client_id, sent(600, true))].into();
    assert_eq!(lane.searched(&found, 1200), Verdict::default());
    let again = lane.take(conversation()).unwrap();
    assert_eq!((again.request.after, again.ids.len(), again.new), (Some(49), 3, false));

    // The server does not want to search from right below the first either.
    lane.answered(Err(error(ErrorCode::Behind)));
    let verdict = lane.searched(&found, 1200);
    let acknowledged: Vec<_> = verdict.acknowledged.iter().map(|(item, _)| item.client_id).collect();
    assert_eq!(acknowledged, [item(0, 1).client_id]);
    let again = lane.take(conversation()).unwrap();
    assert_eq!((again.request.after, again.ids.len(), again.new), (Some(599), 2, false));
}

#[test]
fn a_refused_message_fails_alone() {
    let mut lane = Lane::default();
    (0..3).for_each(|number| lane.push(item(number, 1)));
    assert_eq!(lane.take(conversation()).unwrap().ids.len(), 3);
    lane.push(item(3, 1));
    let verdict = lane.answered(Err(error(ErrorCode::BadRequest)));
    assert_eq!((verdict.failed.len(), verdict.released.len()), (0, 3));
    for (number, code) in [(0, None), (1, Some(ErrorCode::Conflict)), (2, None)] {
        assert_eq!(lane.take(conversation()).unwrap().ids, [item(number, 1).client_id]);
        let verdict = lane.answered(match code {
            None => Ok(MessageSendReply::One(sent(number + 1, false))),
            Some(code) => Err(error(code)),
        });
        assert_eq!((verdict.acknowledged.len(), verdict.failed.len()), if code.is_none() { (1, 0) } else { (0, 1) });
    }
    assert_eq!(lane.take(conversation()).unwrap().ids, [item(3, 1).client_id]);
}

#[test]
fn an_id_slightly_ahead_waits_and_one_far_ahead_fails() {
    let ahead = |by: u64| {
        let mut lane = Lane::default();
        lane.push(item(0, 1));
        lane.take(conversation()).unwrap();
        let server_time = Some(1_000_000 - CLOCK_SKEW_MS - by);
        lane.answered(Err(ErrorBody { server_time, ..error(ErrorCode::BadRequest) }))
    };
    let verdict = ahead(30_000);
    assert_eq!(verdict.next, Next::Rest { at_least: Duration::from_millis(30_100), failures: 0 });
    assert!(verdict.server_time.is_some());
    assert_eq!(ahead(600_000).failed.len(), 1);
}
