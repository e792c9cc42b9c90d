//! Any reordering, doubling and loss of pushes, with pulls and syncs in between, ends at the log.

use proptest::prelude::*;
use tidings_domain::ids::{GroupId, Pair};

use super::*;

const ME: UserId = UserId::from_bits(1);
const PEER: UserId = UserId::from_bits(2);

fn direct() -> ConversationId {
    ConversationId::Direct(Pair::new(ME, PEER))
}

/// The log in which `senders` spoke in turn; `true` is me.
fn log_of(senders: &[bool]) -> Vec<Entry> {
    let mut counts = Counts::zero(direct());
    (1..)
        .zip(senders)
        .map(|(seq, mine)| {
            let sender = if *mine { ME } else { PEER };
            counts = counts.followed_by(Kind::Message, direct(), sender);
            let Counts::Direct(both) = counts else { unreachable!() };
            Entry {
                seq,
                sender: Text(sender),
                client_id: Text(ClientId::from_bits(u128::from(seq))),
                sent_at: 1000 + seq,
                kind: EntryKind::Message,
                body: Body::text(format!("message {seq}")),
                rev: 0,
                counts: both.to_vec(),
                expires_at: None,
            }
        })
        .collect()
}

fn own(entry: &Entry) -> Own {
    Own { seq: entry.seq, client_id: entry.client_id.0, sent_at: entry.sent_at, body: entry.body.clone() }
}

/// What a server with this log answers.
fn answer(log: &[Entry], need: Need, floor: u64) -> HistoryReply {
    let seen: Vec<Entry> = log.iter().filter(|entry| entry.seq >= floor).cloned().collect();
    let entries: Vec<Entry> = match need {
        Need::After { after, limit } => {
            seen.into_iter().filter(|entry| entry.seq > after).take(usize::try_from(limit.min(7)).unwrap()).collect()
        }
        Need::Newest => seen.iter().rev().take(7).rev().cloned().collect(),
    };
    HistoryReply { entries, more: true, floor }
}

fn synced(log: &[Entry], head: u64, newest: usize, read_seq: u64, floor: u64) -> SyncedConversation {
    let upto = &log[..usize::try_from(head).unwrap()];
    let others = |seq: u64| upto.iter().filter(|entry| entry.seq <= seq && entry.sender.0 == PEER).count() as u64;
    SyncedConversation {
        conversation: Text(direct()),
        head_seq: head,
        head_at: 0,
        read_seq,
        unread: others(head) - others(read_seq),
        floor,
        left: false,
        peer: Some(Text(PEER)),
        entries: upto.iter().rev().take(newest).rev().filter(|entry| entry.seq >= floor).cloned().collect(),
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(u64),
    Acknowledge(u64),
    Pull,
    Sync { head: u64, newest: usize, read: u64, floor: u64 },
    Read(u64),
    ReadOn(u64),
    Older(u64),
    GiveUp,
    Restart,
}

/// What a reader at this position has not read of what they hold or have passed over.
fn unread(log: &[Entry], at: &Position) -> u64 {
    let above = |entry: &&Entry| entry.sender.0 == PEER && entry.seq > at.read_seq && entry.seq <= at.last;
    log.iter().filter(above).count() as u64
}

fn op(length: u64) -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..=length).prop_map(Op::Push),
        2 => (1..=length).prop_map(Op::Acknowledge),
        1 => Just(Op::Pull),
        1 => (1..=length, 0..4_usize, 0..=length, prop_oneof![3 => Just(1), 1 => 1..=length]).prop_map(
            |(head, newest, read, floor)| Op::Sync { head, newest, read: read.min(head), floor: floor.min(head) }
        ),
        1 => (1..=length).prop_map(Op::Read),
        1 => (1..=5_u64).prop_map(Op::ReadOn),
        1 => (1..=length).prop_map(Op::Older),
        1 => Just(Op::GiveUp),
        1 => Just(Op::Restart),
    ]
}

fn scenario() -> impl Strategy<Value = (Vec<bool>, Vec<Op>, u64)> {
    prop::collection::vec(any::<bool>(), 1..40).prop_flat_map(|senders| {
        let length = senders.len() as u64;
        (Just(senders), prop::collection::vec(op(length), 0..80), prop_oneof![Just(3_u64), Just(1_000)])
    })
}

