//! Groups in memory, over the log and the inboxes that their changes write as well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidings_application::error::PortError;
use tidings_application::ports::{AskingRead, GroupCommit, GroupRead, LinkRead, MemberRead, RecordRead};
use tidings_domain::group::change::{State, Wanted, Write};
use tidings_domain::group::{Asking, Group, Link, LinkCode, Member};
use tidings_domain::ids::{ConversationId, GroupId, UserId};
use tidings_domain::log::Entry;

use super::stores::{FakeInboxes, FakeLog, lock};

#[derive(Debug, Default)]
struct Rows {
    groups: BTreeMap<GroupId, Group>,
    members: BTreeMap<(GroupId, UserId), Member>,
    asking: BTreeMap<(GroupId, UserId), Asking>,
    links: BTreeMap<(GroupId, LinkCode), Link>,
}

/// Groups in memory. Each call is atomic, over all three.
#[derive(Clone, Debug, Default)]
pub struct FakeGroups {
    /// The logs that changes tell.
    pub log: FakeLog,
    /// The inboxes that they open.
    pub inboxes: FakeInboxes,
    rows: Arc<Mutex<Rows>>,
}

impl GroupRead for FakeGroups {
    async fn state(&self, group: GroupId, wanted: &Wanted) -> Result<State, PortError> {
        let (inboxes, rows) = (lock(&self.inboxes.0), lock(&self.rows));
        let member = |user: &UserId| Some((*user, rows.members.get(&(group, *user))?.clone()));
        let spans = |user: &UserId| Some((*user, inboxes.entry(*user, ConversationId::Group(group))?.spans.clone()));
        Ok(State {
            group: rows.groups.get(&group).cloned(),
            members: wanted.members.iter().filter_map(member).collect(),
            spans: wanted.spans.iter().filter_map(spans).collect(),
            asking: wanted.asking.and_then(|user| rows.asking.get(&(group, user)).cloned()),
            link: wanted.link.as_ref().and_then(|code| rows.links.get(&(group, code.clone())).cloned()),
            people: BTreeMap::new(),
        })
    }
}

impl RecordRead for FakeGroups {
    async fn groups(&self, groups: &[GroupId]) -> Result<Vec<Option<Group>>, PortError> {
        let rows = lock(&self.rows);
        Ok(groups.iter().map(|group| rows.groups.get(group).cloned()).collect())
    }
}

impl MemberRead for FakeGroups {
    async fn members(&self, group: GroupId, _: u32) -> Result<Vec<Member>, PortError> {
        let rows = lock(&self.rows);
        Ok(rows.members.iter().filter(|((of, _), _)| *of == group).map(|(_, member)| member.clone()).collect())
    }
}

impl AskingRead for FakeGroups {
    async fn asking(&self, group: GroupId) -> Result<Vec<Asking>, PortError> {
        let rows = lock(&self.rows);
        Ok(rows.asking.iter().filter(|((of, _), _)| *of == group).map(|(_, asking)| asking.clone()).collect())
    }
}

impl LinkRead for FakeGroups {
    async fn links(&self, group: GroupId) -> Result<Vec<Link>, PortError> {
        let rows = lock(&self.rows);
        Ok(rows.links.iter().filter(|((of, _), _)| *of == group).map(|(_, link)| link.clone()).collect())
    }
}

impl GroupCommit for FakeGroups {
    async fn commit(
        &self,
        group: GroupId,
        entries: &[(ConversationId, Entry)],
        writes: &[Write],
    ) -> Result<bool, PortError> {
        let (mut log, mut inboxes, mut rows) = (lock(&self.log.0), lock(&self.inboxes.0), lock(&self.rows));
        if entries.iter().any(|(conversation, entry)| log.entry(*conversation, entry.seq).is_some()) {
            return Ok(false);
        }
        for (conversation, entry) in entries {
            log.put(*conversation, entry);
        }
        let conversation = ConversationId::Group(group);
        for write in writes.iter().cloned() {
            match write {
                Write::Group(group) => drop(rows.groups.insert(group.id, group)),
                Write::Member(member) => drop(rows.members.insert((group, member.user), member)),
                Write::NoMember(user) => drop(rows.members.remove(&(group, user))),
                Write::Joined { user, spans, read } => inboxes.join(user, conversation, spans, read),
                Write::Left { user, spans, head } => inboxes.leave(user, conversation, spans, head),
                Write::Asking(asking) => drop(rows.asking.insert((group, asking.user), asking)),
                Write::NoAsking(user) => drop(rows.asking.remove(&(group, user))),
                Write::Link(link) => drop(rows.links.insert((group, link.code.clone()), link)),
                Write::NoLink(code) => drop(rows.links.remove(&(group, code))),
                Write::Remark { user, remark } => inboxes.remark(user, conversation, remark),
                Write::Notices(user) => inboxes.open(user, ConversationId::Notices(user)),
            }
        }
        Ok(true)
    }
}
