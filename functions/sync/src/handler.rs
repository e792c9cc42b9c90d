//! Wire to request, answer to wire.

use std::sync::Arc;

use aws_config::SdkConfig;
use tidings_application::history::ReadHistory;
use tidings_application::pace::Pace;
use tidings_application::read::ReadConversation;
use tidings_application::sync::SyncDevice;
use tidings_domain::limits::{HISTORY_PAGE_MAX, SYNC_SOCKET_CONVERSATIONS};
use tidings_domain::log::Seq;
use tidings_domain::read;
use tidings_dynamodb::Client;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_gateway::Connections;
use tidings_protocol::actions::{ConversationRead, ConversationReadReply, History, HistoryReply, Sync, SyncReply};
use tidings_protocol::error::ErrorBody;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::reading;
use tidings_runtime::settings::{Environment, Setting, all};
use tidings_runtime::websocket::Caller;
use tidings_sqs::Queues;
use tidings_wire::pages::REPLY_ROOM;
use tidings_wire::refusal;

type Log = Metered<LogTable>;
type Gateway = Metered<Connections>;
type Routes = Metered<RouteTable>;
type Syncs = Arc<SyncDevice<Log, InboxTable, Routes, Gateway, SystemClock>>;
type Histories = Arc<ReadHistory<Log, InboxTable>>;
type Reads = Arc<ReadConversation<Log, InboxTable, Gateway, Routes, Metered<Queues>, SystemClock>>;

/// Adapters into the use cases.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Setting<(Syncs, Histories, Reads)> {
    let dynamo = Client::new(sdk);
    let (log, inboxes, deliver, inline_max) = all((
        environment.log_table(),
        environment.inboxes_table(),
        tidings_assembly::delivery(environment, sdk, &dynamo, Pace::unbounded(), meter),
        environment.inline_push_max(),
    ))?;
    let log = Metered::new(LogTable::new(dynamo.clone(), log), meter);
    let inboxes = InboxTable::new(dynamo, inboxes);
    let sync = SyncDevice {
        log: log.clone(),
        inboxes: inboxes.clone(),
        routes: deliver.routes.clone(),
        gateway: deliver.gateway.clone(),
        clock: SystemClock,
    };
    let read = ReadConversation { log: log.clone(), inboxes: inboxes.clone(), deliver, inline_max };
    Ok((Arc::new(sync), Arc::new(ReadHistory { log, inboxes }), Arc::new(read)))
}

/// `sync`: a page that fits a frame.
pub(crate) async fn sync(sync: Syncs, caller: Caller, request: Sync) -> Result<SyncReply, ErrorBody> {
    let route = caller.route();
    reading::sync(&sync, caller.user, Some(route), &request, SYNC_SOCKET_CONVERSATIONS, REPLY_ROOM).await
}

/// `history`: a page that fits a frame.
pub(crate) async fn history(history: Histories, caller: Caller, request: History) -> Result<HistoryReply, ErrorBody> {
    let range = reading::range(request.after, request.before)?;
    let limit = reading::limit(request.limit, HISTORY_PAGE_MAX)?;
    reading::history(&history, caller.user, request.conversation.0, range, limit, REPLY_ROOM).await
}

/// `conversation.read`.
pub(crate) async fn conversation_read(
    reads: Reads,
    caller: Caller,
    request: ConversationRead,
) -> Result<ConversationReadReply, ErrorBody> {
    let (user, connection) = (caller.user, Some(caller.connection));
    let request = read::Request { conversation: request.conversation.0, user, connection, seq: Seq::new(request.seq) };
    let stands = reads.run(request).await.map_err(refusal::of_read)?;
    Ok(ConversationReadReply { read_seq: stands.get() })
}