proptest! {
    #[test]
    fn everything_converges_to_the_log((senders, ops, first_page) in scenario()) {
        let log = log_of(&senders);
        let entry = |seq: u64| log[usize::try_from(seq).unwrap() - 1].clone();
        let mut timeline = Timeline::new(direct(), ME);
        let mut shown: Vec<Entry> = Vec::new();
        let mut jumped_to = 1;
        let mut show = |step: Step| {
            if let Some(to) = step.jumped {
                assert!(shown.last().is_none_or(|last| last.seq < to));
                shown.clear();
                jumped_to = to;
            }
            shown.extend(step.applied);
        };
        let (mut server_read, mut server_floor) = (0, 1);
        let (mut asked, mut announced) = (false, (0, 0));
        for (op_number, op) in ops.into_iter().enumerate() {
            match op {
                Op::Push(seq) => show(timeline.offer(entry(seq))),
                Op::Acknowledge(seq) if entry(seq).sender.0 == ME => show(timeline.acknowledged(own(&entry(seq)))),
                Op::Acknowledge(_) => {}
                Op::Pull => {
                    if let Some(need) = timeline.need() {
                        show(timeline.page(need, answer(&log, need, server_floor)));
                    }
                }
                Op::Sync { head, newest, read, floor } => {
                    server_read = server_read.max(read);
                    server_floor = server_floor.max(floor);
                    let head = head.max(server_floor);
                    let head = head.max(server_read);
                    show(timeline.synced(&synced(&log, head, newest, server_read, server_floor), first_page));
                }
                Op::Read(seq) => drop(timeline.read(seq)),
                Op::ReadOn(by) => drop(timeline.read((timeline.position().read_seq + by).min(log.len() as u64))),
                Op::Older(count) => {
                    let base = timeline.position().base;
                    let older = (base.saturating_sub(count).max(1)..base).map(entry).collect();
                    timeline.older(older);
                }
                Op::GiveUp => timeline.give_up(),
                Op::Restart => {
                    let at = timeline.position().clone();
                    let unread = |seq: &u64| *seq > at.read_seq && entry(*seq).sender.0 == PEER;
                    let unread = (at.base..=at.last).filter(unread).collect();
                    timeline = Timeline::restore(direct(), ME, at, unread);
                    // A new engine tells what changes from here on.
                    announced.1 = timeline.unread();
                }
            }
            // Whenever nothing is on its way, unread is exact.
            if timeline.need().is_none() {
                let exact = unread(&log, timeline.position());
                prop_assert!(timeline.unread() >= exact);
                prop_assert!(timeline.uncounted() || timeline.unread() == exact);
            }
            // What the engine does at the end of a round.
            asked |= timeline.ask_count();
            if let Some(news) = timeline.take_news() {
                announced = news;
            }
            prop_assert_eq!(announced, (timeline.position().read_seq, timeline.unread()));
            if asked && op_number % 3 == 0 {
                asked = false;
                let synced = synced(&log, log.len() as u64, 0, server_read, server_floor);
                show(timeline.synced(&synced, first_page));
                prop_assert!(server_read < timeline.position().read_seq || !timeline.uncounted());
            }
            if timeline.position().base <= timeline.position().read_seq + 1 {
                prop_assert!(!timeline.uncounted());
            }
        }
        // A last sync, and pulls until nothing is missing.
        let head = log.len() as u64;
        show(timeline.synced(&synced(&log, head, 2, server_read, server_floor), first_page));
        for _ in 0..100 {
            let Some(need) = timeline.need() else { break };
            show(timeline.page(need, answer(&log, need, server_floor)));
        }
        prop_assert_eq!(timeline.need(), None);
        prop_assert_eq!(timeline.position().last, head);
        // Everything from the last jump on was shown; older entries were asked for and are no news.
        let jumped_to = usize::try_from(jumped_to).unwrap();
        prop_assert_eq!(&shown[..], &log[jumped_to - 1..]);
        prop_assert!(timeline.position().base <= jumped_to as u64);
        if first_page == 1_000 {
            prop_assert!(jumped_to as u64 <= server_floor);
        }
        // Once the server knows what I have read, it has counted what is unread.
        let read = server_read.max(timeline.position().read_seq).min(head);
        timeline.synced(&synced(&log, head, 2, read, server_floor), first_page);
        prop_assert!(!timeline.uncounted());
        prop_assert_eq!(timeline.unread(), unread(&log, timeline.position()));
    }
}

