//! The server that a run plays against.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidings_local::faults::Plan;
use tidings_local::state::State;
use tidings_local::{LocalCloud, Options, Running, builder};
use tokio::time::sleep;

/// Time between two looks at a server that shall come to rest.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A server. What only a local cloud can do (faults, its state) it is asked for over HTTP, so that it may as well run
/// elsewhere.
#[derive(Debug)]
pub struct Target {
    server: String,
    http: reqwest::Client,
    /// Whether it is a local cloud, which can be asked for more than a server.
    local: bool,
    running: Option<Running>,
}

#[derive(Deserialize)]
struct Injected {
    injected: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Cut {
    cut: usize,
}

impl Target {
    /// The server at this address, which must answer.
    pub async fn at(server: &str) -> Result<Self> {
        let server = server.trim_end_matches('/').to_owned();
        let mut target = Self { server, http: reqwest::Client::new(), local: false, running: None };
        let answer = target.http.get(target.local_page("endpoints")).send().await?;
        target.local = answer.status().is_success();
        Ok(target)
    }

    /// A local cloud of this run's own, its functions built if need be.
    pub async fn local(mut options: Options) -> Result<Self> {
        let functions = tidings_manifest::read_all(&options.functions_dir)?;
        options.binaries_dir = builder::build(&functions, options.loudness).await?;
        let running = LocalCloud::start(options).await?;
        let target = Self::at(&running.endpoints().api).await?;
        Ok(Self { running: Some(running), ..target })
    }

    /// Its address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// From now on this goes wrong.
    pub async fn inject(&self, plan: &Plan) -> Result<()> {
        let request = self.http.post(self.local_page("faults")).body(serde_json::to_vec(plan)?);
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "the server takes no faults ({status}): {text}");
        Ok(())
    }

    /// What went wrong so far, by kind; nothing at a server that is no local cloud.
    pub async fn injected(&self) -> Result<BTreeMap<String, u64>> {
        if !self.local {
            return Ok(BTreeMap::new());
        }
        Ok(self.get::<Injected>("faults").await?.injected)
    }

    /// Breaks all open sockets; how many there were.
    pub async fn cut(&self) -> Result<usize> {
        anyhow::ensure!(self.local, "only a local cloud can cut its sockets");
        let answer = self.http.post(self.local_page("sockets/cut")).send().await?.error_for_status()?;
        Ok(answer.json::<Cut>().await?.cut)
    }

    /// How often a use case happened so far, as the ledger counts it; 0 at a server that is no local cloud.
    pub async fn count(&self, use_case: &str) -> Result<u64> {
        if !self.local {
            return Ok(0);
        }
        let ledger: Value = self.get("ledger").await?;
        Ok(ledger["use_cases"][use_case]["count"].as_u64().unwrap_or_default())
    }

    /// Waits until no record is on its way and no function has work. What is wrong then, a few words each; nothing
    /// at a server that is no local cloud.
    pub async fn unrest(&self, within: Duration) -> Result<Vec<String>> {
        if !self.local {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        loop {
            let state: State = self.get("state").await?;
            let unrest = state.unrest();
            if unrest.is_empty() || began.elapsed() > within {
                let dead = state.dead().into_iter().map(|(name, records)| format!("{name}: {records} records"));
                return Ok(unrest.into_iter().chain(dead).collect());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends a cloud of our own.
    pub async fn stop(self) {
        if let Some(running) = self.running {
            running.stop().await;
        }
    }

    async fn get<T: DeserializeOwned>(&self, page: &str) -> Result<T> {
        Ok(self.http.get(self.local_page(page)).send().await?.error_for_status()?.json().await?)
    }

    fn local_page(&self, page: &str) -> String {
        format!("{}/_local/{page}", self.server)
    }
}
