//! Changes: wire to request, answer to wire.

use std::sync::Arc;

use aws_config::SdkConfig;
use tidings_application::clock::{Clock, Random};
use tidings_application::groups::ChangeGroup;
use tidings_domain::change::{Changed, Refusal};
use tidings_domain::group::change::{Change, Request};
use tidings_domain::group::{Link, LinkCode};
use tidings_domain::ids::{ClientId, GroupId};
use tidings_domain::limits::{LINK_TTL_DEFAULT_S, LINK_TTL_MAX_S, MUTE_MAX_S};
use tidings_domain::log::Seq;
use tidings_dynamodb::Client;
use tidings_dynamodb::contacts::PeopleTables;
use tidings_dynamodb::groups::GroupTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_protocol::Text;
use tidings_protocol::actions::{
    Call, GroupAnnounce, GroupAnswer, GroupCreate, GroupCreateReply, GroupDissolve, GroupInvite, GroupJoin, GroupKick,
    GroupLeave, GroupLink, GroupLinkReply, GroupMute, GroupNickname, GroupRemark, GroupRole, GroupTransfer,
    GroupUpdate,
};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::group::GroupChanged;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::identity::of_port;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_runtime::websocket::{Actions, Caller, internal};
use tidings_sqs::Shards;
use tidings_wire::{groups, refusal};

/// The use case over AWS.
pub(crate) type Changes =
    ChangeGroup<Metered<LogTable>, GroupTables, InboxTable, PeopleTables, Metered<Shards>, SystemClock>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<Changes> {
    let dynamo = Client::new(sdk);
    let (log, groups, doors, queue) = all((
        environment.log_table(),
        tidings_assembly::groups(environment, &dynamo),
        tidings_assembly::doors(environment, sdk),
        tidings_assembly::shards(environment, sdk, meter),
    ))?;
    Ok(ChangeGroup {
        log: Metered::new(LogTable::new(dynamo, log), meter),
        groups,
        doors,
        queue,
        clock: SystemClock,
        encode: groups::encode,
    })
}

/// Serves every change.
pub(crate) fn serve(changes: &Arc<Changes>, actions: Actions) -> Actions {
    actions
        .with(changes, create)
        .with(changes, update)
        .with(changes, join)
        .with(changes, answer)
        .with(changes, invite)
        .with(changes, leave)
        .with(changes, kick)
        .with(changes, role)
        .with(changes, transfer)
        .with(changes, mute)
        .with(changes, announce)
        .with(changes, nickname)
        .with(changes, remark)
        .with(changes, link)
        .with(changes, dissolve)
}

/// A text that may be missing.
fn text<T>(text: Option<Text<T>>) -> Option<T> {
    text.map(|text| text.0)
}

fn bad_request(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, message)
}

/// Makes a change of a group.
async fn make<C: Call>(
    changes: &Changes,
    caller: Caller,
    request: &C,
    (group, client_id): (GroupId, ClientId),
    change: Change,
) -> Result<Changed, ErrorBody> {
    let owner = match change {
        Change::Join { link: None, .. } => changes.owner(group).await.map_err(|error| of_port(&error))?,
        _ => None,
    };
    let fingerprint = groups::fingerprint(request).map_err(|error| internal(&error))?;
    let request = Request { group, actor: caller.user, client_id, fingerprint, change, owner };
    let changed = changes.run(request, Some(caller.connection)).await;
    changed.map_err(|refused: Refusal<_>| refusal::of_group(refused, SystemClock.now()))
}

/// `group.create`.
pub(crate) async fn create(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupCreate,
) -> Result<GroupCreateReply, ErrorBody> {
    let change = Change::Create {
        name: request.name.0.clone(),
        description: text(request.description.clone()).unwrap_or_default(),
        settings: groups::settings_in(request.settings),
        members: request.members.iter().map(|member| member.0).collect(),
    };
    let group = groups::group_id(caller.user, request.client_id.0);
    let changed = make(&changes, caller, &request, (group, request.client_id.0), change).await?;
    Ok(GroupCreateReply { group: Text(group), seq: changed.seq.get(), duplicate: changed.duplicate })
}

