//! Everybody comes at once.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tidings_client::groups::{Joined, NewGroup, SettingsEdit};
use tidings_client::{Body, Client, ConversationId, EntriesQuery, Entry, GroupId, News, UserId};
use tidings_domain::group::Joining;
use tidings_e2e::Cloud;
use tidings_stage::{Settings, Stage};

/// How many people join.
const CROWD: usize = 200;

/// How long it may take until all of them are members.
const WITHIN: Duration = Duration::from_mins(1);

/// The whole log, past everything that a device has.
async fn log(client: &Client, group: GroupId) -> Vec<Entry> {
    let query = EntriesQuery { after: Some(0), before: None, limit: Some(1_000) };
    let page = client.entries(ConversationId::Group(group), query).await.unwrap();
    assert!(!page.more);
    page.entries
}

/// Each entry of a log has one place, so they take turns; whoever is refused for a moment asks again (IDEM-1).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_people_join_one_group_at_once() {
    tidings_stage::raise_file_limit();
    let cloud = Cloud::start().await;
    let stage = Stage::new(&cloud.endpoints().api, Settings::default(), Arc::new(|_| ())).unwrap();
    let names: Vec<String> = (0..=CROWD).map(|_| "crowd".to_owned()).collect();
    let people = stage.people(&names, 1).await.unwrap();
    let devices: Vec<_> = people.iter().flat_map(|person| &person.devices).collect();
    stage.connect(&devices).await.unwrap();
    let founder = &devices[0].client;
    let open = SettingsEdit { joining: Some(Joining::Open.into()), ..SettingsEdit::default() };
    let new = NewGroup { name: "Everybody".parse().unwrap(), description: None, members: Vec::new(), settings: open };
    let group = founder.groups().create(new).await.unwrap();

    let began = Instant::now();
    let joining = devices[1..].iter().map(async |device| {
        let joined = device.client.groups().join(group, None).await;
        (joined, began.elapsed())
    });
    let joined = join_all(joining).await;
    let took = began.elapsed();
    let mut each: Vec<Duration> = joined.iter().map(|(_, took)| *took).collect();
    each.sort_unstable();
    println!("{CROWD} people joined in {took:.1?}; half of them within {:.1?}", each[CROWD / 2]);
    for (joined, after) in &joined {
        assert!(matches!(joined, Ok(Joined::Member)), "after {after:.1?}: {joined:?}");
    }
    assert!(took < WITHIN, "{took:?}");

    let everybody: BTreeSet<UserId> = people.iter().map(|person| person.user).collect();
    assert_eq!(founder.groups().info(group).await.unwrap().card.members, everybody.len() as u64);
    let members: Vec<UserId> =
        founder.groups().members(group).await.unwrap().members.iter().map(|member| member.user.0).collect();
    assert_eq!(members, Vec::from_iter(everybody), "each once");

    let log = log(founder, group).await;
    assert!(log.iter().map(|entry| entry.seq).eq(1..=log.len() as u64));
    let mut told: Vec<UserId> = log
        .iter()
        .filter_map(|entry| match &entry.body {
            Body::News(News::MemberJoined { user, .. }) => Some(user.0),
            _ => None,
        })
        .collect();
    told.sort_unstable();
    assert_eq!((log.len(), told.as_slice()), (1 + CROWD, &members_but(&members, devices[0].user)[..]));
    // Whoever came early has heard of the last.
    for device in [devices[0], devices[1], devices[CROWD]] {
        let shown = device.has_shown(ConversationId::Group(group), log.len() as u64, WITHIN).await;
        assert!(shown, "{}", device.user);
    }
    join_all(devices.iter().map(|device| device.go_offline())).await;
    cloud.stop().await;
}

fn members_but(members: &[UserId], founder: UserId) -> Vec<UserId> {
    members.iter().copied().filter(|member| *member != founder).collect()
}
