//! The server that a run plays against.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
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
    /// The server at this address.
    pub fn at(server: &str) -> Self {
        Self { server: server.trim_end_matches('/').to_owned(), http: reqwest::Client::new(), running: None }
    }

    /// A local cloud of this run's own, its functions built if need be.
    pub async fn local(mut options: Options) -> Result<Self> {
        let functions = tidings_manifest::read_all(&options.functions_dir)?;
        options.binaries_dir = builder::build(&functions, options.loudness).await?;
        let running = LocalCloud::start(options).await?;
        let target = Self::at(&running.endpoints().api);
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

    /// What went wrong so far, by kind; nothing for a server that is no local cloud.
    pub async fn injected(&self) -> BTreeMap<String, u64> {
        self.get::<Injected>("faults").await.map(|report| report.injected).unwrap_or_default()
    }

    /// Breaks all open sockets; how many there were.
    pub async fn cut(&self) -> Result<usize> {
        let answer = self.http.post(self.local_page("sockets/cut")).send().await?.error_for_status();
        Ok(answer.context("only a local cloud can cut its sockets")?.json::<Cut>().await?.cut)
    }

    /// How often a use case happened so far, as the ledger of a local cloud counts it.
    pub async fn count(&self, use_case: &str) -> Option<u64> {
        let ledger: Value = self.get("ledger").await.ok()?;
        ledger["use_cases"][use_case]["count"].as_u64()
    }

    /// Waits until no record is on its way and no function has work. What is wrong then, a few words each; nothing
    /// for a server that is no local cloud.
    pub async fn unrest(&self, within: Duration) -> Vec<String> {
        let began = Instant::now();
        loop {
            let Ok(state) = self.get::<State>("state").await else { return Vec::new() };
            let unrest = state.unrest();
            if unrest.is_empty() || began.elapsed() > within {
                let dead = state.dead().into_iter().map(|(name, records)| format!("{name}: {records} records"));
                return unrest.into_iter().chain(dead).collect();
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
