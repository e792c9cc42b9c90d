//! What is read: wire to request, answer to wire.

use std::sync::Arc;

use aws_config::SdkConfig;
use tidings_application::groups::{LookAtGroups, LookError};
use tidings_domain::identity::DisplayName;
use tidings_domain::limits::{
    ASKING_PAGE_MAX, GROUPS_PAGE_MAX, LINKS_LISTED_MAX, MEMBERS_PAGE_DEFAULT, MEMBERS_PAGE_MAX,
};
use tidings_dynamodb::Client;
use tidings_dynamodb::groups::GroupTables;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_protocol::Text;
use tidings_protocol::actions::{
    GroupInfo, GroupInfoReply, GroupList, GroupListReply, GroupMember, GroupMemberReply, GroupMembers,
    GroupMembersReply, GroupRequests, GroupRequestsReply, ListedGroup,
};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::clock::SystemClock;
use tidings_runtime::identity::of_port;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_runtime::websocket::{Actions, Caller};
use tidings_wire::{groups, refusal};

/// The use case over AWS.
pub(crate) type Looks = LookAtGroups<Metered<LogTable>, InboxTable, GroupTables, SystemClock>;

/// Adapters into the use case.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<Looks> {
    let dynamo = Client::new(sdk);
    let (log, inboxes, groups) =
        all((environment.log_table(), environment.inboxes_table(), tidings_assembly::groups(environment, &dynamo)))?;
    Ok(LookAtGroups {
        log: Metered::new(LogTable::new(dynamo.clone(), log), meter),
        inboxes: InboxTable::new(dynamo, inboxes),
        groups,
        clock: SystemClock,
    })
}

/// Serves what is read.
pub(crate) fn serve(looks: &Arc<Looks>, actions: Actions) -> Actions {
    actions.with(looks, info).with(looks, requests).with(looks, members).with(looks, member).with(looks, list)
}

fn refused(error: LookError) -> ErrorBody {
    match error {
        LookError::Denied(denied) => refusal::denied(denied),
        LookError::NoSuchMember => ErrorBody::new(ErrorCode::NotFound, "there is no such member"),
        LookError::Port(error) => of_port(&error),
    }
}

/// A page's size, from 1 to `most`.
fn size(wanted: Option<usize>, usual: usize, most: usize) -> Result<usize, ErrorBody> {
    let size = wanted.unwrap_or(usual);
    let error = || ErrorBody::new(ErrorCode::BadRequest, format!("`limit` is 1 to {most}"));
    (1..=most).contains(&size).then_some(size).ok_or_else(error)
}

/// `group.info`.
pub(crate) async fn info(looks: Arc<Looks>, caller: Caller, request: GroupInfo) -> Result<GroupInfoReply, ErrorBody> {
    let info = looks.info(caller.user, request.group.0).await.map_err(refused)?;
    let details = info.me.as_ref().map(|me| groups::details(&info.group, me));
    Ok(GroupInfoReply { card: groups::card(&info.group, info.members), details })
}

/// `group.requests`.
pub(crate) async fn requests(
    looks: Arc<Looks>,
    caller: Caller,
    request: GroupRequests,
) -> Result<GroupRequestsReply, ErrorBody> {
    let (group, after) = (request.group.0, request.after.map(|after| after.0));
    let (asking, more) = looks.requests(caller.user, group, after, ASKING_PAGE_MAX).await.map_err(refused)?;
    let links = match after {
        None => looks.links(caller.user, group, LINKS_LISTED_MAX).await.map_err(refused)?,
        Some(_) => Vec::new(),
    };
    Ok(GroupRequestsReply {
        asking: asking.iter().map(groups::asking).collect(),
        more,
        links: links.iter().map(groups::link).collect(),
    })
}

/// `group.members`.
pub(crate) async fn members(
    looks: Arc<Looks>,
    caller: Caller,
    request: GroupMembers,
) -> Result<GroupMembersReply, ErrorBody> {
    let limit = size(request.limit, MEMBERS_PAGE_DEFAULT, MEMBERS_PAGE_MAX)?;
    let (after, nickname) = (request.after.map(|after| after.0), request.nickname.map(|nickname| nickname.0));
    let nickname = nickname.as_ref().map(DisplayName::as_str);
    let page = looks.members(caller.user, request.group.0, after, nickname, limit).await.map_err(refused)?;
    Ok(GroupMembersReply {
        members: page.members.iter().map(groups::member).collect(),
        more: page.more,
        version: page.head.seq.get(),
    })
}

/// `group.member`.
pub(crate) async fn member(
    looks: Arc<Looks>,
    caller: Caller,
    request: GroupMember,
) -> Result<GroupMemberReply, ErrorBody> {
    let member = looks.member(caller.user, request.group.0, request.user.0).await.map_err(refused)?;
    Ok(GroupMemberReply { member: groups::member(&member) })
}

/// `group.list`.
pub(crate) async fn list(looks: Arc<Looks>, caller: Caller, request: GroupList) -> Result<GroupListReply, ErrorBody> {
    let limit = size(request.limit, GROUPS_PAGE_MAX, GROUPS_PAGE_MAX)?;
    let after = request.after.map(|after| after.0);
    let (listed, more) = looks.list(caller.user, after, limit).await.map_err(refused)?;
    let groups = listed.into_iter().map(|listed| ListedGroup {
        group: Text(listed.id),
        card: listed.seen.map(|(group, members)| groups::card(&group, members)),
        member: listed.member,
        remark: listed.remark.map(Text),
    });
    Ok(GroupListReply { groups: groups.collect(), more })
}
