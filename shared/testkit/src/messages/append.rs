//! The append protocol under contention, on any log: dense seq, one winner, no duplicate, the first result on a
//! resend.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tidings_application::clock::{Clock, Random};
use tidings_application::deliver::Deliver;
use tidings_application::pace::Pace;
use tidings_application::ports::{InboxOpen, InboxRead, LogAppend, LogRead, Range};
use tidings_application::send::SendMessages;
use tidings_domain::contact::DirectMessages;
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::{Draft, Seq};
use tidings_domain::send::{Refusal, Request, Sent};

use super::{FakeGateway, FakeGroups, FakePeople, FakeQueue, FakeRoutes, contract};
use crate::clock::TestClock;

/// Writers at once, half of them each of two people.
const WRITERS: usize = 64;
/// Messages of each.
const EACH: usize = 3;

/// A clock that really waits: the jitter must let others through.
#[derive(Clone, Debug)]
struct RealClock(TestClock);

impl Clock for RealClock {
    fn now(&self) -> tidings_domain::time::Timestamp {
        self.0.now()
    }

    async fn sleep(&self, millis: u64) {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
    }
}

impl Random for RealClock {
    fn bits(&self) -> u128 {
        self.0.bits()
    }
}

/// 64 writers append at once, each message is sent twice at the same time, and once more at the end.
///
/// # Panics
/// Where the log is not dense, single and the same in every answer.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn a_crowd_appends<L, I>(log: L, inboxes: I)
where
    L: LogRead + LogAppend + Clone + Send + 'static,
    I: InboxRead + InboxOpen + Clone + Send + 'static,
{
    let clock = TestClock::new(5);
    let (one, other) = (UserId::from_bits(clock.bits()), UserId::from_bits(clock.bits()));
    let conversation = ConversationId::direct(one, other);
    for user in [one, other] {
        inboxes.open(user, conversation).await.unwrap();
    }
    let send = std::sync::Arc::new(SendMessages {
        log: log.clone(),
        inboxes,
        people: FakePeople::default(),
        direct: DirectMessages::Anyone,
        groups: FakeGroups::default(),
        deliver: Deliver {
            gateway: FakeGateway::default(),
            routes: FakeRoutes::default(),
            queue: FakeQueue::default(),
            clock: RealClock(clock.clone()),
            pace: Pace::unbounded(),
        },
        inline_max: 4,
    });
    let attempt = |sender: UserId, draft: Draft| {
        let send = send.clone();
        async move {
            let after = Some(Seq::NONE);
            let request = Request { conversation, sender, connection: None, after, drafts: vec![draft] };
            send.run(request).await.unwrap()[0]
        }
    };
    // What a client does with "unavailable": the same again.
    let until_sent = |sender: UserId, draft: Draft| {
        let attempt = &attempt;
        async move {
            loop {
                match attempt(sender, draft.clone()).await {
                    Err(Refusal::Unavailable) => {}
                    answer => return answer.unwrap(),
                }
            }
        }
    };
    let writers = (0..WRITERS).map(|writer| {
        let sender = if writer % 2 == 0 { one } else { other };
        let drafts: Vec<_> = (0..EACH).map(|_| contract::draft(&clock, &writer.to_string())).collect();
        let until_sent = &until_sent;
        async move {
            let mut sent: Vec<(UserId, Draft, Sent)> = Vec::new();
            for draft in drafts {
                let twice = join_all([until_sent(sender, draft.clone()), until_sent(sender, draft.clone())]).await;
                assert_eq!((twice[0].seq, twice[0].sent_at), (twice[1].seq, twice[1].sent_at), "two answers differ");
                sent.push((sender, draft, twice[0]));
            }
            sent
        }
    });
    let sent = join_all(writers).await;

    let stored = log.page(conversation, Range::Newest, 2 * WRITERS * EACH).await.unwrap().entries;
    assert_eq!(stored.len(), WRITERS * EACH, "lost or doubled");
    assert!(stored.iter().zip(1..).all(|(entry, seq)| entry.seq == Seq::new(seq)), "not dense");
    let places: BTreeMap<_, _> = stored.iter().map(|entry| ((entry.sender, entry.client_id), entry.seq)).collect();
    for writer in &sent {
        assert!(writer.windows(2).all(|pair| pair[0].2.seq < pair[1].2.seq), "own order lost");
        for (sender, draft, answer) in writer {
            assert_eq!(places[&(*sender, draft.client_id)], answer.seq);
            let again = attempt(*sender, draft.clone()).await.unwrap();
            assert_eq!((again.seq, again.sent_at, again.duplicate), (answer.seq, answer.sent_at, true));
        }
    }
    let last = stored.last().unwrap().counts;
    let half = u64::try_from(WRITERS * EACH / 2).unwrap();
    assert_eq!((last.of_others(conversation, one), last.of_others(conversation, other)), (half, half));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{FakeInboxes, FakeLog};

    #[tokio::test]
    async fn a_crowd_appends_to_the_fake() {
        a_crowd_appends(FakeLog::default(), FakeInboxes::default()).await;
    }
}
