//! The ledger: every billable call, counted per use case.
//!
//! A use case is what a person or a device asked for: a route key (`message.send`, `$connect`, `GET /v1/sync`), a
//! queue (`queue:retry`), a connection being up (`connections`). Everything that a function does while it works on
//! one is booked there; what comes from outside the cloud is `external`.

mod counters;
pub mod prices;
mod rights;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

pub use counters::Counters;
pub(crate) use rights::compared_with;
pub use rights::{Right, Rights};

/// One use case: what it took, and by which calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UseCase {
    /// Counts of everything billable.
    #[serde(flatten)]
    pub counters: Counters,
    /// Calls by service and operation, as in `dynamodb.Query`: where the counts come from.
    pub calls: BTreeMap<String, u64>,
}

impl std::ops::Deref for UseCase {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.counters
    }
}

/// Counts per use case.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    use_cases: Mutex<BTreeMap<Arc<str>, UseCase>>,
    rights: Mutex<Rights>,
}

/// What the ledger holds at one moment: the answer of `GET /_local/ledger`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// Counts per use case.
    pub use_cases: BTreeMap<String, UseCase>,
    /// All use cases together.
    pub total: Counters,
    /// Dollars for a million of each use case, at list prices, where it was counted at all.
    pub dollars_per_million: BTreeMap<String, f64>,
    /// Dollars for everything in the ledger.
    pub dollars: f64,
    /// What each function did since the cloud's start, whatever was reset since.
    pub rights: Rights,
}

impl Snapshot {
    /// The counts of a use case; zeros if it never happened.
    pub fn use_case(&self, name: &str) -> UseCase {
        self.use_cases.get(name).cloned().unwrap_or_default()
    }
}

impl Ledger {
    /// Adds to a use case.
    pub(crate) fn book(&self, use_case: &Arc<str>, bill: &Counters) {
        self.with(use_case, |entry| entry.counters.add(bill));
    }

    /// Adds a call of an operation, and what it cost.
    pub(crate) fn book_call(&self, use_case: &Arc<str>, operation: String, bill: &Counters) {
        self.with(use_case, |entry| {
            entry.counters.add(bill);
            *entry.calls.entry(operation).or_default() += 1;
        });
    }

    fn with(&self, use_case: &Arc<str>, act: impl FnOnce(&mut UseCase)) {
        let mut use_cases = self.use_cases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = use_cases.get_mut(use_case) {
            act(entry);
        } else {
            act(use_cases.entry(Arc::clone(use_case)).or_default());
        }
    }

    /// A function did that.
    pub(crate) fn note(&self, function: &str, right: Right) {
        let mut rights = self.rights.lock().unwrap_or_else(PoisonError::into_inner);
        match rights.get_mut(function) {
            Some(own) if own.contains(&right) => {}
            Some(own) => drop(own.insert(right)),
            None => drop(rights.insert(function.to_owned(), BTreeSet::from([right]))),
        }
    }

    /// Everything so far.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let use_cases = self.use_cases.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut snapshot = Snapshot::default();
        for (name, use_case) in use_cases {
            let counters = &use_case.counters;
            snapshot.total.add(counters);
            if counters.count > 0 {
                #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
                let each = counters.dollars() / counters.count as f64;
                snapshot.dollars_per_million.insert(name.to_string(), each * 1e6);
            }
            snapshot.use_cases.insert(name.to_string(), use_case);
        }
        snapshot.dollars = snapshot.total.dollars();
        snapshot.rights = self.rights.lock().unwrap_or_else(PoisonError::into_inner).clone();
        snapshot
    }

    /// Starts again from nothing.
    pub(crate) fn reset(&self) {
        self.use_cases.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_short_messages_cost_what_the_design_says() {
        let ledger = Ledger::default();
        // Two sends of the lively 1:1 case: three gateway messages, one write, one call of 3.4 GB-ms each.
        for _ in 0..2 {
            ledger.book(
                &"message.send".into(),
                &Counters {
                    count: 1,
                    gateway_messages: 3,
                    write_units: 1.0,
                    invocations: 1,
                    gb_ms: 3.4,
                    ..Counters::default()
                },
            );
        }
        let dollars = ledger.snapshot().dollars_per_million["message.send"];
        assert!((dollars - 3.87).abs() < 0.01, "{dollars}");
        ledger.reset();
        assert_eq!(ledger.snapshot(), Snapshot::default());
    }
}
