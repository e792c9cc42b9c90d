//! Every kind of violation is seen; a correct history has none.

use proptest::prelude::*;
use tidings_domain::ids::{ClientId, ConversationId, GroupId, UserId};
use tidings_domain::log::Seq;
use tidings_domain::membership::Span;

use super::*;

const ANN: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);

fn talk() -> ConversationId {
    ConversationId::direct(ANN, BOB)
}

fn client_id(number: u64) -> ClientId {
    ClientId::from_bits(number.into())
}

/// The entry with this seq, in which ann wrote message number `number`.
fn entry(seq: u64, number: u64) -> Seen {
    Seen { seq, sender: ANN, client_id: client_id(number), digest: Digest::of(&number), stamp: Digest::of(&seq) }
}

fn entries(numbers: &[u64]) -> Vec<Seen> {
    (1..).zip(numbers).map(|(seq, number)| entry(seq, *number)).collect()
}

/// Ann's laptop, bob's desk, and three messages that the laptop sent one after the other.
struct Run {
    history: History,
    laptop: DeviceKey,
    desk: DeviceKey,
}

impl Run {
    fn sending() -> Self {
        let mut history = History::default();
        let (laptop, desk) = (history.device(ANN, "laptop"), history.device(BOB, "desk"));
        let mut run = Self { history, laptop, desk };
        for number in 1..=3 {
            run.send(number);
        }
        run
    }

    /// All three are acknowledged, and only then the run goes on.
    fn acknowledged() -> Self {
        let mut run = Self::sending();
        for number in 1..=3 {
            run.history.acknowledged(run.laptop, talk(), client_id(number), number);
        }
        run
    }

    fn send(&mut self, number: u64) {
        let began = self.history.now();
        self.history.sent(self.laptop, talk(), client_id(number), Digest::of(&number), began);
    }

    fn transcript(mut self, holder: Holder, numbers: &[u64]) -> Self {
        self.history.transcript(holder, talk(), 1, &entries(numbers));
        self
    }

    fn hold(self, server: &[u64], laptop: &[u64], desk: &[u64]) -> Self {
        let (on_laptop, on_desk) = (Holder::Device(self.laptop), Holder::Device(self.desk));
        self.transcript(Holder::Server, server).transcript(on_laptop, laptop).transcript(on_desk, desk)
    }

    fn hold_all(self) -> Self {
        self.hold(&[1, 2, 3], &[1, 2, 3], &[1, 2, 3])
    }

    /// Exactly these kinds are found, so often.
    fn is(&self, expected: &[(Kind, u64)]) {
        let verdict = self.history.judge();
        let found: Vec<_> =
            Kind::ALL.into_iter().map(|kind| (kind, verdict.count(kind))).filter(|(_, count)| *count > 0).collect();
        assert_eq!(found, expected, "{verdict}");
        assert_eq!(verdict.holds(), expected.is_empty());
    }
}

#[test]
fn a_correct_history_holds() {
    let mut run = Run::acknowledged();
    for number in 1..=3 {
        run.history.shown(run.desk, talk(), entry(number, number));
    }
    assert_eq!((run.history.head(talk()), run.history.last_shown(run.desk, talk())), (3, 3));
    let run = run.hold_all();
    run.is(&[]);
    let verdict = run.history.judge();
    assert_eq!((verdict.sent, verdict.acknowledged, verdict.shown, verdict.transcripts), (3, 3, 3, 3));
    assert!(verdict.to_string().ends_with("nothing lost, doubled, out of order or corrupted"), "{verdict}");
}

#[test]
fn what_was_acknowledged_and_is_not_stored_is_lost() {
    Run::acknowledged().hold(&[1, 2], &[1, 2, 3], &[1, 2, 3]).is(&[(Kind::Lost, 1)]);
    // Nobody asked the server, so nothing is known to be there.
    let mut run = Run::acknowledged();
    for device in [run.laptop, run.desk] {
        run.history.transcript(Holder::Device(device), talk(), 1, &entries(&[1, 2, 3]));
    }
    run.is(&[(Kind::Lost, 3)]);
}

#[test]
fn what_nobody_acknowledged_may_be_missing() {
    Run::sending().hold(&[1, 2], &[1, 2], &[1, 2]).is(&[]);
}

