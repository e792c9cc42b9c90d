//! Any sequence of changes, by anybody.

use proptest::prelude::*;
use tidings_domain::change::Refusal;
use tidings_domain::group::change::{Change, Edit};
use tidings_domain::group::{History, Joining, Link, LinkCode, Settings};
use tidings_domain::ids::ClientId;
use tidings_domain::limits::ASKING_TTL_MS;
use tidings_domain::time::Timestamp;

use tidings_application::clock::Clock;

use super::world::{World, user};

fn joinings() -> impl Strategy<Value = Joining> {
    prop_oneof![Just(Joining::Open), Just(Joining::Approval), Just(Joining::Invitation)]
}

fn histories() -> impl Strategy<Value = History> {
    prop_oneof![Just(History::FromJoin), Just(History::All)]
}

prop_compose! {
    fn settings()(joining in joinings(), history in histories(), leavers_keep: bool, findable: bool) -> Settings {
        Settings { joining, history, leavers_keep, findable, ..Settings::default() }
    }
}

/// The two links that there may be.
fn code(which: bool) -> LinkCode {
    LinkCode::from_bits(which.into())
}

/// A change; links are filled in with the time.
fn changes() -> impl Strategy<Value = Change> {
    let anybody = || (1..=5_u128).prop_map(user);
    let joined = |link: Option<bool>| Change::Join { link: link.map(code), greeting: None };
    let name = |named: bool| named.then(|| "Chief".parse().unwrap());
    let link = |(which, uses_left)| {
        let (by, client_id, expires_at) = (user(1), ClientId::from_bits(0), Timestamp::EPOCH);
        Change::MakeLink(Link { code: code(which), by, client_id, expires_at, uses_left })
    };
    let edit = |(joining, history, leavers_keep)| {
        let edit = Edit { joining, history, leavers_keep, ..Edit::default() };
        Change::Update { version: None, edit }
    };
    let edits = (prop::option::of(joinings()), prop::option::of(histories()), prop::option::of(any::<bool>()));
    let muting = |(user, until): (_, Option<u64>)| Change::Mute {
        user,
        until: until.map(|days| Timestamp::from_millis(1_764_000_000_000 + days * 86_400_000)),
    };
    prop_oneof![
        6 => prop::option::of(any::<bool>()).prop_map(joined),
        3 => anybody().prop_map(|user| Change::Invite { user, greeting: None }),
        3 => (anybody(), any::<bool>()).prop_map(|(user, accept)| Change::Answer { user, accept }),
        2 => Just(Change::Leave),
        3 => anybody().prop_map(|user| Change::Kick { user }),
        3 => (anybody(), any::<bool>()).prop_map(|(user, admin)| Change::Role { user, admin }),
        2 => anybody().prop_map(|user| Change::Transfer { user }),
        2 => (anybody(), prop::option::of(0..90_u64)).prop_map(muting),
        1 => any::<bool>().prop_map(|muted| Change::MuteAll { muted }),
        1 => any::<bool>().prop_map(move |named| Change::Nickname { nickname: name(named) }),
        1 => any::<bool>().prop_map(move |named| Change::Remark { remark: name(named) }),
        2 => (any::<bool>(), prop::option::of(1..3_u32)).prop_map(link),
        1 => any::<bool>().prop_map(|which| Change::RevokeLink(code(which))),
        2 => edits.prop_map(edit),
        1 => prop::option::of(Just("Friday")).prop_map(|text| Change::Announce { text: text.map(|it| it.parse().unwrap()) }),
    ]
}

/// Who asks for what, after how long; the last one may end it.
fn steps() -> impl Strategy<Value = Vec<(u128, Change, u64)>> {
    let pause = prop_oneof![9 => 0..1_000_u64, 1 => Just(ASKING_TTL_MS / 2)];
    let over = prop::option::of((1..=5_u128, Just(Change::Dissolve), Just(1)));
    let steps = prop::collection::vec((1..=5_u128, changes(), pause), 1..40);
    (steps, over).prop_map(|(mut steps, over)| {
        // What is asked of a group that is over is refused: a few are enough.
        let at = steps.len().saturating_sub(5);
        if let Some(over) = over {
            steps.insert(at, over);
        }
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is asked: the records say what the log tells, everybody concerned is told, and the same again changes
    /// nothing (IDEM-1).
    #[test]
    fn records_and_log_say_the_same_after_any_sequence(settings in settings(), steps in steps()) {
        let world = World::founded(settings, &[2, 3]);
        for (actor, change, pause) in steps {
            world.clock.advance(pause);
            let change = match change {
                Change::MakeLink(link) => {
                    let expires_at = world.clock.now().plus_millis(ASKING_TTL_MS);
                    Change::MakeLink(Link { by: user(actor), expires_at, ..link })
                }
                change => change,
            };
            let request = world.request(actor, change);
            let before = world.stored();
            let answer = world.run(&request);
            let after = world.stored();
            let is_told = before != after;
            prop_assert!(answer.is_ok() || !is_told, "refused, and changed all the same: {request:?}");
            world.check();

            let again = world.run(&request);
            prop_assert_eq!(world.stored(), after, "the same again changes nothing: {:?}", &request);
            if is_told {
                let (first, again) = (answer.unwrap(), again.unwrap());
                prop_assert_eq!((first.seq, first.conversation), (again.seq, again.conversation));
                prop_assert_eq!((first.duplicate, again.duplicate), (false, true));
                let other = tidings_domain::group::change::Request {
                    fingerprint: tidings_domain::log::BodyHash::new([9; 32]),
                    ..request
                };
                prop_assert_eq!(world.run(&other), Err(Refusal::Conflict));
            } else {
                prop_assert_eq!(again, answer);
            }
        }
    }
}
