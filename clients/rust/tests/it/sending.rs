//! Messages arrive once and in order, whatever happens to frames, answers, connections and processes.

use proptest::prelude::*;
use tidings_client::actions::MessageSend;
use tidings_client::{
    Body, Client, ClientId, ConversationId, ErrorCode, MessageState, NotSent, Options, Store, Update, UserId,
};

use super::mock::{Fate, Mock, quick};
use super::{eventually, until, within};

fn chat() -> ConversationId {
    ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2))
}

/// Alice's device and the server; she is user 1.
async fn alice(mock: &Mock, store: Store, options: Options) -> Client {
    mock.world().user("alice");
    mock.world().user("bob1");
    mock.device("alice", store, options).await
}

fn texts(mock: &Mock) -> Vec<String> {
    mock.log(chat())
        .iter()
        .map(|entry| match &entry.body {
            Body::Text { text } => text.clone(),
            _ => panic!(),
        })
        .collect()
}

fn attempts(mock: &Mock) -> Vec<(Option<u64>, Vec<ClientId>)> {
    let frames = mock.world().frames.clone();
    frames
        .into_iter()
        .filter(|(_, frame)| frame["action"] == "message.send")
        .map(|(_, frame)| {
            let request: MessageSend = serde_json::from_value(frame).unwrap();
            let after = request.after;
            (after, request.into_drafts().unwrap().0.into_iter().map(|draft| draft.client_id.0).collect())
        })
        .collect()
}

