//! What is told when all is made.

use serde_json::{Value, json};
use tidings_manifest::QueueName;
use tidings_tables::TABLES;

use crate::document::Named;
use crate::intrinsics::reference;
use crate::parameters::{DEPLOYED, WATCHED};
use crate::watching::alarms::TOPIC;
use crate::{http, names, page, socket};

/// The section `Outputs`.
pub(crate) fn section(shards: u32) -> Named<Value> {
    let mut outputs = Named::default();
    outputs.add("ApiUrl", output("The HTTP API: what clients are told to connect to", &http::url()));
    outputs.add("SocketUrl", output("The socket; a ticket goes into the query", &socket::url()));
    outputs.add("GatewayEndpoint", output("Where functions post to connections", &socket::management_endpoint()));
    let mut page_url = output("The web page", &page::url());
    let mut distribution = output("To invalidate after a new page", &reference("PageDistribution"));
    for one in [&mut page_url, &mut distribution] {
        one["Condition"] = json!(DEPLOYED);
    }
    outputs.add("PageUrl", page_url);
    outputs.add("PageDistributionId", distribution);
    outputs.add("PageBucketName", output("Where the web page goes", &reference("PageBucket")));
    outputs.add("FilesBucketName", output("Files that people send", &reference("FilesBucket")));
    let mut topic = output("Where alarms ring; subscribe to it", &reference(TOPIC));
    topic["Condition"] = json!(WATCHED);
    outputs.add("AlarmTopicArn", topic);
    for table in TABLES {
        let id = names::table(table.name);
        outputs.add(table_name(table.name), output(&format!("The table {}", table.name), &reference(&id)));
    }
    for queue in QueueName::ALL.into_iter().flat_map(|kind| kind.queues(shards)) {
        let (id, dead) = (names::queue(&queue), names::dead_letters(&queue));
        outputs.add(queue_url(&id), output(&format!("The queue {queue}"), &reference(&id)));
        outputs.add(queue_url(&dead), output("What failed of it", &reference(&dead)));
    }
    outputs
}

/// Which outputs name what there is, by the short names of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Tables and the outputs with their names.
    pub tables: Vec<(String, String)>,
    /// Queues, `...-dlq` among them, and the outputs with their URLs.
    pub queues: Vec<(String, String)>,
}

/// The outputs of a stack with that many shards.
pub fn told(shards: u32) -> Told {
    let tables = TABLES.iter().map(|table| (table.name.to_owned(), table_name(table.name)));
    let queues = QueueName::ALL.into_iter().flat_map(|kind| kind.queues(shards)).flat_map(|queue| {
        let (url, dead) = (queue_url(&names::queue(&queue)), queue_url(&names::dead_letters(&queue)));
        [(queue.clone(), url), (format!("{queue}-dlq"), dead)]
    });
    Told { tables: tables.collect(), queues: queues.collect() }
}

fn table_name(table: &str) -> String {
    format!("{}Name", names::table(table))
}

fn queue_url(id: &str) -> String {
    format!("{id}Url")
}

fn output(description: &str, value: &Value) -> Value {
    json!({ "Description": description, "Value": value })
}