#[test]
fn a_floor_is_jumped_to() {
    let log = log_of(&[true, false, true, false, false, true]);
    let mut timeline = Timeline::new(direct(), ME);
    timeline.offer(log[0].clone());
    let step = timeline.synced(&synced(&log, 6, 0, 0, 4), 100);
    assert_eq!(step.jumped, Some(4));
    assert_eq!(timeline.need(), Some(Need::After { after: 3, limit: 3 }));
    let step = timeline.page(Need::After { after: 3, limit: 3 }, answer(&log, Need::After { after: 3, limit: 3 }, 4));
    assert_eq!(step.applied, log[3..]);
    assert_eq!(timeline.unread(), 3);
}

#[test]
fn an_own_message_after_a_jump_waits_for_its_counters() {
    let log = log_of(&[true, false, true, true]);
    let mut timeline = Timeline::new(direct(), ME);
    timeline.synced(&synced(&log, 3, 0, 0, 4), 100);
    assert_eq!(timeline.acknowledged(own(&log[3])).applied, []);
    let need = timeline.need().unwrap();
    assert_eq!(need, Need::After { after: 3, limit: 1 });
    assert_eq!(timeline.page(need, answer(&log, need, 4)).applied, log[3..]);
}

#[test]
fn an_acknowledgement_is_the_entry() {
    let log = log_of(&[false, true, true, false]);
    let mut timeline = Timeline::new(direct(), ME);
    assert_eq!(timeline.acknowledged(own(&log[1])).applied, [], "the predecessor is missing");
    assert_eq!(timeline.acknowledged(own(&log[2])).applied, []);
    assert_eq!(timeline.offer(log[0].clone()).applied, log[..3], "with the counters that the server has");
    assert_eq!(timeline.offer(log[2].clone()), Step::default());
}

#[test]
fn the_highest_rev_wins() {
    let log = log_of(&[false, false, false]);
    let edited = Entry { rev: 2, body: Body::text("edited"), ..log[1].clone() };
    let mut timeline = Timeline::new(direct(), ME);
    timeline.offer(log[1].clone());
    timeline.offer(edited.clone());
    timeline.offer(log[1].clone());
    let step = timeline.offer(log[0].clone());
    assert_eq!(step.applied, [log[0].clone(), edited.clone()]);
    assert_eq!(timeline.offer(edited.clone()).changed, [edited]);
}

#[test]
fn older_pages_extend_the_run_only_without_a_hole() {
    let log = log_of(&[false; 30]);
    let mut timeline = Timeline::new(direct(), ME);
    timeline.synced(&synced(&log, 30, 5, 0, 1), 10);
    assert_eq!((timeline.position().base, timeline.position().last), (26, 30));
    assert_eq!(timeline.older(log[10..20].to_vec()), []);
    assert_eq!(timeline.older(log[20..28].to_vec()), log[20..25]);
    assert_eq!(timeline.position().base, 21);
}

#[test]
fn unread_is_exact_when_a_position_lies_amid_what_is_held() {
    let log = log_of(&[false; 6]);
    let mut timeline = Timeline::new(direct(), ME);
    for entry in &log {
        timeline.offer(entry.clone());
    }
    timeline.read(5);
    assert_eq!(timeline.unread(), 1);
    // A sync that began before the last entry came.
    timeline.synced(&synced(&log, 5, 2, 5, 1), 100);
    assert_eq!(timeline.unread(), 1);
}

