//! `contact.*`: wire to request, answer to wire.

use std::sync::Arc;

use aws_config::SdkConfig;
use tidings_application::clock::Clock as _;
use tidings_application::contacts::{ChangeContact, ForgetStrangers, LookAtContacts};
use tidings_application::identity::UpdateUser;
use tidings_application::notice::TellOneself;
use tidings_assembly::Accounts;
use tidings_domain::contact::change::{Change, Request};
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::limits::{CONTACT_TAGS_MAX, CONTACTS_PAGE_DEFAULT, CONTACTS_PAGE_MAX};
use tidings_domain::log::Seq;
use tidings_dynamodb::Client;
use tidings_dynamodb::contacts::ContactTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_protocol::Text;
use tidings_protocol::actions::{
    Call, ContactAnswer, ContactBlock, ContactBlocked, ContactBlockedReply, ContactChanged, ContactList,
    ContactListReply, ContactRemark, ContactRemove, ContactRequest, ContactUnblock,
};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::clock::SystemClock;
use tidings_runtime::identity::{of_port, profile_changed};
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_runtime::websocket::{Actions, Caller, internal};
use tidings_sqs::Shards;
use tidings_wire::groups::fingerprint;
use tidings_wire::{contacts, refusal};

/// Changes, over AWS.
pub(crate) type Changes = ChangeContact<Metered<LogTable>, ContactTables, Metered<Shards>, SystemClock>;
/// Lists, over AWS.
pub(crate) type Looks = LookAtContacts<Metered<LogTable>, ContactTables, SystemClock>;

/// Adapters into the use cases.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<(Changes, Looks)> {
    let dynamo = Client::new(sdk);
    let (log, social, inboxes, queue) = all((
        environment.log_table(),
        environment.social_table(),
        environment.inboxes_table(),
        tidings_assembly::shards(environment, sdk, meter),
    ))?;
    let contacts = ContactTables::new(dynamo.clone(), &log, social, inboxes);
    let log = Metered::new(LogTable::new(dynamo, log), meter);
    let look = LookAtContacts { log: log.clone(), contacts: contacts.clone(), clock: SystemClock };
    Ok((ChangeContact { log, contacts, queue, clock: SystemClock, encode: contacts::encode }, look))
}

/// Changes of profiles, over AWS.
pub(crate) type Profiles =
    UpdateUser<Accounts, InboxTable, Metered<LogTable>, ContactTables, Metered<Shards>, SystemClock>;

/// What changes profiles, and tells with what `changes` tells.
pub(crate) fn profiles(
    environment: &Environment,
    sdk: &SdkConfig,
    accounts: Accounts,
    changes: &Changes,
) -> Setting<Profiles> {
    let strangers = ForgetStrangers { inboxes: InboxTable::new(Client::new(sdk), environment.inboxes_table()?) };
    let ChangeContact { log, contacts, queue, .. } = changes;
    let (log, notices, queue) = (log.clone(), contacts.clone(), queue.clone());
    let tell = TellOneself { log, notices, queue, clock: SystemClock, encode: profile_changed };
    Ok(UpdateUser { accounts, strangers, tell })
}

/// Serves them.
pub(crate) fn serve((changes, looks): (Changes, Looks), actions: Actions) -> Actions {
    let (changes, looks) = (Arc::new(changes), Arc::new(looks));
    let actions = actions.with(&changes, request).with(&changes, answer).with(&changes, remove);
    let actions = actions.with(&changes, remark).with(&changes, block).with(&changes, unblock);
    actions.with(&looks, list).with(&looks, blocked)
}

async fn make<C: Call>(
    changes: &Changes,
    caller: Caller,
    request: &C,
    (peer, client_id): (Text<UserId>, Text<ClientId>),
    change: Change,
) -> Result<ContactChanged, ErrorBody> {
    let fingerprint = fingerprint(request).map_err(|error| internal(&error))?;
    let request = Request { actor: caller.user, peer: peer.0, client_id: client_id.0, fingerprint, change };
    let changed = changes.run(request, Some(caller.connection)).await;
    changed.map(contacts::changed).map_err(|refused| refusal::of_contact(refused, SystemClock.now()))
}

