//! My devices, and that I write.

use tidings_domain::ids::{ClientId, ConversationId, DeviceId};
use tidings_protocol::actions::{DeviceList, DeviceListReply, DeviceSignOut};

use crate::client::Client;
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
        let request = move |client_id: ClientId| DeviceSignOut {
            client_id: client_id.into(),
            device: Some(device.clone().into()),
            others: false,
        };
        match self.change(request).await {
            // The connection is closed before the reply: that it is over is the answer.
            Err(CallError::Api(ApiError::SignedOut)) if this => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Signs out all my devices but this one, and tells which.
    pub async fn sign_out_others(&self) -> Result<Vec<DeviceId>, CallError> {
        let request = |client_id: ClientId| DeviceSignOut { client_id: client_id.into(), device: None, others: true };
        Ok(self.change(request).await?.devices.into_iter().map(|device| device.0).collect())
    }

    /// I write here, or have stopped to. Call it with every key: it goes out every three seconds at most, and only
    /// while there is a connection.
    pub async fn typing(&self, conversation: ConversationId, typing: bool) {
        self.tell(Command::Typing { conversation, typing }).await;
    }
}
