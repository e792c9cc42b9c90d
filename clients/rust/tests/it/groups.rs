//! Changes are done once, whatever happens to frames, answers and connections.

use std::time::Duration;

use tidings_client::groups::Joined;
use tidings_client::{CallError, Client, ClientId, ConversationId, ErrorCode, GroupId, Options, Store, Timing, Update};

use super::mock::{Fate, Mock, quick};
use super::{online, until, within};

const GROUP: GroupId = GroupId::from_bits(7);

async fn alice(mock: &Mock, options: Options) -> Client {
    let client = mock.device("alice", Store::memory().unwrap(), options).await;
    online(&client).await;
    client
}

/// The client ids of the changes that came, in order.
fn asked(mock: &Mock) -> Vec<ClientId> {
    let frames = mock.world().frames.clone();
    let changes = frames.into_iter().filter(|(_, frame)| frame["action"] == "group.join");
    changes.map(|(_, frame)| frame["client_id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_change_is_asked_for_until_it_is_answered_and_done_once() {
    let fates = [
        Fate::Refused(ErrorCode::Unavailable),
        Fate::Refused(ErrorCode::RateLimited),
        Fate::GatewayError { done: false },
        Fate::Cut { done: false },
        Fate::LostAnswer,
        Fate::GatewayError { done: true },
        Fate::Cut { done: true },
    ];
    let mock = Mock::start().await;
    let client = alice(&mock, quick(1)).await;
    mock.fates(fates);
    assert_eq!(within(client.groups().join(GROUP, None)).await.unwrap(), Joined::Member);
    let asked = asked(&mock);
    assert!(asked.len() > fates.len(), "{asked:?}");
    assert!(asked.windows(2).all(|pair| pair[0] == pair[1]), "under one name: {asked:?}");
    assert_eq!(mock.log(ConversationId::Group(GROUP)).len(), 1);
}

#[tokio::test]
async fn a_device_fetches_what_it_was_answered() {
    let mock = Mock::start().await;
    let client = alice(&mock, quick(1)).await;
    let mut updates = client.updates();
    within(client.groups().leave(GROUP)).await.unwrap();
    let entry = until(&mut updates, |update| match update {
        Update::Entry { conversation: ConversationId::Group(GROUP), entry } => Some(entry.clone()),
        _ => None,
    });
    assert_eq!(vec![entry.await], mock.log(ConversationId::Group(GROUP)));
}

#[tokio::test]
async fn a_change_that_does_not_come_about_says_why_in_the_end() {
    let mock = Mock::start().await;
    let options = quick(1);
    let timing = Timing { change_within: Duration::from_millis(300), ..options.timing };
    let client = alice(&mock, Options { timing, ..options }).await;
    mock.fates([Fate::Refused(ErrorCode::Unavailable); 1_000]);
    let given_up = within(client.groups().join(GROUP, None)).await;
    assert!(
        matches!(&given_up, Err(CallError::Refused(error)) if error.code == ErrorCode::Unavailable),
        "{given_up:?}"
    );
    assert!(asked(&mock).len() > 2);
}

#[tokio::test]
async fn a_rule_is_not_asked_twice() {
    let mock = Mock::start().await;
    let client = alice(&mock, quick(1)).await;
    mock.fates([Fate::Refused(ErrorCode::Forbidden)]);
    let refused = within(client.groups().join(GROUP, None)).await;
    assert!(matches!(&refused, Err(CallError::Refused(error)) if error.code == ErrorCode::Forbidden), "{refused:?}");
    assert_eq!(asked(&mock).len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_ahead_is_set_back_for_what_was_never_tried() {
    let hour = 60 * 60 * 1_000;
    let mock = Mock::start().await;
    let client = alice(&mock, quick(1)).await;
    mock.world().behind_ms = hour;
    within(client.groups().join(GROUP, None)).await.unwrap();
    let ids = asked(&mock);
    let [first, second] = ids[..] else { panic!("two tries: {ids:?}") };
    let back = first.time().as_millis() - second.time().as_millis();
    assert!((hour - 60_000..=hour).contains(&back), "{back}");

    // An earlier try may have been done under its name.
    mock.fates([Fate::Refused(ErrorCode::Unavailable)]);
    let groups = client.groups();
    let joining = groups.join(GROUP, None);
    let refusing = async {
        while asked(&mock).len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        mock.world().behind_ms = hour;
    };
    let (joined, ()) = within(async { tokio::join!(joining, refusing) }).await;
    assert!(matches!(&joined, Err(CallError::Refused(error)) if error.code == ErrorCode::BadRequest), "{joined:?}");
    let ids = asked(&mock);
    assert_eq!(ids[2..].len(), 2);
    assert_eq!(ids[2], ids[3]);
}