#[test]
fn what_a_members_device_does_not_have_is_missing() {
    Run::acknowledged().hold(&[1, 2, 3], &[1, 2, 3], &[1]).is(&[(Kind::Missing, 2)]);
    // A device that begins later claims nothing of what is before.
    let mut run = Run::acknowledged().hold(&[1, 2, 3], &[1, 2, 3], &[]);
    run.history.transcript(Holder::Device(run.desk), talk(), 3, &[entry(3, 3)]);
    run.is(&[]);
}

#[test]
fn a_message_in_two_places_is_doubled() {
    Run::acknowledged().hold(&[1, 2, 3, 2], &[1, 2, 3, 2], &[1, 2, 3]).is(&[(Kind::Doubled, 2)]);
    let mut run = Run::acknowledged();
    run.history.shown(run.desk, talk(), entry(1, 1));
    run.history.shown(run.desk, talk(), entry(1, 1));
    run.hold_all().is(&[(Kind::Doubled, 1)]);
}

#[test]
fn a_place_that_is_passed_over_is_a_hole() {
    let mut run = Run::acknowledged().hold(&[1, 2, 3], &[1, 2, 3], &[]);
    run.history.transcript(Holder::Device(run.desk), talk(), 1, &[entry(1, 1), entry(3, 3)]);
    run.is(&[(Kind::Missing, 1), (Kind::Hole, 1)]);
    let mut run = Run::acknowledged();
    run.history.shown(run.desk, talk(), entry(2, 2));
    run.hold_all().is(&[(Kind::Hole, 1)]);
}

#[test]
fn a_watcher_that_missed_something_and_a_device_that_jumps_have_no_hole() {
    let mut run = Run::acknowledged();
    run.history.shown(run.desk, talk(), entry(1, 1));
    run.history.missed(run.desk);
    run.history.shown(run.desk, talk(), entry(3, 3));
    run.history.jumped(run.laptop, talk(), 2);
    run.history.shown(run.laptop, talk(), entry(2, 2));
    run.hold_all().is(&[]);
    // A conversation that the watcher met only after it had missed something.
    let mut run = Run::acknowledged();
    run.history.missed(run.desk);
    run.history.shown(run.desk, talk(), entry(2, 2));
    let mut run = run.hold_all();
    run.is(&[]);
    run.history.shown(run.laptop, talk(), entry(2, 2));
    run.is(&[(Kind::Hole, 1)]);
}

#[test]
fn where_all_promise_everything_nobody_jumps() {
    let mut run = Run::acknowledged();
    run.history.expect_whole();
    run.history.jumped(run.laptop, talk(), 2);
    run.history.shown(run.laptop, talk(), entry(2, 2));
    let mut run = run.hold_all();
    run.is(&[(Kind::Jumped, 1)]);
    run.history.transcript(Holder::Device(run.desk), talk(), 3, &[entry(3, 3)]);
    run.is(&[(Kind::Jumped, 2)]);
    assert_eq!(run.history.judge().jumps, 1);
}

#[test]
fn two_messages_in_one_place_are_an_order_that_differs() {
    Run::sending().hold(&[1, 2, 3], &[1, 2, 3], &[2, 1, 3]).is(&[(Kind::OrderDiffers, 2)]);
}

#[test]
fn a_devices_messages_keep_its_order() {
    Run::sending().hold(&[1, 3, 2], &[1, 3, 2], &[1, 3, 2]).is(&[(Kind::OwnOrder, 1)]);
}

#[test]
fn what_was_acknowledged_before_another_was_sent_comes_first() {
    let mut run = Run::acknowledged();
    let began = run.history.now();
    run.history.sent(run.desk, talk(), client_id(4), Digest::of(&4_u64), began);
    let late = Seen { sender: BOB, ..entry(1, 4) };
    let log = [late, entry(2, 1), entry(3, 2), entry(4, 3)];
    for holder in [Holder::Server, Holder::Device(run.laptop), Holder::Device(run.desk)] {
        run.history.transcript(holder, talk(), 1, &log);
    }
    run.is(&[(Kind::Overtaken, 1), (Kind::TwoPlaces, 3)]);
}

