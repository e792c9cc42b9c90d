//! One method per action. Generated from the protocol's table of actions by `cargo xtask generate`: do not
//! edit.

use tidings_protocol::actions::{
    ConversationRead, ConversationReadReply, History, HistoryReply, MessageSend, MessageSendReply, Sync, SyncReply,
    UserGet, UserGetReply,
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

    /// `user.get`: A person's public card, by id or user name.
    pub async fn user_get(&self, request: UserGet) -> Result<UserGetReply, CallError> {
        self.call(request).await
    }
}