#[tokio::test]
async fn a_message_is_acknowledged_and_is_an_entry_here() {
    let mock = Mock::start().await;
    let client = alice(&mock, Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    let handle = client.send(chat(), Body::text("hi")).await.unwrap();
    let id = handle.client_id();
    let sent = within(handle.acknowledged()).await.unwrap();
    assert_eq!((sent.seq, sent.duplicate), (1, false));
    let mut states = Vec::new();
    let entry = until(&mut updates, |update| match update {
        Update::Message { client_id, state, .. } if *client_id == id => {
            states.push(state.clone());
            None
        }
        Update::Entry { entry, .. } => Some(entry.clone()),
        _ => None,
    })
    .await;
    assert_eq!(states, [MessageState::Queued, MessageState::Sent, MessageState::Acknowledged(sent)]);
    assert_eq!(vec![entry], mock.log(chat()), "made from the acknowledgement, and the same as the server's");
    assert!(client.outbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_queues_up_goes_into_the_next_frame() {
    let mock = Mock::start().await;
    let client = alice(&mock, Store::memory().unwrap(), quick(2)).await;
    mock.fates([Fate::LostAnswer]);
    let mut handles = Vec::new();
    for number in 0..30 {
        handles.push(client.send(chat(), Body::text(format!("{number}"))).await.unwrap());
    }
    let ids: Vec<ClientId> = handles.iter().map(tidings_client::SendHandle::client_id).collect();
    for handle in handles {
        within(handle.acknowledged()).await.unwrap();
    }
    assert_eq!(texts(&mock), (0..30).map(|number| number.to_string()).collect::<Vec<_>>());
    let attempts = attempts(&mock);
    assert_eq!(attempts[0], attempts[1], "exactly the same again while it is not answered");
    let cut: Vec<ClientId> = attempts[1..].iter().flat_map(|(_, ids)| ids.clone()).collect();
    assert_eq!(cut, ids);
    assert!(attempts.len() <= 5, "{} frames", attempts.len());
}

#[tokio::test]
async fn a_crash_between_frame_and_answer_neither_loses_nor_doubles() {
    let mock = Mock::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    for round in 0..6 {
        let client = alice(&mock, Store::open(&path).unwrap(), quick(round)).await;
        // Done on the server or not; the answer never comes, and the process ends.
        mock.fates([if round % 2 == 0 { Fate::LostAnswer } else { Fate::Refused(ErrorCode::Unavailable) }; 1]);
        let frames = attempts(&mock).len();
        client.send(chat(), Body::text(format!("{round} a"))).await.unwrap();
        eventually("a frame is written", async || attempts(&mock).len() > frames).await;
        client.send(chat(), Body::text(format!("{round} b"))).await.unwrap();
        client.close().await;
    }
    let client = alice(&mock, Store::open(&path).unwrap(), quick(99)).await;
    within(client.idle()).await.unwrap();
    let want: Vec<String> = (0..6).flat_map(|round| [format!("{round} a"), format!("{round} b")]).collect();
    assert_eq!(texts(&mock), want);
}

#[tokio::test]
async fn an_unanswered_attempt_is_the_same_after_a_crash() {
    let mock = Mock::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    let client = alice(&mock, Store::open(&path).unwrap(), quick(1)).await;
    mock.fates([Fate::LostAnswer]);
    let mut ids = vec![client.send(chat(), Body::text("one")).await.unwrap().client_id()];
    eventually("a frame is written", async || !attempts(&mock).is_empty()).await;
    for text in ["two", "three"] {
        ids.push(client.send(chat(), Body::text(text)).await.unwrap().client_id());
    }
    client.close().await;
    let client = alice(&mock, Store::open(&path).unwrap(), quick(2)).await;
    within(client.idle()).await.unwrap();
    let cut: Vec<Vec<ClientId>> = attempts(&mock).into_iter().map(|(_, ids)| ids).collect();
    assert_eq!(cut, [ids[..1].to_vec(), ids[..1].to_vec(), ids[1..].to_vec()]);
    assert_eq!(texts(&mock), ["one", "two", "three"]);
}

#[tokio::test]
async fn behind_searches_and_raises_after() {
    let mock = Mock::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    let bob = UserId::from_bits(2);
    let client = alice(&mock, Store::open(&path).unwrap(), quick(1)).await;
    let body = |text: &str| Body::text(text);
    let first = client.send(chat(), body("first")).await.unwrap();
    within(first.acknowledged()).await.unwrap();
    // One message gets into the log, its answer is lost, and the device goes away; two more wait behind it.
    mock.fates([Fate::LostAnswer]);
    client.send(chat(), body("lost")).await.unwrap();
    eventually("it is in the log", async || texts(&mock).len() == 2).await;
    client.disconnect().await;
    client.send(chat(), body("waiting")).await.unwrap();
    client.close().await;
    for number in 0..40_u32 {
        mock.world().append(chat(), bob, "x", ClientId::from_bits(u128::from(number)), body("meanwhile"), Some(0));
    }
    mock.world().search_max = 10;
    let client = alice(&mock, Store::open(&path).unwrap(), quick(2)).await;
    within(client.idle()).await.unwrap();
    let texts = texts(&mock);
    assert_eq!(texts.len(), 43);
    assert_eq!((&texts[1][..], &texts[42][..]), ("lost", "waiting"));
    let attempts = attempts(&mock);
    assert_eq!(attempts.last().unwrap().0, Some(42), "raised past what was searched");
}

#[tokio::test]
async fn a_refused_message_fails_and_the_others_go_on() {
    let mock = Mock::start().await;
    let client = alice(&mock, Store::memory().unwrap(), quick(1)).await;
    client.disconnect().await;
    let mut handles = Vec::new();
    for text in ["one", "two", "three"] {
        handles.push(client.send(chat(), Body::text(text)).await.unwrap());
    }
    // As a batch refused as a whole; then one by one.
    mock.fates([Fate::Refused(ErrorCode::BadRequest), Fate::Fine, Fate::Refused(ErrorCode::Conflict)]);
    client.connect().await;
    let mut results = Vec::new();
    for handle in handles {
        results.push(within(handle.acknowledged()).await.map(|sent| sent.seq));
    }
    assert!(matches!(&results[..], [Ok(1), Err(NotSent::Refused(error)), Ok(2)] if error.code == ErrorCode::Conflict));
    assert_eq!(texts(&mock), ["one", "three"]);
    let outbox = client.outbox().await.unwrap();
    assert_eq!(outbox.len(), 1);
    assert_eq!(outbox[0].body, Body::text("two"));
}

#[tokio::test]
async fn closing_keeps_what_is_not_acknowledged() {
    let mock = Mock::start().await;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    let handle = client.send(chat(), Body::text("hi")).await.unwrap();
    client.close().await;
    assert!(matches!(handle.acknowledged().await, Err(NotSent::Closed)));
    assert!(client.send(chat(), Body::text("hi")).await.is_err());
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Fine),
        2 => Just(Fate::LostAnswer),
        2 => any::<bool>().prop_map(|done| Fate::GatewayError { done }),
        2 => any::<bool>().prop_map(|done| Fate::Cut { done }),
        2 => (0..20_usize).prop_map(|done| Fate::Stopped(done, ErrorCode::Unavailable)),
        1 => Just(Fate::Refused(ErrorCode::RateLimited)),
        1 => Just(Fate::Refused(ErrorCode::Internal)),
        1 => Just(Fate::Refused(ErrorCode::BadRequest)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_faults_end_in_the_log_once_and_in_order(
        fates in prop::collection::vec(fate(), 0..25),
        bursts in prop::collection::vec(0..12_usize, 1..8),
        crash in prop::option::of(0..8_usize),
        seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mock = Mock::start().await;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("alice.db");
            let mut client = alice(&mock, Store::open(&path).unwrap(), quick(seed)).await;
            // A refusal for good would take a message out; only whole batches are refused here.
            let fates: Vec<Fate> = fates;
            mock.world().fates = fates.into_iter().collect();
            mock.world().singles_pass = true;
            let mut want = Vec::new();
            for (round, burst) in bursts.iter().enumerate() {
                for number in 0..*burst {
                    let text = format!("{round} {number}");
                    client.send(chat(), Body::text(text.clone())).await.unwrap();
                    want.push(text);
                }
                if crash == Some(round) {
                    client.close().await;
                    client = alice(&mock, Store::open(&path).unwrap(), quick(seed + 1)).await;
                }
                tokio::time::sleep(std::time::Duration::from_millis(4)).await;
            }
            within(client.idle()).await.unwrap();
            assert_eq!(texts(&mock), want);
            eventually("the client has it too", async || {
                client.conversation(chat()).await.unwrap().map_or(0, |view| view.last) == want.len() as u64
            }).await;
            let page = client.messages(chat(), tidings_client::Page::After(0), 1_000).await.unwrap();
            assert_eq!(page.entries, mock.log(chat()));
        });
    }
}
