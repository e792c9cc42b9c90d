//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Load runs on real clients, judged by the history checker. Ends with 1 if anything was lost, doubled, out of order
/// or corrupted.
#[derive(Debug, Parser)]
#[command(name = "tidings-load", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) at: Where,
    /// Print the report as one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// Against what.
#[derive(Debug, ClapArgs)]
pub(crate) struct Where {
    /// Address of a server [default: a local cloud of its own]. Faults, and cutting all sockets, need a local cloud
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Set a parameter of the functions of its own cloud; may be given several times
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Everything that people do, while functions are killed and everything else fails now and then
    Soak(Soak),
    /// All devices lose their connection at once
    Storm(Storm),
    /// Few senders, then many, in one conversation
    Contend(Contend),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Soak {
    /// How long, without the preparations and the comparison
    #[arg(long, default_value_t = 5.0)]
    pub(crate) minutes: f64,
    /// So many devices are online
    #[arg(long, default_value_t = 100)]
    pub(crate) sockets: usize,
    /// So many of them belong to each person
    #[arg(long, default_value_t = 5)]
    pub(crate) devices: usize,
    /// Actions a second, about three in five of them a message
    #[arg(long, default_value_t = 10.0)]
    pub(crate) rate: f64,
    /// What goes wrong: a fault plan as the local cloud takes it [default: some of everything]
    #[arg(long, value_name = "FILE", conflicts_with = "calm")]
    pub(crate) faults: Option<PathBuf>,
    /// Nothing goes wrong
    #[arg(long)]
    pub(crate) calm: bool,
    /// Seed of who does what and of the faults
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Say how it goes every so many seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) tell_every: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Storm {
    /// So many devices
    #[arg(long, default_value_t = 1_000)]
    pub(crate) devices: usize,
    /// So many of them belong to each person
    #[arg(long, default_value_t = 10)]
    pub(crate) each: usize,
    /// So many people write meanwhile
    #[arg(long, default_value_t = 10)]
    pub(crate) writers: usize,
    /// Seconds until all are back
    #[arg(long, default_value_t = 120)]
    pub(crate) within: u64,
    /// Seed of who writes what
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Contend {
    /// Numbers of senders, who take turns
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100])]
    pub(crate) senders: Vec<usize>,
    /// How often they take turns
    #[arg(long, default_value_t = 3)]
    pub(crate) turns: u32,
    /// Seconds of each turn
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Share of the first number's throughput that the others must reach
    #[arg(long, default_value_t = 0.8)]
    pub(crate) keeps: f64,
}
