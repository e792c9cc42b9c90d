//! The use cases that the routes share, built once.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use lambda_http::Error;
use tidings_application::clock::{Clock, Random};
use tidings_application::history::ReadHistory;
use tidings_application::identity::ports::{
    AccountClose, AccountCreate, AccountRead, AccountRehash, DeriveIds, PasswordHasher, RefreshTokens, SessionEnd,
    SessionList, SessionRead, SessionWrite, SignTokens, VerifyAccessTokens,
};
use tidings_application::identity::{
    ChangePassword, DeleteAccount, IssueTicket, Kick, LeaveEverything, Lifetimes, Refresh, SignIn, SignUp,
};
use tidings_application::ports::{Gateway, InboxRead, InboxSettle, LogRead, RouteLeave, RouteRead, RouteRevoke};
use tidings_application::sync::{OverHttp, SyncDevice};
use tidings_domain::login::LoginPolicy;
use tidings_dynamodb::Client;
use tidings_dynamodb::inboxes::InboxTable;
use tidings_dynamodb::log::LogTable;
use tidings_dynamodb::routes::RouteTable;
use tidings_dynamodb::social::SocialTable;
use tidings_gateway::Connections;
use tidings_identity::{Hasher, Keys, SigningKey, VerifyingKeys};
use tidings_runtime::clock::SystemClock;
use tidings_runtime::meter::Meter;
use tidings_runtime::metered::Metered;
use tidings_runtime::settings::{Environment, Setting, all};

use crate::ties::{self, Ties};

/// What the use cases run on: AWS here, fakes in tests.
pub(crate) trait Adapters: Send + Sync + 'static {
    /// Accounts and sessions.
    type Store: AccountRead
        + AccountCreate
        + AccountRehash
        + AccountClose
        + SessionRead
        + SessionList
        + SessionWrite
        + SessionEnd
        + Clone;
    /// Where devices are reached whose sessions end.
    type Routes: RouteRead + RouteLeave + RouteRevoke + Clone;
    /// Their sockets.
    type Gateway: Gateway + Clone;
    /// What ties people to others whose accounts end.
    type Ties: LeaveEverything;
    /// Conversations.
    type Log: LogRead + Clone;
    /// What people have of them.
    type Inboxes: InboxRead + InboxSettle + Clone;
    /// Passwords.
    type Hasher: PasswordHasher + DeriveIds + Clone;
    /// Tokens.
    type Keys: SignTokens + RefreshTokens + VerifyAccessTokens + Clone;
    /// Time and chance.
    type Clock: Clock + Random + Clone;
}

/// Signing in, which ends the sessions that the login policy does not allow any more.
type ChangePasswordOf<A> = ChangePassword<
    <A as Adapters>::Store,
    <A as Adapters>::Hasher,
    <A as Adapters>::Clock,
    <A as Adapters>::Routes,
    <A as Adapters>::Gateway,
>;

type DeleteAccountOf<A> = DeleteAccount<
    <A as Adapters>::Store,
    <A as Adapters>::Hasher,
    <A as Adapters>::Clock,
    <A as Adapters>::Routes,
    <A as Adapters>::Gateway,
    <A as Adapters>::Ties,
>;

type SignInOf<A> = SignIn<
    <A as Adapters>::Store,
    <A as Adapters>::Hasher,
    <A as Adapters>::Keys,
    <A as Adapters>::Clock,
    <A as Adapters>::Routes,
    <A as Adapters>::Gateway,
>;

/// The use cases.
pub(crate) struct App<A: Adapters> {
    pub(crate) sign_up: SignUp<A::Store, A::Hasher, A::Clock>,
    pub(crate) sign_in: SignInOf<A>,
    pub(crate) refresh: Refresh<A::Store, A::Keys, A::Clock>,
    pub(crate) issue_ticket: IssueTicket<A::Store, A::Keys, A::Clock>,
    pub(crate) change_password: ChangePasswordOf<A>,
    pub(crate) delete_account: DeleteAccountOf<A>,
    pub(crate) sync: SyncDevice<A::Log, A::Inboxes, OverHttp, OverHttp, A::Clock>,
    pub(crate) history: ReadHistory<A::Log, A::Inboxes>,
    pub(crate) keys: A::Keys,
    pub(crate) clock: A::Clock,
    /// The published key set.
    pub(crate) key_set: String,
    /// Where tickets are good for.
    pub(crate) socket_url: String,
}

/// What every handler gets.
pub(crate) type Shared<A> = Arc<App<A>>;

impl<A: Adapters> fmt::Debug for App<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// What they need besides adapters.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) sign_ups_open: bool,
    pub(crate) login_policy: LoginPolicy,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) ticket_ttl_s: u64,
    pub(crate) socket_url: String,
}

