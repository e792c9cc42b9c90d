//! The one table of actions. A new action is one file here, one line below, one use case, and one line in the
//! function that it names; everything else is generated.

pub mod contact_answer;
pub mod contact_block;
pub mod contact_blocked;
pub mod contact_list;
pub mod contact_remark;
pub mod contact_remove;
pub mod contact_request;
pub mod contact_unblock;
pub mod conversation_read;
pub mod device_list;
pub mod device_sign_out;
pub mod group_announce;
pub mod group_answer;
pub mod group_create;
pub mod group_dissolve;
pub mod group_info;
pub mod group_invite;
pub mod group_join;
pub mod group_kick;
pub mod group_leave;
pub mod group_link;
pub mod group_list;
pub mod group_member;
pub mod group_members;
pub mod group_mute;
pub mod group_nickname;
pub mod group_remark;
pub mod group_requests;
pub mod group_role;
pub mod group_transfer;
pub mod group_update;
pub mod history;
pub mod message_send;
pub mod ping;
pub mod presence_query;
pub mod presence_watch;
pub mod sync;
pub mod typing;
pub mod user_get;
pub mod user_search;
pub mod user_update;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use contact_answer::ContactAnswer;
pub use contact_block::ContactBlock;
pub use contact_blocked::{ContactBlocked, ContactBlockedReply};
pub use contact_list::{ContactList, ContactListReply};
pub use contact_remark::ContactRemark;
pub use contact_remove::ContactRemove;
pub use contact_request::ContactRequest;
pub use contact_unblock::ContactUnblock;
pub use conversation_read::{ConversationRead, ConversationReadReply};
pub use device_list::{DeviceList, DeviceListReply, SignedInDevice};
pub use device_sign_out::{DeviceSignOut, DeviceSignOutReply};
pub use group_announce::GroupAnnounce;
pub use group_answer::GroupAnswer;
pub use group_create::{GroupCreate, GroupCreateReply};
pub use group_dissolve::GroupDissolve;
pub use group_info::{GroupInfo, GroupInfoReply};
pub use group_invite::GroupInvite;
pub use group_join::GroupJoin;
pub use group_kick::GroupKick;
pub use group_leave::GroupLeave;
pub use group_link::{GroupLink, GroupLinkReply};
pub use group_list::{GroupList, GroupListReply, ListedGroup};
pub use group_member::{GroupMember, GroupMemberReply};
pub use group_members::{GroupMembers, GroupMembersReply};
pub use group_mute::GroupMute;
pub use group_nickname::GroupNickname;
pub use group_remark::GroupRemark;
pub use group_requests::{GroupRequests, GroupRequestsReply};
pub use group_role::GroupRole;
pub use group_transfer::GroupTransfer;
pub use group_update::GroupUpdate;
pub use history::{History, HistoryReply};
pub use message_send::{Draft, MessageSend, MessageSendReply, SendResult, Sent};
pub use ping::Ping;
pub use presence_query::{PersonPresence, PresenceQuery, PresenceQueryReply};
pub use presence_watch::{PresenceWatch, PresenceWatchReply};
pub use sync::{Sync, SyncReply, SyncedConversation};
pub use typing::Typing;
pub use user_get::{UserGet, UserGetReply};
pub use user_search::{UserSearch, UserSearchReply};
pub use user_update::{UserUpdate, UserUpdateReply};

pub use crate::contact::ContactChanged;
use crate::envelope::{Reply, Request, Silent};
pub use crate::group::GroupChanged;
use crate::shape::Shape;

/// A request that has a reply.
pub trait Call: Serialize + DeserializeOwned + Send {
    /// The route key.
    const ACTION: &'static str;
    /// What a success answers.
    type Reply: Serialize + DeserializeOwned + Send;
}

/// A request without a reply.
pub trait Notice: Serialize + DeserializeOwned + Send {
    /// The route key.
    const ACTION: &'static str;
}

/// Who may do it. Checked on the server, for each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The gateway, before there is a user.
    Gateway,
    /// Anybody who is signed in.
    SignedIn,
    /// A member of the conversation that the request names, within the spans of their membership (SEE-1).
    Member,
}

/// What one call may cost at most (COST-1), in billable units, in the case that `case` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The case that the numbers are for.
    pub case: &'static str,
    /// Frames in, replies and posts, metered in 32 KB steps.
    pub gateway_messages: u32,
    /// DynamoDB write request units (1 KB each).
    pub write_units: u32,
    /// DynamoDB read request units (4 KB each, strongly consistent).
    pub read_units: u32,
    /// Lambda invocations.
    pub invocations: u32,
    /// SQS requests.
    pub queue_requests: u32,
}