#[test]
fn other_texts_senders_and_messages_are_corrupted() {
    // For one device alone.
    let mut run = Run::acknowledged().hold(&[1, 2, 3], &[1, 2, 3], &[]);
    let mut log = entries(&[1, 2, 3]);
    log[1].digest = Digest::of("something else");
    run.history.transcript(Holder::Device(run.desk), talk(), 1, &log);
    run.is(&[(Kind::Corrupted, 1)]);
    // The same text at another time.
    let mut run = Run::acknowledged().hold(&[1, 2, 3], &[1, 2, 3], &[]);
    let mut later = entries(&[1, 2, 3]);
    later[1].stamp = Digest::of("another time");
    run.history.transcript(Holder::Device(run.desk), talk(), 1, &later);
    run.is(&[(Kind::Corrupted, 1)]);
    // For everybody.
    let mut run = Run::acknowledged();
    for holder in [Holder::Server, Holder::Device(run.laptop), Holder::Device(run.desk)] {
        run.history.transcript(holder, talk(), 1, &log);
    }
    run.is(&[(Kind::Corrupted, 1)]);
    // Nobody sent it.
    Run::acknowledged().hold(&[1, 2, 3, 9], &[1, 2, 3, 9], &[1, 2, 3, 9]).is(&[(Kind::Corrupted, 1)]);
}

#[test]
fn a_message_has_one_place() {
    let mut run = Run::acknowledged();
    run.history.acknowledged(run.laptop, talk(), client_id(2), 2);
    run.history.acknowledged(run.laptop, talk(), client_id(2), 5);
    run.hold_all().is(&[(Kind::TwoPlaces, 1)]);
}

#[test]
fn what_was_refused_is_not_there() {
    let mut run = Run::acknowledged();
    run.send(4);
    run.send(5);
    run.history.refused(run.laptop, talk(), client_id(4));
    run.history.refused(run.laptop, talk(), client_id(5));
    let log = [1, 2, 3, 4];
    run.hold(&log, &log, &log).is(&[(Kind::RefusedYetThere, 1)]);
}

#[test]
fn what_somebody_outside_sees_has_leaked() {
    let mut run = Run::acknowledged().hold_all();
    let eve = run.history.device(UserId::from_bits(3), "phone");
    run.is(&[]);
    run.history.shown(eve, talk(), entry(1, 1));
    run.is(&[(Kind::Leaked, 1)]);
}

#[test]
fn a_member_of_a_group_sees_their_spans() {
    let group = ConversationId::Group(GroupId::from_bits(7));
    let mut history = History::default();
    let (laptop, desk) = (history.device(ANN, "laptop"), history.device(BOB, "desk"));
    let span = |from, to: Option<u64>| Span { from: Seq::new(from), to: to.map(Seq::new) };
    history.membership(group, ANN, span(1, None));
    history.membership(group, BOB, span(2, Some(2)));
    for number in 1..=3 {
        let began = history.now();
        history.sent(laptop, group, client_id(number), Digest::of(&number), began);
        history.acknowledged(laptop, group, client_id(number), number);
    }
    history.transcript(Holder::Server, group, 1, &entries(&[1, 2, 3]));
    history.transcript(Holder::Device(laptop), group, 1, &entries(&[1, 2, 3]));
    history.transcript(Holder::Device(desk), group, 2, &[entry(2, 2)]);
    assert!(history.judge().holds(), "{}", history.judge());
    history.shown(desk, group, entry(1, 1));
    history.shown(desk, group, entry(2, 2));
    history.shown(desk, group, entry(3, 3));
    assert_eq!(history.judge().count(Kind::Leaked), 2);
}

#[test]
fn unread_counts_what_others_wrote_above_the_read_position() {
    let mut run = Run::acknowledged().hold_all();
    run.history.unread(run.desk, talk(), 1, 3, 2);
    run.history.unread(run.desk, talk(), 0, 2, 2);
    run.history.unread(run.laptop, talk(), 0, 3, 0);
    run.is(&[]);
    run.history.unread(run.desk, talk(), 1, 3, 3);
    run.history.unread(run.laptop, talk(), 0, 3, 3);
    run.is(&[(Kind::Unread, 2)]);
}

#[test]
fn all_devices_of_a_user_know_how_far_they_have_read() {
    let mut run = Run::acknowledged().hold_all();
    let phone = run.history.device(BOB, "phone");
    run.history.transcript(Holder::Device(phone), talk(), 1, &entries(&[1, 2, 3]));
    run.history.read(run.desk, talk(), 2);
    run.history.read(phone, talk(), 1);
    assert_eq!((run.history.read_up_to(phone, talk()), run.history.read_up_to(run.laptop, talk())), (2, 0));
    for (device, read_seq) in [(run.desk, 2), (phone, 2), (run.laptop, 0)] {
        run.history.position(device, talk(), read_seq);
    }
    run.is(&[]);
    run.history.position(phone, talk(), 1);
    run.history.position(run.desk, talk(), 3);
    run.history.position(run.laptop, talk(), 2);
    run.is(&[(Kind::ReadElsewhere, 3)]);
}