impl<A: Adapters> App<A> {
    pub(crate) fn new(
        store: &A::Store,
        (log, inboxes): (A::Log, A::Inboxes),
        (routes, gateway, ties): (A::Routes, A::Gateway, A::Ties),
        hasher: &A::Hasher,
        (keys, key_set): (&A::Keys, &str),
        clock: &A::Clock,
        options: Options,
    ) -> Shared<A> {
        let Options { sign_ups_open, login_policy, lifetimes, ticket_ttl_s, socket_url } = options;
        let (store, hasher) = (|| store.clone(), || hasher.clone());
        let kick = Kick { sessions: store(), routes, gateway, clock: clock.clone() };
        Arc::new(Self {
            sign_up: SignUp { accounts: store(), hasher: hasher(), clock: clock.clone(), open: sign_ups_open },
            sign_in: SignIn {
                store: store(),
                hasher: hasher(),
                keys: keys.clone(),
                clock: clock.clone(),
                lifetimes,
                policy: login_policy,
                kick: kick.clone(),
            },
            refresh: Refresh { store: store(), keys: keys.clone(), clock: clock.clone(), lifetimes },
            issue_ticket: IssueTicket {
                sessions: store(),
                keys: keys.clone(),
                clock: clock.clone(),
                ttl_s: ticket_ttl_s,
            },
            change_password: ChangePassword { store: store(), hasher: hasher(), kick: kick.clone() },
            delete_account: DeleteAccount { store: store(), hasher: hasher(), kick, ties },
            sync: SyncDevice {
                log: log.clone(),
                inboxes: inboxes.clone(),
                routes: OverHttp,
                gateway: OverHttp,
                clock: clock.clone(),
            },
            history: ReadHistory { log, inboxes },
            keys: keys.clone(),
            clock: clock.clone(),
            key_set: key_set.to_owned(),
            socket_url,
        })
    }
}

/// On AWS.
pub(crate) struct Aws;

impl Adapters for Aws {
    type Store = SocialTable;
    type Routes = RouteTable;
    type Gateway = Connections;
    type Ties = Ties;
    type Log = Metered<LogTable>;
    type Inboxes = InboxTable;
    type Hasher = Hasher;
    type Keys = Keys;
    type Clock = SystemClock;
}

/// The function's settings.
#[derive(Debug)]
struct Settings {
    social_table: String,
    log_table: String,
    inboxes_table: String,
    routes_table: String,
    gateway: String,
    signing_key: SigningKey,
    verifying_keys: VerifyingKeys,
    options: Options,
}

impl Settings {
    fn read(environment: &Environment) -> Setting<Self> {
        // Nested, so that everything that is wrong is named at once.
        let (tables, gateway, (signing_key, verifying_keys), rest) = all((
            all((
                environment.social_table(),
                environment.log_table(),
                environment.inboxes_table(),
                environment.routes_table(),
            )),
            environment.gateway_endpoint(),
            all((environment.signing_key(), environment.verifying_keys())),
            all((
                environment.sign_ups_open(),
                environment.login_policy(),
                environment.access_token_ttl_s(),
                environment.refresh_token_ttl_s(),
                environment.ticket_ttl_s(),
                environment.socket_url(),
            )),
        ))?;
        let (social_table, log_table, inboxes_table, routes_table) = tables;
        let (sign_ups_open, login_policy, access, refresh, ticket, socket_url) = rest;
        let lifetimes = Lifetimes { access_token_s: access, refresh_token_s: refresh };
        let options = Options { sign_ups_open, login_policy, lifetimes, ticket_ttl_s: ticket, socket_url };
        Ok(Self { social_table, log_table, inboxes_table, routes_table, gateway, signing_key, verifying_keys, options })
    }
}

/// The use cases on AWS.
pub(crate) fn build(environment: &Environment, sdk: &SdkConfig, meter: &Meter) -> Result<Shared<Aws>, Error> {
    let (settings, ties) = all((Settings::read(environment), ties::build(environment, sdk, meter)))?;
    let dynamo = Client::new(sdk);
    let log = Metered::new(LogTable::new(dynamo.clone(), settings.log_table), meter);
    let inboxes = InboxTable::new(dynamo.clone(), settings.inboxes_table);
    let routes = RouteTable::new(dynamo.clone(), settings.routes_table);
    let ended = (routes, Connections::at(sdk, settings.gateway), ties);
    let store = SocialTable::new(dynamo, settings.social_table);
    let keys = Keys::new(settings.signing_key, settings.verifying_keys)?;
    let stores = (log, inboxes);
    Ok(App::new(&store, stores, ended, &Hasher::new(), (&keys, keys.key_set()), &SystemClock, settings.options))
}
