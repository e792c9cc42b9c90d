//! What others are to me.

use tidings_domain::contact::Tag;
use tidings_domain::group::Greeting;
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_protocol::actions::{
    Call, ContactAnswer, ContactBlock, ContactBlocked, ContactChanged, ContactList, ContactRemark, ContactRemove,
    ContactRequest, ContactUnblock,
};
use tidings_protocol::contact::ContactInfo;

use crate::{CallError, Client};

/// Contacts, or what changed of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contacts {
    /// Ascending by user. If these are changes, those without a state that are not blocked are gone.
    pub contacts: Vec<ContactInfo>,
    /// With what to ask for what changed since.
    pub version: u64,
    /// Whether these are all, and not what changed alone.
    pub whole: bool,
}

impl Client {
    /// Asks somebody to be a contact. If they have asked already, both are contacts with it.
    pub async fn request_contact(&self, user: UserId, greeting: Option<Greeting>) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactRequest {
            client_id: client_id.into(),
            user: user.into(),
            greeting: greeting.clone().map(Into::into),
        })
        .await
    }

    /// Answers somebody's request.
    pub async fn answer_contact(&self, user: UserId, accept: bool) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactAnswer { client_id: client_id.into(), user: user.into(), accept })
            .await
    }

    /// Ends what is between somebody and me: contacts, or a request.
    pub async fn remove_contact(&self, user: UserId) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactRemove { client_id: client_id.into(), user: user.into() }).await
    }

    /// What I call somebody and keep them under, for myself; both as a whole.
    pub async fn remark_contact(
        &self,
        user: UserId,
        remark: Option<DisplayName>,
        tags: Vec<Tag>,
    ) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactRemark {
            client_id: client_id.into(),
            user: user.into(),
            remark: remark.clone().map(Into::into),
            tags: tags.iter().cloned().map(Into::into).collect(),
        })
        .await
    }

    /// Wants nothing of somebody. They do not learn of it.
    pub async fn block(&self, user: UserId) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactBlock { client_id: client_id.into(), user: user.into() }).await
    }

    /// Takes a block back.
    pub async fn unblock(&self, user: UserId) -> Result<ContactChanged, CallError> {
        self.change_contact(move |client_id| ContactUnblock { client_id: client_id.into(), user: user.into() }).await
    }

    /// My notices tell it to my other devices; this one is answered.
    async fn change_contact<C: Call<Reply = ContactChanged>>(
        &self,
        request: impl Fn(ClientId) -> C + Send + 'static,
    ) -> Result<ContactChanged, CallError> {
        let changed = self.change(request).await?;
        self.told(ConversationId::Notices(self.me().id.0), changed.seq).await;
        Ok(changed)
    }

    /// All contacts and requests, or with the version of an earlier answer what changed since.
    pub async fn contacts(&self, since: Option<u64>) -> Result<Contacts, CallError> {
        let mut request = ContactList { since, ..ContactList::default() };
        let mut page = self.call(request.clone()).await?;
        // What changes while the pages come is found with the version of the first.
        let (version, whole) = (page.version, page.whole);
        let mut contacts = page.contacts;
        while let Some(cursor) = page.cursor {
            request.cursor = Some(cursor);
            page = self.call(request.clone()).await?;
            contacts.append(&mut page.contacts);
        }
        Ok(Contacts { contacts, version, whole })
    }

    /// All of whom I want nothing.
    pub async fn blocked(&self) -> Result<Vec<ContactInfo>, CallError> {
        let mut contacts = Vec::new();
        let mut request = ContactBlocked::default();
        loop {
            let mut page = self.call(request.clone()).await?;
            contacts.append(&mut page.contacts);
            request.cursor = page.cursor;
            if request.cursor.is_none() {
                return Ok(contacts);
            }
        }
    }
}
