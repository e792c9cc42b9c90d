//! What tables, queues and the bucket are called: a prefix, and the name that they have in all deployments.

use tidings_tables::TABLES;

use crate::ledger::Right;

/// Before every name, unless there is a backend: it may hold several clouds, told apart by this.
pub(crate) const PREFIX: &str = "tidings-local";

/// The names in one cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    prefix: String,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(PREFIX)
    }
}

impl Names {
    /// Names that begin with this and a dash.
    pub(crate) fn with(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The full name of a table, a queue or the bucket: `tidings-local-log`.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// What a full name is without the prefix; `None` if it isn't one of ours.
    pub(crate) fn short<'a>(&self, full: &'a str) -> Option<&'a str> {
        full.strip_prefix(self.prefix.as_str())?.strip_prefix('-')
    }

    /// The bucket.
    pub(crate) fn bucket(&self) -> String {
        self.full("files")
    }

    /// The partition key's attribute in one of our tables.
    pub(crate) fn partition_key(&self, table: &str) -> Option<&'static str> {
        let name = self.short(table)?;
        TABLES.iter().find(|spec| spec.name == name).map(|spec| spec.partition_key.name)
    }

    /// A right on a resource of this cloud, as it is written down in every cloud: a role knows no prefixes.
    pub(crate) fn told(&self, mut right: Right) -> Right {
        if let Some((kind, full)) = right.resource.split_once('/')
            && let Some(name) = self.short(full)
        {
            right.resource = format!("{kind}/{PREFIX}-{name}");
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_the_same_in_every_cloud() {
        let names = Names::with("t-7");
        for (resource, told) in [
            ("table/t-7-log", "table/tidings-local-log"),
            ("queue/t-7-fanout-0", "queue/tidings-local-fanout-0"),
            ("table/t-77-log", "table/t-77-log"),
            ("connections/POST", "connections/POST"),
        ] {
            assert_eq!(names.told(Right::on("a:B", resource)).resource, told);
        }
        assert_eq!(names.partition_key("t-7-log"), Some("conversation"));
        assert_eq!(names.partition_key("tidings-local-log"), None);
    }
}
