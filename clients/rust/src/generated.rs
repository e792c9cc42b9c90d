//! One method per action that asks and changes nothing. Generated from the protocol's table of actions by
//! `cargo xtask generate`: do not edit.

use tidings_protocol::actions::{
    ContactBlocked, ContactBlockedReply, ContactList, ContactListReply, ConversationRead, ConversationReadReply,
    DeviceList, DeviceListReply, GroupInfo, GroupInfoReply, GroupList, GroupListReply, GroupMember, GroupMemberReply,
    GroupMembers, GroupMembersReply, GroupRequests, GroupRequestsReply, History, HistoryReply, PresenceQuery,
    PresenceQueryReply, PresenceWatch, PresenceWatchReply, Sync, SyncReply, UserGet, UserGetReply, UserSearch,
    UserSearchReply,
};

use crate::{CallError, Client};

impl Client {
    /// `sync`: What a device needs after it was away.
    pub async fn sync(&self, request: Sync) -> Result<SyncReply, CallError> {
        self.call(request).await
    }

    /// `history`: A page of a conversation's log, ascending.
    pub async fn history(&self, request: History) -> Result<HistoryReply, CallError> {
        self.call(request).await
    }

    /// `conversation.read`: Moves one's own read position forward.
    pub async fn conversation_read(&self, request: ConversationRead) -> Result<ConversationReadReply, CallError> {
        self.call(request).await
    }

    /// `group.info`: A group, as I may see it.
    pub async fn group_info(&self, request: GroupInfo) -> Result<GroupInfoReply, CallError> {
        self.call(request).await
    }

    /// `group.requests`: Who would like to be a member, and the links.
    pub async fn group_requests(&self, request: GroupRequests) -> Result<GroupRequestsReply, CallError> {
        self.call(request).await
    }

    /// `group.member`: One member.
    pub async fn group_member(&self, request: GroupMember) -> Result<GroupMemberReply, CallError> {
        self.call(request).await
    }

    /// `group.members`: A page of members.
    pub async fn group_members(&self, request: GroupMembers) -> Result<GroupMembersReply, CallError> {
        self.call(request).await
    }

    /// `group.list`: The groups that I am in.
    pub async fn group_list(&self, request: GroupList) -> Result<GroupListReply, CallError> {
        self.call(request).await
    }

    /// `contact.list`: Whom I have, or what changed of it since.
    pub async fn contact_list(&self, request: ContactList) -> Result<ContactListReply, CallError> {
        self.call(request).await
    }

    /// `contact.blocked`: Of whom I want nothing.
    pub async fn contact_blocked(&self, request: ContactBlocked) -> Result<ContactBlockedReply, CallError> {
        self.call(request).await
    }

    /// `user.get`: A person's public card, by id or user name; of oneself everything.
    pub async fn user_get(&self, request: UserGet) -> Result<UserGetReply, CallError> {
        self.call(request).await
    }

    /// `device.list`: My devices, with when they were last seen.
    pub async fn device_list(&self, request: DeviceList) -> Result<DeviceListReply, CallError> {
        self.call(request).await
    }

    /// `presence.query`: Who is online, and when the others last were.
    pub async fn presence_query(&self, request: PresenceQuery) -> Result<PresenceQueryReply, CallError> {
        self.call(request).await
    }

    /// `presence.watch`: Be told for a while when people come and go.
    pub async fn presence_watch(&self, request: PresenceWatch) -> Result<PresenceWatchReply, CallError> {
        self.call(request).await
    }

    /// `user.search`: People's public cards, by how their user names begin.
    pub async fn user_search(&self, request: UserSearch) -> Result<UserSearchReply, CallError> {
        self.call(request).await
    }
}