/// Whether an action ends in a function, and what it exchanges.
#[derive(Clone, Copy, Debug)]
pub enum Exchange {
    /// Route of the gateway itself, without a request of ours.
    Lifecycle,
    /// A request without a reply: swallowed by a mock integration, or told to a function that says nothing.
    Silent {
        /// The fields of the request.
        request: Shape,
        /// The whole frame.
        frame: Shape,
        /// Example frames.
        examples: &'static [&'static str],
    },
    /// A request with a reply.
    Reply {
        /// The fields of the request.
        request: Shape,
        /// The whole frame of the request.
        request_frame: Shape,
        /// What `ok` carries.
        reply: Shape,
        /// The whole frame of the reply.
        reply_frame: Shape,
        /// Example frames: a request, and the reply that answers it.
        examples: &'static [(&'static str, &'static str)],
    },
}

/// One action.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// The route key.
    pub name: &'static str,
    /// The function that serves it; `None` is the gateway's mock integration.
    pub function: Option<&'static str>,
    /// One sentence.
    pub summary: &'static str,
    /// Who may.
    pub permission: Permission,
    /// What it may cost.
    pub budget: Budget,
    /// What travels.
    pub exchange: Exchange,
}

impl Action {
    /// Whether a frame of it gets an answer through its route: a reply, or `$default`'s error. What `$connect` answers
    /// is a status, and nobody hears what `$disconnect` would say.
    pub fn answers(&self) -> bool {
        self.name == "$default" || matches!(self.exchange, Exchange::Reply { .. })
    }
}

macro_rules! actions {
    ($(
        $name:literal $(in $function:literal)? : $kind:ident $(($request:ident $(-> $reply:ident)?, $module:ident))?,
        $permission:ident, $summary:literal,
        [$case:literal, gateway $gateway:literal, write $write:literal, read $read:literal, calls $calls:literal, queue $queue:literal];
    )*) => {
        /// Every route of the socket.
        pub const ACTIONS: &[Action] = &[$(Action {
            name: $name,
            function: actions!(@function $($function)?),
            summary: $summary,
            permission: Permission::$permission,
            budget: Budget {
                case: $case,
                gateway_messages: $gateway,
                write_units: $write,
                read_units: $read,
                invocations: $calls,
                queue_requests: $queue,
            },
            exchange: actions!(@exchange $kind $(($request $(-> $reply)?, $module))?),
        }),*];

        $($(actions!(@call $name, $request $(-> $reply)?);)?)*
    };
    (@function) => { None };
    (@function $function:literal) => { Some($function) };
    (@exchange Lifecycle) => { Exchange::Lifecycle };
    (@exchange Silent ($request:ident, $module:ident)) => {
        Exchange::Silent {
            request: Shape::of::<$request>(),
            frame: Shape::of::<Silent<$request>>(),
            examples: $module::EXAMPLES,
        }
    };
    (@exchange Reply ($request:ident -> $reply:ident, $module:ident)) => {
        Exchange::Reply {
            request: Shape::of::<$request>(),
            request_frame: Shape::of::<Request<$request>>(),
            reply: Shape::of::<$reply>(),
            reply_frame: Shape::of::<Reply<$reply>>(),
            examples: $module::EXAMPLES,
        }
    };
    (@call $name:literal, $request:ident) => {
        impl Notice for $request {
            const ACTION: &'static str = $name;
        }
    };
    (@call $name:literal, $request:ident -> $reply:ident) => {
        impl Call for $request {
            const ACTION: &'static str = $name;
            type Reply = $reply;
        }
    };
}