#[test]
fn what_is_unread_below_a_jump_is_the_servers_to_count() {
    let log = log_of(&[false; 30]);
    let mut timeline = Timeline::new(direct(), ME);
    timeline.synced(&synced(&log, 28, 5, 3, 1), 10);
    assert_eq!(timeline.position().base, 24);
    timeline.offer(log[28].clone());
    assert_eq!(timeline.unread(), 26);
    timeline.read(10);
    assert!(timeline.uncounted(), "some of what was read is not held");
    assert_eq!(timeline.unread(), 19, "no more than there is room for");
    timeline.synced(&synced(&log, 28, 5, 10, 1), 10);
    assert_eq!(timeline.unread(), 19);
    timeline.older(log[8..23].to_vec());
    assert_eq!((timeline.uncounted(), timeline.unread()), (false, 19));
}

#[test]
fn the_server_is_asked_to_count_once_until_it_has_heard_more() {
    let log = log_of(&[false; 30]);
    let mut timeline = Timeline::new(direct(), ME);
    timeline.synced(&synced(&log, 30, 5, 0, 1), 10);
    timeline.read(10);
    assert!(timeline.uncounted() && !timeline.ask_count(), "it has not heard that I have read");
    timeline.synced(&synced(&log, 30, 5, 0, 1), 10);
    assert!(timeline.uncounted() && !timeline.ask_count());
    timeline.told(10);
    assert!(timeline.ask_count() && !timeline.ask_count());
    timeline.synced(&synced(&log, 30, 5, 10, 1), 10);
    assert_eq!((timeline.uncounted(), timeline.take_news(), timeline.take_news()), (false, Some((10, 20)), None));
}

#[test]
fn unread_follows_other_devices() {
    let log = log_of(&[false, false, true, false]);
    let mut timeline = Timeline::new(direct(), ME);
    // Another device read ahead of what arrived here.
    timeline.read(2);
    timeline.offer(log[0].clone());
    assert_eq!(timeline.unread(), 0);
    for entry in &log[1..] {
        timeline.offer(entry.clone());
    }
    assert_eq!(timeline.unread(), 1);
    assert!(!timeline.read(1), "never back");
}

fn group() -> ConversationId {
    ConversationId::Group(GroupId::from_bits(7))
}

/// An entry of a group's log.
fn told(seq: u64, sender: UserId, body: Body) -> Entry {
    let kind = if matches!(body, Body::News(_)) { EntryKind::System } else { EntryKind::Message };
    Entry {
        seq,
        sender: Text(sender),
        client_id: Text(ClientId::from_bits(u128::from(seq))),
        sent_at: 1000 + seq,
        kind,
        body,
        rev: 0,
        counts: vec![seq, 2],
        expires_at: None,
    }
}

fn joined(seq: u64, user: UserId) -> Entry {
    told(seq, user, Body::News(News::MemberJoined { user: Text(user), by: None }))
}

fn removed(seq: u64, user: UserId) -> Entry {
    told(seq, PEER, Body::News(News::MemberRemoved { user: Text(user) }))
}

fn synced_group(head_seq: u64, floor: u64, left: bool, entries: Vec<Entry>) -> SyncedConversation {
    SyncedConversation {
        conversation: Text(group()),
        head_seq,
        head_at: 0,
        read_seq: 0,
        unread: 0,
        floor,
        left,
        peer: None,
        entries,
    }
}

fn empty_page(floor: u64) -> HistoryReply {
    HistoryReply { entries: Vec::new(), more: false, floor }
}

#[test]
fn system_entries_and_own_messages_are_applied_and_not_unread() {
    let mut timeline = Timeline::new(group(), ME);
    let log = [joined(1, ME), told(2, ME, Body::text("hello")), told(3, PEER, Body::text("hi")), joined(4, PEER)];
    for entry in &log {
        assert_eq!(timeline.offer(entry.clone()).applied, std::slice::from_ref(entry));
    }
    assert_eq!(timeline.unread(), 1);
}