#[test]
fn details_are_bounded_and_numbers_are_not() {
    let mut run = Run::acknowledged();
    for _ in 0..=200 {
        run.history.shown(run.desk, talk(), entry(1, 1));
    }
    let run = run.hold_all();
    run.is(&[(Kind::Doubled, 200)]);
    let verdict = run.history.judge();
    assert_eq!(verdict.violations().len(), 50);
    let text = verdict.to_string();
    assert!(text.contains("200 doubled") && text.ends_with("and 150 more"), "{text}");
    assert!(text.contains(&format!("desk of {BOB}, seq 1, message {} of {ANN}", client_id(1))), "{text}");
}

/// What a device of the model does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    Append(usize),
    Acknowledge(usize),
    Show(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0..4_usize;
    prop_oneof![
        device.clone().prop_map(Step::Send),
        device.clone().prop_map(Step::Append),
        device.clone().prop_map(Step::Acknowledge),
        device.prop_map(Step::Show),
    ]
}

/// A system that keeps the promise, taking these steps; its log, and what it told.
fn play(steps: &[Step]) -> (History, [DeviceKey; 4], Vec<Seen>) {
    let mut history = History::default();
    let owners = [ANN, ANN, BOB, BOB];
    let devices = [0, 1, 2, 3].map(|index| history.device(owners[index], format!("device {index}")));
    let mut log: Vec<Seen> = Vec::new();
    let mut queued: [Vec<Seen>; 4] = Default::default();
    let mut unheard: [Vec<Seen>; 4] = Default::default();
    for (number, step) in (0_u64..).zip(steps) {
        match *step {
            Step::Send(of) => {
                let digest = Digest::of(&number);
                let began = history.now();
                history.sent(devices[of], talk(), client_id(number), digest, began);
                queued[of].push(Seen { sender: owners[of], ..entry(0, number) });
            }
            Step::Append(of) if !queued[of].is_empty() => {
                let seq = u64::try_from(log.len()).unwrap() + 1;
                let entry = Seen { seq, stamp: Digest::of(&seq), ..queued[of].remove(0) };
                log.push(entry);
                unheard[of].push(entry);
            }
            Step::Acknowledge(of) if !unheard[of].is_empty() => {
                let entry = unheard[of].remove(0);
                history.acknowledged(devices[of], talk(), entry.client_id, entry.seq);
            }
            Step::Show(of) => {
                let last = usize::try_from(history.last_shown(devices[of], talk())).unwrap();
                log.get(last).into_iter().for_each(|entry| history.shown(devices[of], talk(), *entry));
            }
            Step::Append(_) | Step::Acknowledge(_) => {}
        }
    }
    history.transcript(Holder::Server, talk(), 1, &log);
    for (device, owner) in devices.into_iter().zip(owners) {
        history.transcript(Holder::Device(device), talk(), 1, &log);
        let others = log.iter().skip(1).filter(|entry| entry.sender != owner).count();
        let last = u64::try_from(log.len()).unwrap();
        history.unread(device, talk(), 1, last, u64::try_from(others).unwrap());
    }
    (history, devices, log)
}

proptest! {
    #[test]
    fn whatever_a_correct_system_does_holds(steps in proptest::collection::vec(step(), 0..200)) {
        let (history, _, _) = play(&steps);
        let verdict = history.judge();
        prop_assert!(verdict.holds(), "{}", verdict);
    }

    /// Whatever one device has otherwise than the log is found.
    #[test]
    fn no_change_of_a_transcript_goes_unseen(
        steps in proptest::collection::vec(step(), 20..200),
        at: proptest::sample::Index,
        change in 0..4_u8,
    ) {
        let (mut history, devices, log) = play(&steps);
        prop_assume!(log.len() >= 2);
        let at = at.index(log.len() - 1);
        let mut changed = log.clone();
        match change {
            // What is above the last one that was acknowledged may be missing; one in between may not.
            0 => drop(changed.remove(at)),
            1 => {
                let seqs = (log[at].seq, log[at + 1].seq);
                changed.swap(at, at + 1);
                (changed[at].seq, changed[at + 1].seq) = seqs;
            }
            2 => changed[at].digest = Digest::of("something else"),
            _ => changed.insert(at, log[at]),
        }
        history.transcript(Holder::Device(devices[3]), talk(), 1, &changed);
        prop_assert!(!history.judge().holds());
    }
}