actions! {
    "$connect" in "connect": Lifecycle, Gateway, "A device comes online with a ticket.",
        ["connection minutes apart, watched by nobody", gateway 0, write 1, read 1, calls 2, queue 0];
    "$disconnect" in "disconnect": Lifecycle, Gateway, "A socket closed; best effort.",
        ["connection minutes apart, watched by nobody", gateway 0, write 1, read 1, calls 1, queue 0];
    "$default" in "default": Lifecycle, SignedIn, "The error for what is no action.",
        ["any", gateway 2, write 0, read 0, calls 1, queue 0];
    "ping": Silent(Ping, ping), SignedIn, "Keeps the connection; has no reply.",
        ["any", gateway 1, write 0, read 0, calls 0, queue 0];
    "message.send" in "send": Reply(MessageSend -> MessageSendReply, message_send), Member,
        "Appends one message or a batch.",
        ["one text in a lively direct conversation, one online device each", gateway 3, write 1, read 6, calls 1, queue 0];
    "sync" in "sync": Reply(Sync -> SyncReply, sync), SignedIn,
        "What a device needs after it was away.",
        ["one page, five lively conversations, nothing to settle", gateway 2, write 0, read 7, calls 1, queue 0];
    "history" in "sync": Reply(History -> HistoryReply, history), Member,
        "A page of a conversation's log, ascending.",
        ["up to 4 KB of entries", gateway 2, write 0, read 2, calls 1, queue 0];
    "conversation.read" in "sync": Reply(ConversationRead -> ConversationReadReply, conversation_read), Member,
        "Moves one's own read position forward.",
        ["a direct conversation, one online device each", gateway 3, write 1, read 3, calls 1, queue 0];
    "group.create" in "group": Reply(GroupCreate -> GroupCreateReply, group_create), SignedIn, "Founds a group.",
        ["two people; pushes apart", gateway 2, write 12, read 7, calls 1, queue 1];
    "group.info" in "group": Reply(GroupInfo -> GroupInfoReply, group_info), SignedIn, "A group, as I may see it.",
        ["a group of two", gateway 2, write 0, read 5, calls 1, queue 0];
    "group.update" in "group": Reply(GroupUpdate -> GroupChanged, group_update), Member, "Changes what a group is called and how it is run.",
        ["a group of two; pushes apart", gateway 2, write 4, read 5, calls 1, queue 1];
    "group.join" in "group": Reply(GroupJoin -> GroupChanged, group_join), SignedIn, "Becomes a member, or asks to.",
        ["an open group, or an invitation; pushes apart", gateway 2, write 8, read 13, calls 1, queue 1];
    "group.requests" in "group": Reply(GroupRequests -> GroupRequestsReply, group_requests), Member, "Who would like to be a member, and the links.",
        ["one link", gateway 2, write 0, read 10, calls 1, queue 0];
    "group.answer" in "group": Reply(GroupAnswer -> GroupChanged, group_answer), Member, "Lets somebody in, or not.",
        ["a group of two; pushes apart", gateway 2, write 12, read 15, calls 1, queue 2];
    "group.invite" in "group": Reply(GroupInvite -> GroupChanged, group_invite), Member, "Invites somebody.",
        ["a group of two; pushes apart", gateway 2, write 10, read 15, calls 1, queue 2];
    "group.leave" in "group": Reply(GroupLeave -> GroupChanged, group_leave), Member, "Leaves a group.",
        ["a group of two; pushes apart", gateway 2, write 8, read 7, calls 1, queue 1];
    "group.kick" in "group": Reply(GroupKick -> GroupChanged, group_kick), Member, "Removes a member.",
        ["a group of two; pushes apart", gateway 2, write 8, read 9, calls 1, queue 1];
    "group.role" in "group": Reply(GroupRole -> GroupChanged, group_role), Member, "Makes an admin, or a member again.",
        ["a group of two; pushes apart", gateway 2, write 4, read 7, calls 1, queue 1];
    "group.transfer" in "group": Reply(GroupTransfer -> GroupChanged, group_transfer), Member, "Hands a group over.",
        ["a group of two; pushes apart", gateway 2, write 8, read 7, calls 1, queue 1];
    "group.mute" in "group": Reply(GroupMute -> GroupChanged, group_mute), Member, "Mutes a member, or everybody.",
        ["a group of two; pushes apart", gateway 2, write 4, read 7, calls 1, queue 1];
    "group.announce" in "group": Reply(GroupAnnounce -> GroupChanged, group_announce), Member, "Announces something.",
        ["a group of two; pushes apart", gateway 2, write 4, read 5, calls 1, queue 1];
    "group.nickname" in "group": Reply(GroupNickname -> GroupChanged, group_nickname), Member, "What I am called in a group.",
        ["a group of two; pushes apart", gateway 2, write 4, read 5, calls 1, queue 1];
    "group.remark" in "group": Reply(GroupRemark -> GroupChanged, group_remark), Member, "What I call a group.",
        ["a group of two; pushes apart", gateway 2, write 6, read 7, calls 1, queue 1];
    "group.link" in "group": Reply(GroupLink -> GroupLinkReply, group_link), Member, "Makes a link that lets people in, or takes it back.",
        ["a group of two; pushes apart", gateway 2, write 4, read 6, calls 1, queue 1];
    "group.member" in "group": Reply(GroupMember -> GroupMemberReply, group_member), Member, "One member.",
        ["a group of two", gateway 2, write 0, read 6, calls 1, queue 0];
    "group.members" in "group": Reply(GroupMembers -> GroupMembersReply, group_members), Member, "A page of members.",
        ["one page of two members", gateway 2, write 0, read 9, calls 1, queue 0];
    "group.dissolve" in "group": Reply(GroupDissolve -> GroupChanged, group_dissolve), Member, "Ends a group.",
        ["a group of two; pushes apart", gateway 2, write 4, read 5, calls 1, queue 1];
    "group.list" in "group": Reply(GroupList -> GroupListReply, group_list), SignedIn, "The groups that I am in.",
        ["one group", gateway 2, write 0, read 3, calls 1, queue 0];
    "contact.request" in "contact": Reply(ContactRequest -> ContactChanged, contact_request), SignedIn, "Asks somebody to be a contact.",
        ["a stranger; pushes apart", gateway 2, write 14, read 9, calls 1, queue 2];
    "contact.answer" in "contact": Reply(ContactAnswer -> ContactChanged, contact_answer), SignedIn, "Answers somebody's request.",
        ["accepting; pushes apart", gateway 2, write 18, read 9, calls 1, queue 2];
    "contact.list" in "contact": Reply(ContactList -> ContactListReply, contact_list), SignedIn, "Whom I have, or what changed of it since.",
        ["one contact", gateway 2, write 0, read 3, calls 1, queue 0];
    "contact.remove" in "contact": Reply(ContactRemove -> ContactChanged, contact_remove), SignedIn, "Ends what is between somebody and me.",
        ["a contact; pushes apart", gateway 2, write 18, read 9, calls 1, queue 2];
    "contact.remark" in "contact": Reply(ContactRemark -> ContactChanged, contact_remark), SignedIn, "What I call somebody, and keep them under.",
        ["a contact; pushes apart", gateway 2, write 8, read 8, calls 1, queue 1];
    "contact.block" in "contact": Reply(ContactBlock -> ContactChanged, contact_block), SignedIn, "Wants nothing of somebody.",
        ["a contact; pushes apart", gateway 2, write 10, read 8, calls 1, queue 1];
    "contact.unblock" in "contact": Reply(ContactUnblock -> ContactChanged, contact_unblock), SignedIn, "Takes a block back.",
        ["a contact; pushes apart", gateway 2, write 10, read 8, calls 1, queue 1];
    "contact.blocked" in "contact": Reply(ContactBlocked -> ContactBlockedReply, contact_blocked), SignedIn, "Of whom I want nothing.",
        ["one of one", gateway 2, write 0, read 1, calls 1, queue 0];
    "user.get" in "contact": Reply(UserGet -> UserGetReply, user_get), SignedIn,
        "A person's public card, by id or user name; of oneself everything.",
        ["by user name", gateway 2, write 0, read 2, calls 1, queue 0];
    "device.list" in "device": Reply(DeviceList -> DeviceListReply, device_list), SignedIn,
        "My devices, with when they were last seen.",
        ["ten devices", gateway 2, write 0, read 2, calls 1, queue 0];
    "device.sign_out" in "device": Reply(DeviceSignOut -> DeviceSignOutReply, device_sign_out), SignedIn,
        "Ends the session of one of my devices, or of all others.",
        ["one device that is online; its close and its disconnect apart", gateway 3, write 4, read 2, calls 1, queue 0];
    "presence.query" in "presence": Reply(PresenceQuery -> PresenceQueryReply, presence_query), SignedIn,
        "Who is online, and when the others last were.",
        ["one person, who shows it to everybody", gateway 2, write 0, read 2, calls 1, queue 0];
    "presence.watch" in "presence": Reply(PresenceWatch -> PresenceWatchReply, presence_watch), SignedIn,
        "Be told for a while when people come and go.",
        ["one person, who shows it to everybody", gateway 2, write 2, read 3, calls 1, queue 0];
    "typing" in "presence": Silent(Typing, typing), Member,
        "Tells the others of a conversation that I write, in groups of up to 100; has no reply.",
        ["a lively direct conversation, one online device each; a group reads once a member and ten times more", gateway 2, write 0, read 2, calls 1, queue 0];
    "user.search" in "contact": Reply(UserSearch -> UserSearchReply, user_search), SignedIn,
        "People's public cards, by how their user names begin.",
        ["a page of 20 short cards", gateway 2, write 0, read 2, calls 1, queue 0];
    "user.update" in "contact": Reply(UserUpdate -> UserUpdateReply, user_update), SignedIn,
        "Changes one's own profile, settings and user name.",
        ["a new user name; pushes apart", gateway 2, write 14, read 2, calls 1, queue 1];
}

/// The action with this name.
pub fn action(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}
