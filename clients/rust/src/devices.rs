//! My devices, and that I write.

use tidings_domain::ids::{ClientId, ConversationId, DeviceId};
use tidings_protocol::actions::{DeviceList, DeviceListReply, DeviceSignOut};

use crate::client::Client;
use crate::clock::{self, Dice};
use crate::engine::Command;
use crate::error::{ApiError, CallError};

impl Client {
    /// My devices, the one seen last first.
    pub async fn devices(&self) -> Result<DeviceListReply, CallError> {
        self.device_list(DeviceList {}).await
    }

    /// Signs one of my devices out. When it is this one, the client stays offline from then on.
    pub async fn sign_out(&self, device: DeviceId) -> Result<(), CallError> {
        let this = device == *self.device();
        let request = DeviceSignOut { client_id: new_client_id().into(), device: Some(device.into()), others: false };
        match self.device_sign_out(request).await {
            // The connection is closed before the reply: that it is over is the answer.
            Err(CallError::Api(ApiError::SignedOut)) if this => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Signs out all my devices but this one, and tells which.
    pub async fn sign_out_others(&self) -> Result<Vec<DeviceId>, CallError> {
        let request = DeviceSignOut { client_id: new_client_id().into(), device: None, others: true };
        Ok(self.device_sign_out(request).await?.devices.into_iter().map(|device| device.0).collect())
    }

    /// I write here, or have stopped to. Call it with every key: it goes out every three seconds at most, and only
    /// while there is a connection.
    pub async fn typing(&self, conversation: ConversationId, typing: bool) {
        self.tell(Command::Typing { conversation, typing }).await;
    }
}

fn new_client_id() -> ClientId {
    Dice::new(None).client_id(clock::now())
}
