//! Starting everything and ending it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tidings_keys::KeyPair;
use tidings_manifest::{Function, ManifestError, QueueName, Trigger};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::backend::files::Files;
use crate::backend::{Backend, BackendError};
use crate::data::{Data, DataError};
use crate::door::Door;
use crate::dynamodb::DynamoDb;
use crate::endpoints::Endpoints;
use crate::faults::{Plan, PlanError};
use crate::front::Front;
use crate::gateway::{Gateway, SOCKET_PATH};
use crate::host::{FunctionSpec, Host, REGION, SECRET};
use crate::keys;
use crate::ledger::Snapshot;
use crate::names::Names;
use crate::options::{OptionError, Options};
use crate::s3::{self, S3Error};
use crate::server::{self, Ending, PortTaken};
use crate::sqs::Sqs;
use crate::sqs::mapping::Mapping;
use crate::sqs::queues::{self, Queue};
use crate::state::State;
use crate::watch::Live;

/// The access key for people.
const ACCESS_KEY: &str = "local";

/// The local cloud.
#[derive(Debug)]
pub struct LocalCloud;

/// Why the cloud did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port is taken.
    #[error(transparent)]
    Port(#[from] PortTaken),
    /// An option can't be.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A `function.toml` is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A fault plan makes no sense.
    #[error(transparent)]
    Faults(#[from] PlanError),
    /// A function has no executable.
    #[error("the function {name} has no executable at {path}; build it first (leave out --no-build)")]
    NotBuilt {
        /// The function.
        name: String,
        /// Where it was looked for.
        path: String,
    },
    /// The backend can't be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The data folder can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The journal of the queues can't be used.
    #[error("the journal of the queues can't be used: {0}")]
    Journal(#[from] rusqlite::Error),
    /// The tables could not be made.
    #[error("the tables could not be made: {0}")]
    Tables(#[from] dynoxide::DynoxideError),
    /// The queues could not be made.
    #[error("the queues could not be made: {0}")]
    Queues(#[from] rustack_sqs_model::error::SqsError),
    /// The file store could not start.
    #[error(transparent)]
    Files(#[from] S3Error),
}

/// A cloud that runs. Dropping it ends everything, too, only less politely.
#[derive(Debug)]
pub struct Running {
    door: Arc<Door>,
    end: watch::Sender<bool>,
    tasks: Vec<AbortHandle>,
    messages_put_back: usize,
    mappings_enabled: watch::Sender<bool>,
    /// Last, so that nobody else has the folder before all else has ended.
    _data: Data,
}

/// Ports bound, one listener each.
struct Ports {
    door: (TcpListener, SocketAddr),
    dynamodb: (TcpListener, SocketAddr),
    sqs: (TcpListener, SocketAddr),
    s3: (TcpListener, SocketAddr),
    runtime_api: (TcpListener, SocketAddr),
}

impl Ports {
    /// The chosen port and the four after it, so that scripts know them; or five free ones.
    async fn bind(port: u16) -> Result<Self, PortTaken> {
        let next = |offset: u16| if port == 0 { 0 } else { port.saturating_add(offset) };
        Ok(Self {
            door: server::listen(next(0)).await?,
            dynamodb: server::listen(next(1)).await?,
            sqs: server::listen(next(2)).await?,
            s3: server::listen(next(3)).await?,
            runtime_api: server::listen(next(4)).await?,
        })
    }
}

impl LocalCloud {
    /// Starts everything. Returns when all ports answer; functions start with their first call.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let shards = options.shards()?;
        let backend = checked_backend(&options)?;
        let names = backend.map_or_else(Names::default, Backend::names);
        let functions = tidings_manifest::read_all(&options.functions_dir)?;
        let ports = Ports::bind(options.port).await?;
        let data = options.data.as_deref().map_or_else(Data::memory, Data::kept)?;
        let (end, ending) = watch::channel(false);
        let front = Arc::new(Front::default());

        let dynamodb = match backend {
            Some(backend) => DynamoDb::on(Arc::clone(&front), backend).await?,
            None => DynamoDb::open(Arc::clone(&front), &options.limits, data.tables().as_deref())?,
        };
        dynamodb.serve(ports.dynamodb.0, ending.clone());
        let journal = data.queues();
        let sqs = match backend {
            Some(backend) => Sqs::on(Arc::clone(&front), backend)?,
            None => Sqs::open(Arc::clone(&front), ports.sqs.1.port(), &options.limits, journal.as_deref())?,
        };
        let queues = sqs.create_queues(shards, options.limits.receives, |kind| kind.visibility_s(&functions)).await?;
        let messages_put_back = sqs.put_back().await?;
        sqs.serve(ports.sqs.0, ending.clone());
        let files = match backend {
            Some(backend) => Some(Files::on(backend).await?),
            None => None,
        };
        let place = (data.files(), files);
        s3::serve(ports.s3.0, ending.clone(), (&place.0, place.1), ACCESS_KEY, (&front, names.clone()))?;

        let endpoints = endpoints(&ports.door.1, [&ports.dynamodb.1, &ports.sqs.1, &ports.s3.1], &names, &queues);
        let keys = keys::open(data.signing_key().as_deref())?;
        let host = Host::new(
            specs(&options, functions.clone(), &keys)?,
            variables(&endpoints, &queues, &functions, &keys),
            ports.runtime_api.1,
            Arc::clone(&front),
            options.limits.clone(),
            options.loudness,
            ending.clone(),
        );
        host.serve_runtime_api(ports.runtime_api.0);
        let domain = ports.door.1.to_string();
        let gateway =
            Gateway::new(Arc::clone(&host), Arc::clone(&front), options.limits.clone(), domain, ending.clone());
        let door = Door {
            endpoints,
            gateway,
            host: Arc::clone(&host),
            front,
            sqs: Arc::clone(&sqs),
            queues,
            live: Live::default(),
        };
        door.inject(options.faults.clone())?;
        let door = Arc::new(door);
        door.serve(ports.door.0, ending.clone());

        let mut tasks = vec![
            tokio::spawn(Arc::clone(&host).reap_idle()).abort_handle(),
            tokio::spawn(Arc::clone(&door).sample()).abort_handle(),
            tokio::spawn(dynamodb.sweep_expired(options.limits.ttl_sweep)).abort_handle(),
        ];
        let mappings_enabled = watch::Sender::new(options.mappings);
        for mapping in mappings(&functions, &door.queues, &sqs, &host, &options) {
            let mut enabled = mappings_enabled.subscribe();
            let feeding = async move {
                // An error means that the cloud is gone.
                if enabled.wait_for(|enabled| *enabled).await.is_ok() {
                    Arc::new(mapping).run().await;
                }
            };
            tasks.push(tokio::spawn(feeding).abort_handle());
        }
        Ok(Running { door, end, tasks, messages_put_back, mappings_enabled, _data: data })
    }
}

impl Running {
    /// Where everything is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.door.endpoints
    }

    /// The queues, with their dead-letter queues.
    pub fn queues(&self) -> &[Queue] {
        &self.door.queues
    }

    /// How many queued messages of an earlier run it began with; see [`Options::data`].
    pub fn messages_put_back(&self) -> usize {
        self.messages_put_back
    }

    /// Has the queues feed their functions from now on; see [`Options::mappings`].
    pub fn enable_mappings(&self) {
        self.mappings_enabled.send_replace(true);
    }

    /// Every billable call since the start or the last reset.
    pub fn ledger(&self) -> Snapshot {
        self.door.ledger()
    }

    /// Starts the ledger from nothing.
    pub fn reset_ledger(&self) {
        self.door.reset_ledger();
    }

    /// What shall go wrong from now on; the plan that was there is over. An empty one ends all faults.
    pub fn inject(&self, plan: Plan) -> Result<(), PlanError> {
        self.door.inject(plan)
    }

    /// How often each fault was injected, since the start or the last reset: `dynamodb.throttle`,
    /// `functions.send.during` and so on. What was never injected isn't there.
    pub fn injected(&self) -> BTreeMap<String, u64> {
        self.door.front.faults().injected()
    }

    /// Counts injected faults from nothing.
    pub fn reset_injected(&self) {
        self.door.front.faults().reset();
    }

    /// What it holds: records in queues, calls and processes of functions, open sockets.
    pub async fn state(&self) -> State {
        self.door.state().await
    }

    /// Process ids of a function's environments.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        self.door.host.processes(function)
    }

    /// How many sockets are up.
    pub fn open_sockets(&self) -> usize {
        self.door.gateway.open_sockets()
    }

    /// Breaks every open connection without a close frame, as when a network fails; how many there were.
    pub fn cut_sockets(&self) -> usize {
        self.door.gateway.cut_sockets()
    }

    /// The functions that it runs.
    pub fn functions(&self) -> Vec<&str> {
        self.door.host.names()
    }

    /// Told when the cloud ends.
    pub fn ending(&self) -> Ending {
        self.end.subscribe()
    }

    /// Ends everything and waits until every process is gone.
    pub async fn stop(mut self) {
        self.end_all();
        self.door.host.stop().await;
    }

    fn end_all(&mut self) {
        self.end.send_replace(true);
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.door.host.kill_all();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_all();
    }
}

/// The backend, if there is one and it can be.
fn checked_backend(options: &Options) -> Result<Option<&Backend>, StartError> {
    let Some(backend) = &options.backend else { return Ok(None) };
    if options.data.is_some() {
        return Err(OptionError::DataAndBackend.into());
    }
    backend.check()?;
    Ok(Some(backend))
}

fn mappings(
    functions: &[Function],
    queues: &[Queue],
    sqs: &Arc<Sqs>,
    host: &Arc<Host>,
    options: &Options,
) -> Vec<Mapping> {
    let sources = functions
        .iter()
        .filter(|function| function.manifest.trigger == Trigger::Queue)
        .flat_map(|function| function.manifest.queues.iter().map(move |source| (function, source)));
    sources
        .flat_map(|(function, source)| {
            queues.iter().filter(|queue| queue.kind == source.name).map(|queue| Mapping {
                sqs: Arc::clone(sqs),
                host: Arc::clone(host),
                function: function.name.clone(),
                queue: queue.clone(),
                source: source.clone(),
                limits: options.limits.clone(),
                loudness: options.loudness,
            })
        })
        .collect()
}

fn specs(options: &Options, functions: Vec<Function>, keys: &KeyPair) -> Result<Vec<FunctionSpec>, StartError> {
    functions
        .into_iter()
        .map(|function| {
            let binary = options.binaries_dir.join(&function.name);
            if !binary.is_file() {
                return Err(StartError::NotBuilt { name: function.name, path: binary.display().to_string() });
            }
            let mut own = options.parameters_of(&function.name);
            // Who signs tokens holds the seed, nobody else.
            if function.signs_tokens() {
                own.insert("SIGNING_KEY".to_owned(), keys.signing_key.clone());
            }
            Ok(FunctionSpec { name: function.name, binary, manifest: function.manifest, own })
        })
        .collect()
}

fn endpoints(door: &SocketAddr, [dynamodb, sqs, s3]: [&SocketAddr; 3], names: &Names, queues: &[Queue]) -> Endpoints {
    let tables = tidings_tables::TABLES.iter().map(|table| (table.name.to_owned(), names.full(table.name)));
    Endpoints {
        page: format!("http://{door}/"),
        api: format!("http://{door}"),
        socket: format!("ws://{door}{SOCKET_PATH}"),
        gateway: format!("http://{door}{SOCKET_PATH}"),
        lambda: format!("http://{door}"),
        dynamodb: format!("http://{dynamodb}"),
        sqs: format!("http://{sqs}"),
        s3: format!("http://{s3}"),
        region: REGION.to_owned(),
        access_key_id: ACCESS_KEY.to_owned(),
        secret_access_key: SECRET.to_owned(),
        tables: tables.collect(),
        queues: queues::urls(queues),
        bucket: names.bucket(),
    }
}

/// What every function finds in its environment, beside its own parameters; the names are the contract with the functions' settings.
fn variables(
    endpoints: &Endpoints,
    queues: &[Queue],
    functions: &[Function],
    keys: &KeyPair,
) -> BTreeMap<String, String> {
    let url = |kind: QueueName| {
        let urls = queues.iter().filter(|queue| queue.kind == kind && !queue.left_over).map(|queue| queue.url.as_str());
        urls.collect::<Vec<_>>().join(",")
    };
    let sources = functions.iter().flat_map(|function| &function.manifest.queues);
    let mappings =
        sources.flat_map(|source| queues.iter().filter(|queue| queue.kind == source.name).map(move |_| source));
    let workers: u32 = mappings.map(|source| source.maximum_concurrency).sum();
    let fixed = [
        ("AWS_REGION", endpoints.region.clone()),
        ("AWS_DEFAULT_REGION", endpoints.region.clone()),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb.clone()),
        ("AWS_ENDPOINT_URL_SQS", endpoints.sqs.clone()),
        ("AWS_ENDPOINT_URL_S3", endpoints.s3.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("GATEWAY_ENDPOINT", endpoints.gateway.clone()),
        ("SOCKET_URL", endpoints.socket.clone()),
        ("FILES_BUCKET", endpoints.bucket.clone()),
        ("FANOUT_QUEUE_URLS", url(QueueName::Fanout)),
        ("RETRY_QUEUE_URL", url(QueueName::Retry)),
        ("TASK_QUEUE_URL", url(QueueName::Task)),
        ("WORKERS", workers.to_string()),
        ("VERIFYING_KEYS", keys.verifying_keys.clone()),
        ("TZ", ":UTC".to_owned()),
    ];
    let tables =
        endpoints.tables.iter().map(|(name, full_name)| (format!("{}_TABLE", name.to_uppercase()), full_name.clone()));
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
    fixed.chain(tables).collect()
}
