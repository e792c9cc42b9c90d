//! The tables and their keys. This is the one place that says what they are called and what their keys look like;
//! the local cloud, the template and the DynamoDB adapter all read it.
//!
//! | table | partition key | sort key | item |
//! | --- | --- | --- | --- |
//! | `routes` | `user` = `u_...` | `device` = device id | a device's connection, and what is left of it |
//! | `routes` | `user` = `watchers#u_...` | `device` = `u_...#<device>` | that a device watches somebody |
//! | `routes` | `user` = `watching#u_...` | `device` = device id | everybody whom a device watches |
//! | `log` | `conversation` = `d:...`, `g:...`, `n:...` | `seq` (number) | one entry |
//! | `inboxes` | `user` = `u_...` | `conversation` | what the user has of a conversation |
//! | `social` | `pk` = `user#u_...` | `sk` = `account` | an account |
//! | `social` | `pk` = `user#u_...` | `sk` = `session#<device>` | a device's session |
//! | `social` | `pk` = `user#u_...` | `sk` = `sign_out#<client id>` | what a request signed out |
//! | `social` | `pk` = `user#u_...` | `sk` = `contact#u_...` | what somebody has of another person |
//! | `social` | `pk` = `name#<username>` | `sk` = `name` | who has a user name |
//! | `social` | `pk` = `group#g_...` | `sk` = `group` | a group |
//! | `social` | `pk` = `group#g_...` | `sk` = `asking#u_...` | a request to become a member, or an invitation |
//! | `social` | `pk` = `group#g_...` | `sk` = `link#<code>` | a link that lets people in |
//! | `social` | `pk` = `members#g_...#<bucket>` | `sk` = `u_...` | a member |
//! | `social` | `pk` = `names#<first two letters>` | `sk` = `<username>` | the card of who has it, for searches |

pub mod routes;
pub mod social;

/// A key attribute's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `S`.
    String,
    /// `N`.
    Number,
}

impl KeyKind {
    /// As DynamoDB spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
        }
    }
}

/// A key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Attribute name.
    pub name: &'static str,
    /// Attribute type.
    pub kind: KeyKind,
}

impl KeySpec {
    const fn string(name: &'static str) -> Self {
        Self { name, kind: KeyKind::String }
    }

    const fn number(name: &'static str) -> Self {
        Self { name, kind: KeyKind::Number }
    }
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Logical name; a deployment puts its own prefix before it.
    pub name: &'static str,
    /// Hash key.
    pub partition_key: KeySpec,
    /// Range key.
    pub sort_key: Option<KeySpec>,
    /// Attribute with the time to live, in seconds since the Unix epoch.
    pub ttl: Option<&'static str>,
}

/// Connections of devices, for 2 h 10 min at most; what is left of them tells for a month when somebody was last seen.
/// And who watches whom, for an hour at most.
pub const ROUTES: TableSpec = TableSpec {
    name: "routes",
    partition_key: KeySpec::string("user"),
    sort_key: Some(KeySpec::string("device")),
    ttl: Some("expires_at"),
};

/// The conversation log. No TTL: it would delete heads, and a freed seq could be written again by a late put.
pub const LOG: TableSpec = TableSpec {
    name: "log",
    partition_key: KeySpec::string("conversation"),
    sort_key: Some(KeySpec::number("seq")),
    ttl: None,
};

/// One partition per user: what they have of each conversation.
pub const INBOXES: TableSpec = TableSpec {
    name: "inboxes",
    partition_key: KeySpec::string("user"),
    sort_key: Some(KeySpec::string("conversation")),
    ttl: None,
};

/// Accounts, user names, sessions, contacts and groups.
pub const SOCIAL: TableSpec = TableSpec {
    name: "social",
    partition_key: KeySpec::string("pk"),
    sort_key: Some(KeySpec::string("sk")),
    ttl: Some("expires_at"),
};

/// Every table.
pub const TABLES: &[TableSpec] = &[ROUTES, LOG, INBOXES, SOCIAL];
