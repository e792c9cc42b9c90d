//! That I write: said now and then, to whoever is there, and never again.

use std::time::Duration;

use serde_json::Value;
use tidings_domain::ids::ConversationId;
use tidings_protocol::actions::{Notice, Typing};
use tidings_protocol::limits::TYPING_EVERY_MS;
use tokio::time::Instant;

use super::{Effect, Engine};
use crate::socket::Outgoing;

impl Engine {
    /// Says so, unless that was said within three seconds. That I have stopped is said at once, if I had begun; who
    /// begins again within the three seconds still waits for their end.
    pub(super) fn typing(&mut self, conversation: ConversationId, typing: bool) {
        if !self.link.online() {
            return;
        }
        let now = Instant::now();
        let every = Duration::from_millis(TYPING_EVERY_MS);
        let began = match self.typed.get(&conversation) {
            Some((began, true)) if !typing => *began,
            Some((began, _)) if typing && now.duration_since(*began) >= every => now,
            None if typing => now,
            _ => return,
        };
        self.typed.insert(conversation, (began, typing));
        let request = Typing { conversation: conversation.into(), typing };
        let Ok(Value::Object(mut frame)) = serde_json::to_value(request) else { return };
        frame.insert("action".into(), Typing::ACTION.into());
        let text = Value::Object(frame).to_string();
        self.effects.push(Effect::Write(Outgoing { action: Typing::ACTION, text }));
    }
}
