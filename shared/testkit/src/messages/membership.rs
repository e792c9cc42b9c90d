//! What groups' tables must keep, whether in memory or in DynamoDB.

use tidings_application::ports::{
    AskingRead, GroupCommit, GroupRead, InboxRead, LinkRead, LogRead, MemberRead, Range, RecordRead,
};
use tidings_domain::group::change::{Wanted, Write};
use tidings_domain::group::{Announced, Asking, Group, Link, LinkCode, Member, Role, Settings};
use tidings_domain::ids::{ClientId, ConversationId, GroupId, UserId};
use tidings_domain::inbox::{HeadState, ReadPosition};
use tidings_domain::log::{Body, BodyHash, Entry, Head, Seq, Telling};
use tidings_domain::membership::Spans;
use tidings_domain::time::Timestamp;

fn seq(number: u64) -> Seq {
    Seq::new(number)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000 + millis)
}

fn told(conversation: ConversationId, actor: UserId, head: Option<&Entry>, joins: i64) -> Entry {
    let body = Body { json: r#"{"type":"link_revoked"}"#.to_owned(), hash: BodyHash::new([1; 32]) };
    Telling { client_id: ClientId::from_bits(5), body, joins }.follow(head, conversation, actor, at(1))
}

/// Changes are all or nothing, and what they wrote reads back.
///
/// # Panics
///
/// Where the tables break it.
#[expect(clippy::unwrap_used, reason = "a port that fails breaks the contract")]
pub async fn groups_keep_their_contract<T>(groups: &T, log: &impl LogRead, inboxes: &impl InboxRead, group: GroupId)
where
    T: GroupRead + RecordRead + MemberRead + AskingRead + LinkRead + GroupCommit,
{
    let conversation = ConversationId::Group(group);
    let [founder, guest] = [1, 2].map(|bits| UserId::from_bits(group.bits() ^ bits));
    let record = Group {
        id: group,
        name: "Book club".parse().unwrap(),
        description: "What we\nread".parse().unwrap(),
        owner: founder,
        settings: Settings { findable: true, ..Settings::default() },
        muted: false,
        announced: Some(Announced { text: "Friday".parse().unwrap(), by: founder, at: at(3) }),
        buckets: tidings_domain::limits::GROUP_BUCKETS,
        version: seq(1),
        created_at: at(2),
        dissolved: false,
    };
    let mut member = Member::new(founder, Role::Owner, seq(1), at(4));
    member.nickname = Some("Chief".parse().unwrap());
    member.muted_until = Some(at(9));
    let greeting = Some("Come!".parse().unwrap());
    let asking = Asking { user: guest, invited_by: Some(founder), greeting, at: at(5), unheard: true };
    let link = Link {
        code: LinkCode::from_bits(77),
        by: founder,
        client_id: ClientId::from_bits(6),
        expires_at: at(6),
        uses_left: Some(3),
    };
    let spans = Spans::default().joined(seq(1));
    let first = told(conversation, founder, None, 1);
    let read = ReadPosition { seq: first.seq, counts: first.counts };
    let notice = told(ConversationId::Notices(guest), founder, None, 0);
    let entries = [(conversation, first.clone()), (ConversationId::Notices(guest), notice)];
    let writes = [
        Write::Group(record.clone()),
        Write::Member(member.clone()),
        Write::Joined { user: founder, spans: spans.clone(), read },
        Write::Asking(asking.clone()),
        Write::Link(link.clone()),
        Write::Notices(guest),
    ];
    assert!(groups.commit(group, &entries, &writes).await.unwrap());
    let remark = told(ConversationId::Notices(founder), founder, None, 0);
    let writes = [Write::Remark { user: founder, remark: member.nickname.clone() }, Write::Notices(founder)];
    assert!(groups.commit(group, &[(ConversationId::Notices(founder), remark)], &writes).await.unwrap());

    let wanted = Wanted {
        members: vec![founder, guest],
        spans: vec![founder, guest],
        asking: Some(guest),
        link: Some(link.code.clone()),
    };
    let state = groups.state(group, &wanted).await.unwrap();
    assert_eq!(state.group.as_ref(), Some(&record));
    assert_eq!(state.members.values().collect::<Vec<_>>(), [&member]);
    assert_eq!(state.spans.get(&founder), Some(&spans));
    assert_eq!((state.asking.as_ref(), state.link.as_ref()), (Some(&asking), Some(&link)));
    let other = GroupId::from_bits(group.bits() ^ 8);
    assert_eq!(groups.groups(&[other, group]).await.unwrap(), [None, Some(record.clone())]);
    assert_eq!(groups.members(group, record.buckets).await.unwrap(), [member.clone()]);
    assert_eq!(groups.asking(group).await.unwrap(), [asking]);
    assert_eq!(groups.links(group).await.unwrap(), std::slice::from_ref(&link));
    let inbox = inboxes.entry(founder, conversation).await.unwrap().unwrap();
    assert_eq!((inbox.state, &inbox.spans, inbox.read), (HeadState::Open, &spans, read));
    assert_eq!(inbox.remark, member.nickname);
    let notices = inboxes.entry(guest, ConversationId::Notices(guest)).await.unwrap();
    assert_eq!(notices.map(|entry| entry.state), Some(HeadState::Open));

    // One place that is taken, and nothing of it happens.
    let second = told(conversation, founder, Some(&first), 1);
    let late = [
        (conversation, second.clone()),
        (ConversationId::Notices(guest), told(ConversationId::Notices(guest), guest, None, 0)),
    ];
    let writes = [Write::NoMember(founder), Write::NoAsking(guest), Write::NoLink(link.code.clone())];
    assert!(!groups.commit(group, &late, &writes).await.unwrap());
    assert_eq!(log.page(conversation, Range::Newest, 9).await.unwrap().entries.len(), 1);
    assert_eq!(groups.state(group, &wanted).await.unwrap(), state);

    let spans = spans.left(second.seq);
    let head = Head { seq: second.seq, ..second.head() };
    let gone = Write::Left { user: founder, spans: spans.clone(), head };
    let writes = [writes.to_vec(), vec![gone]].concat();
    assert!(groups.commit(group, &[(conversation, second)], &writes).await.unwrap());
    let state = groups.state(group, &wanted).await.unwrap();
    assert!(state.members.is_empty() && state.asking.is_none() && state.link.is_none());
    assert_eq!(groups.members(group, record.buckets).await.unwrap(), []);
    let inbox = inboxes.entry(founder, conversation).await.unwrap().unwrap();
    assert_eq!((inbox.state, &inbox.spans, inbox.head), (HeadState::Settled, &spans, head));
}