/// Away between two memberships, one sees nothing of what was said meanwhile.
#[test]
fn a_device_goes_on_where_the_next_membership_begins() {
    let mut timeline = Timeline::new(group(), ME);
    timeline
        .synced(&synced_group(5, 3, true, vec![joined(3, ME), told(4, PEER, Body::text("hi")), removed(5, ME)]), 100);
    assert_eq!((timeline.position().last, timeline.position().left), (5, true));
    assert_eq!(timeline.offer(told(8, PEER, Body::text("again"))).applied, []);
    let need = timeline.need().unwrap();
    assert_eq!(need, Need::After { after: 5, limit: 2 });
    let step = timeline.page(need, HistoryReply { entries: vec![joined(7, ME)], more: false, floor: 7 });
    assert_eq!((step.jumped, step.applied.len()), (Some(7), 2), "and what waited");
    assert_eq!((timeline.position().last, timeline.position().left, timeline.need()), (8, false, None));
}

/// SEE-1: whoever comes back gets what they saw before, too.
#[test]
fn a_device_that_was_offline_all_the_while_gets_both_memberships() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.offer(joined(1, ME));
    timeline.synced(&synced_group(8, 1, false, vec![joined(7, ME), told(8, PEER, Body::text("again"))]), 100);
    let need = timeline.need().unwrap();
    assert_eq!(need, Need::After { after: 1, limit: 5 });
    let before = vec![told(2, PEER, Body::text("hi")), removed(3, ME)];
    let step = timeline.page(need, HistoryReply { entries: before.clone(), more: true, floor: 1 });
    assert_eq!((step.jumped, step.applied), (None, before));
    let need = timeline.need().unwrap();
    assert_eq!(need, Need::After { after: 3, limit: 3 });
    let step = timeline.page(need, HistoryReply { entries: vec![joined(7, ME)], more: false, floor: 7 });
    assert_eq!((step.jumped, step.applied.len(), timeline.need()), (Some(7), 2, None));
    assert_eq!(timeline.position().floor, 1, "what was seen before is still to be had");
}

#[test]
fn a_newcomer_begins_where_they_joined() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.exists(3);
    let need = timeline.need().unwrap();
    let step = timeline.page(need, HistoryReply { entries: vec![joined(3, ME)], more: false, floor: 3 });
    assert_eq!((step.jumped, step.applied), (Some(3), vec![joined(3, ME)]));
    assert_eq!((timeline.need(), timeline.unread(), timeline.uncounted()), (None, 0, false));
    timeline.offer(told(4, PEER, Body::text("welcome")));
    assert_eq!(timeline.unread(), 1);
}

#[test]
fn what_was_said_before_one_joined_is_no_news() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.offer(told(1, PEER, Body::text("from the beginning")));
    assert_eq!(timeline.unread(), 1);
    timeline.offer(joined(2, ME));
    assert_eq!((timeline.unread(), timeline.position().read_seq, timeline.position().told_seq), (0, 2, 2));
}

#[test]
fn a_removed_member_asks_for_nothing_behind_the_removal() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.offer(joined(1, ME));
    // Heard of before the removal was: by a push that was on its way, and by an answer.
    timeline.offer(told(4, PEER, Body::text("behind my back")));
    timeline.synced(&synced_group(2, 1, true, vec![removed(2, ME)]), 100);
    assert_eq!((timeline.position().last, timeline.need(), timeline.position().left), (2, None, true));
    timeline.exists(4);
    let need = timeline.need().unwrap();
    assert_eq!(timeline.page(need, empty_page(1)), Step::default());
    assert_eq!(timeline.need(), None);
}

#[test]
fn an_empty_page_is_no_end_for_what_was_heard_meanwhile() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.offer(joined(1, ME));
    timeline.exists(3);
    let need = timeline.need().unwrap();
    timeline.offer(told(5, PEER, Body::text("hi")));
    timeline.page(need, empty_page(1));
    assert!(timeline.need().is_some());
}

#[test]
fn an_old_sync_says_nothing_of_a_later_membership() {
    let mut timeline = Timeline::new(group(), ME);
    timeline.synced(&synced_group(2, 1, true, vec![joined(1, ME), removed(2, ME)]), 100);
    timeline.synced(&synced_group(4, 4, false, vec![joined(4, ME)]), 100);
    timeline.synced(&synced_group(2, 1, true, vec![]), 100);
    assert_eq!((timeline.position().last, timeline.position().left), (4, false));
}