/// `group.update`.
pub(crate) async fn update(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupUpdate,
) -> Result<GroupChanged, ErrorBody> {
    let edit = groups::edit_in(request.edit.clone());
    let change = Change::Update { version: request.version.map(Seq::new), edit };
    let which = (request.group.0, request.client_id.0);
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.join`.
pub(crate) async fn join(changes: Arc<Changes>, caller: Caller, request: GroupJoin) -> Result<GroupChanged, ErrorBody> {
    let change = Change::Join { link: text(request.link.clone()), greeting: text(request.greeting.clone()) };
    let which = (request.group.0, request.client_id.0);
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.mute`.
pub(crate) async fn mute(changes: Arc<Changes>, caller: Caller, request: GroupMute) -> Result<GroupChanged, ErrorBody> {
    let change = match (request.user, request.muted, request.seconds) {
        (None, muted, None) => Change::MuteAll { muted },
        (Some(user), false, None) => Change::Mute { user: user.0, until: None },
        (Some(user), true, Some(seconds)) if (1..=MUTE_MAX_S).contains(&seconds) => {
            Change::Mute { user: user.0, until: Some(SystemClock.now().plus_millis(seconds * 1_000)) }
        }
        (Some(_), true, _) => return Err(bad_request(format!("a member is muted for 1 to {MUTE_MAX_S} `seconds`"))),
        (_, _, Some(_)) => return Err(bad_request("`seconds` are for a member who is muted")),
    };
    let which = (request.group.0, request.client_id.0);
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.link`.
pub(crate) async fn link(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupLink,
) -> Result<GroupLinkReply, ErrorBody> {
    let which @ (group, client_id) = (request.group.0, request.client_id.0);
    let by = caller.user;
    let change = match (&request.revoke, request.seconds, request.uses) {
        (Some(code), None, None) => Change::RevokeLink(code.0.clone()),
        (Some(_), _, _) => return Err(bad_request("`seconds` and `uses` are for a new link")),
        (None, seconds, uses) => {
            let seconds = seconds.unwrap_or(LINK_TTL_DEFAULT_S);
            if !(1..=LINK_TTL_MAX_S).contains(&seconds) || uses == Some(0) {
                return Err(bad_request(format!(
                    "a link is good for 1 to {LINK_TTL_MAX_S} `seconds` and 1 or more `uses`"
                )));
            }
            let code = LinkCode::from_bits(SystemClock.bits());
            let expires_at = SystemClock.now().plus_millis(seconds * 1_000);
            Change::MakeLink(Link { code, by, client_id, expires_at, uses_left: uses })
        }
    };
    let made = matches!(change, Change::MakeLink(_));
    let changed = make(&changes, caller, &request, which, change).await?;
    // An earlier attempt may have made it, with another code than ours.
    let link = if made { changes.link(group, by, client_id).await.map_err(|error| of_port(&error))? } else { None };
    Ok(GroupLinkReply { link: link.as_ref().map(groups::link), seq: changed.seq.get(), duplicate: changed.duplicate })
}

/// `group.leave`.
pub(crate) async fn leave(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupLeave,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Leave;
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.kick`.
pub(crate) async fn kick(changes: Arc<Changes>, caller: Caller, request: GroupKick) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Kick { user: request.user.0 };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.role`.
pub(crate) async fn role(changes: Arc<Changes>, caller: Caller, request: GroupRole) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Role { user: request.user.0, admin: request.admin };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.transfer`.
pub(crate) async fn transfer(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupTransfer,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Transfer { user: request.user.0 };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.answer`.
pub(crate) async fn answer(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupAnswer,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Answer { user: request.user.0, accept: request.accept };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.invite`.
pub(crate) async fn invite(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupInvite,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Invite { user: request.user.0, greeting: text(request.greeting.clone()) };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.announce`.
pub(crate) async fn announce(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupAnnounce,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Announce { text: text(request.text.clone()) };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.nickname`.
pub(crate) async fn nickname(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupNickname,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Nickname { nickname: text(request.nickname.clone()) };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.remark`.
pub(crate) async fn remark(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupRemark,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Remark { remark: text(request.remark.clone()) };
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}

/// `group.dissolve`.
pub(crate) async fn dissolve(
    changes: Arc<Changes>,
    caller: Caller,
    request: GroupDissolve,
) -> Result<GroupChanged, ErrorBody> {
    let which = (request.group.0, request.client_id.0);
    let change = Change::Dissolve;
    make(&changes, caller, &request, which, change).await.map(groups::changed)
}
