//! One method per action. Generated from the protocol's table of actions by `cargo xtask generate`: do not
//! edit.

use tidings_protocol::actions::{
    ContactAnswer, ContactBlock, ContactBlocked, ContactBlockedReply, ContactChanged, ContactList, ContactListReply,
    ContactRemark, ContactRemove, ContactRequest, ContactUnblock, ConversationRead, ConversationReadReply, DeviceList,
    DeviceListReply, DeviceSignOut, DeviceSignOutReply, GroupAnnounce, GroupAnswer, GroupChanged, GroupCreate,
    GroupCreateReply, GroupDissolve, GroupInfo, GroupInfoReply, GroupInvite, GroupJoin, GroupKick, GroupLeave,
    GroupLink, GroupLinkReply, GroupList, GroupListReply, GroupMember, GroupMemberReply, GroupMembers,
    GroupMembersReply, GroupMute, GroupNickname, GroupRemark, GroupRequests, GroupRequestsReply, GroupRole,
    GroupTransfer, GroupUpdate, History, HistoryReply, MessageSend, MessageSendReply, PresenceQuery,
    PresenceQueryReply, PresenceWatch, PresenceWatchReply, Sync, SyncReply, UserGet, UserGetReply, UserSearch,
    UserSearchReply, UserUpdate, UserUpdateReply,
};

use crate::{CallError, Client};

impl Client {
    /// `message.send`: Appends one message or a batch.
    ///
    /// For the outbox alone: a message that exists only in a frame is lost with it.
    pub(crate) async fn message_send(&self, request: MessageSend) -> Result<MessageSendReply, CallError> {
        self.call(request).await
    }

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

    /// `group.create`: Founds a group.
    pub async fn group_create(&self, request: GroupCreate) -> Result<GroupCreateReply, CallError> {
        self.call(request).await
    }

    /// `group.info`: A group, as I may see it.
    pub async fn group_info(&self, request: GroupInfo) -> Result<GroupInfoReply, CallError> {
        self.call(request).await
    }

    /// `group.update`: Changes what a group is called and how it is run.
    pub async fn group_update(&self, request: GroupUpdate) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.join`: Becomes a member, or asks to.
    pub async fn group_join(&self, request: GroupJoin) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.requests`: Who would like to be a member, and the links.
    pub async fn group_requests(&self, request: GroupRequests) -> Result<GroupRequestsReply, CallError> {
        self.call(request).await
    }

    /// `group.answer`: Lets somebody in, or not.
    pub async fn group_answer(&self, request: GroupAnswer) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.invite`: Invites somebody.
    pub async fn group_invite(&self, request: GroupInvite) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.leave`: Leaves a group.
    pub async fn group_leave(&self, request: GroupLeave) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.kick`: Removes a member.
    pub async fn group_kick(&self, request: GroupKick) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.role`: Makes an admin, or a member again.
    pub async fn group_role(&self, request: GroupRole) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.transfer`: Hands a group over.
    pub async fn group_transfer(&self, request: GroupTransfer) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.mute`: Mutes a member, or everybody.
    pub async fn group_mute(&self, request: GroupMute) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.announce`: Announces something.
    pub async fn group_announce(&self, request: GroupAnnounce) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.nickname`: What I am called in a group.
    pub async fn group_nickname(&self, request: GroupNickname) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.remark`: What I call a group.
    pub async fn group_remark(&self, request: GroupRemark) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.link`: Makes a link that lets people in, or takes it back.
    pub async fn group_link(&self, request: GroupLink) -> Result<GroupLinkReply, CallError> {
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

    /// `group.dissolve`: Ends a group.
    pub async fn group_dissolve(&self, request: GroupDissolve) -> Result<GroupChanged, CallError> {
        self.call(request).await
    }

    /// `group.list`: The groups that I am in.
    pub async fn group_list(&self, request: GroupList) -> Result<GroupListReply, CallError> {
        self.call(request).await
    }

    /// `contact.request`: Asks somebody to be a contact.
    pub async fn contact_request(&self, request: ContactRequest) -> Result<ContactChanged, CallError> {
        self.call(request).await
    }

    /// `contact.answer`: Answers somebody's request.
    pub async fn contact_answer(&self, request: ContactAnswer) -> Result<ContactChanged, CallError> {
        self.call(request).await
    }

    /// `contact.list`: Whom I have, or what changed of it since.
    pub async fn contact_list(&self, request: ContactList) -> Result<ContactListReply, CallError> {
        self.call(request).await
    }

    /// `contact.remove`: Ends what is between somebody and me.
    pub async fn contact_remove(&self, request: ContactRemove) -> Result<ContactChanged, CallError> {
        self.call(request).await
    }

    /// `contact.remark`: What I call somebody, and keep them under.
    pub async fn contact_remark(&self, request: ContactRemark) -> Result<ContactChanged, CallError> {
        self.call(request).await
    }

    /// `contact.block`: Wants nothing of somebody.
    pub async fn contact_block(&self, request: ContactBlock) -> Result<ContactChanged, CallError> {
        self.call(request).await
    }

    /// `contact.unblock`: Takes a block back.
    pub async fn contact_unblock(&self, request: ContactUnblock) -> Result<ContactChanged, CallError> {
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

    /// `device.sign_out`: Ends the session of one of my devices, or of all others.
    pub async fn device_sign_out(&self, request: DeviceSignOut) -> Result<DeviceSignOutReply, CallError> {
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

    /// `user.update`: Changes one's own profile, settings and user name.
    pub async fn user_update(&self, request: UserUpdate) -> Result<UserUpdateReply, CallError> {
        self.call(request).await
    }
}