/// `contact.request`.
async fn request(changes: Arc<Changes>, caller: Caller, request: ContactRequest) -> Result<ContactChanged, ErrorBody> {
    let change = Change::Request { greeting: request.greeting.clone().map(|greeting| greeting.0) };
    make(&changes, caller, &request, (request.user, request.client_id), change).await
}

/// `contact.answer`.
async fn answer(changes: Arc<Changes>, caller: Caller, request: ContactAnswer) -> Result<ContactChanged, ErrorBody> {
    let change = Change::Answer { accept: request.accept };
    make(&changes, caller, &request, (request.user, request.client_id), change).await
}

/// `contact.remove`.
async fn remove(changes: Arc<Changes>, caller: Caller, request: ContactRemove) -> Result<ContactChanged, ErrorBody> {
    make(&changes, caller, &request, (request.user, request.client_id), Change::Remove).await
}

/// `contact.remark`.
async fn remark(changes: Arc<Changes>, caller: Caller, request: ContactRemark) -> Result<ContactChanged, ErrorBody> {
    if request.tags.len() > CONTACT_TAGS_MAX {
        let message = format!("a contact has at most {CONTACT_TAGS_MAX} `tags`");
        return Err(ErrorBody::new(ErrorCode::BadRequest, message));
    }
    let change = Change::Describe {
        remark: request.remark.clone().map(|remark| remark.0),
        tags: request.tags.iter().cloned().map(|tag| tag.0).collect(),
    };
    make(&changes, caller, &request, (request.user, request.client_id), change).await
}

/// `contact.block`.
async fn block(changes: Arc<Changes>, caller: Caller, request: ContactBlock) -> Result<ContactChanged, ErrorBody> {
    make(&changes, caller, &request, (request.user, request.client_id), Change::Block).await
}

/// `contact.unblock`.
async fn unblock(changes: Arc<Changes>, caller: Caller, request: ContactUnblock) -> Result<ContactChanged, ErrorBody> {
    make(&changes, caller, &request, (request.user, request.client_id), Change::Unblock).await
}

/// A page's size.
fn size(wanted: Option<usize>) -> Result<usize, ErrorBody> {
    let size = wanted.unwrap_or(CONTACTS_PAGE_DEFAULT);
    let error = || ErrorBody::new(ErrorCode::BadRequest, format!("`limit` is 1 to {CONTACTS_PAGE_MAX}"));
    (1..=CONTACTS_PAGE_MAX).contains(&size).then_some(size).ok_or_else(error)
}

/// `contact.list`.
async fn list(looks: Arc<Looks>, caller: Caller, request: ContactList) -> Result<ContactListReply, ErrorBody> {
    let (limit, after) = (size(request.limit)?, request.cursor.map(|cursor| cursor.0));
    let page = looks.list(caller.user, request.since.map(Seq::new), after, limit).await;
    let page = page.map_err(|error| of_port(&error))?;
    let (contacts, cursor) = contacts::page(&page.contacts, page.cursor).map_err(|error| internal(&error))?;
    Ok(ContactListReply { contacts, cursor, version: page.version.get(), whole: page.whole })
}

/// `contact.blocked`.
async fn blocked(looks: Arc<Looks>, caller: Caller, request: ContactBlocked) -> Result<ContactBlockedReply, ErrorBody> {
    let (limit, after) = (size(request.limit)?, request.cursor.map(|cursor| cursor.0));
    let (page, cursor) = looks.blocked(caller.user, after, limit).await.map_err(|error| of_port(&error))?;
    let (contacts, cursor) = contacts::page(&page, cursor).map_err(|error| internal(&error))?;
    Ok(ContactBlockedReply { contacts, cursor })
}
