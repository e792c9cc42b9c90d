//! The fault switch: every fault does what it says, as a real client sees it, and is counted.

#[cfg(test)]
mod calls;
#[cfg(test)]
#[path = "../common/mod.rs"]
mod common;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod records;
#[cfg(test)]
mod switch;

use std::collections::BTreeMap;

/// What was injected: what is named, that often, and nothing else.
#[cfg(test)]
fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(fault, count)| (fault.to_owned(), count)).collect()
}
