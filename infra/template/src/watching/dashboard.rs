//! The dashboard: how a stage does, from people at the top to what a message costs at the bottom.

use serde_json::{Value, json};
use tidings_manifest::{Function, QueueName};
use tidings_metrics::{METRICS, Metric, MetricRow, Unit};
use tidings_tables::{LOG, TABLES};

use super::alarms::{self, sends};
use super::metric::Measured;
use crate::document::{Named, Resource, Section, Sorted};
use crate::intrinsics::{named, sub};
use crate::parameters::WATCHED;

/// Columns of a dashboard. Source: CloudWatch, "Dashboard body structure and syntax".
const COLUMNS: usize = 24;

/// How high a row of charts is.
const HEIGHT: usize = 6;

/// How long a point of a chart is, in seconds: as long as an alarm's period, so that both show the same.
const PERIOD_S: u32 = tidings_metrics::Alarm::PERIOD_S;

/// How many alarms a widget shows. Source: the same page, "Alarm widget object properties".
const ALARMS_A_WIDGET: usize = 100;

/// A chart: its title, and its lines.
struct Chart {
    title: String,
    lines: Vec<Value>,
}

impl Chart {
    fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new() }
    }

    /// A line for one metric.
    fn line(mut self, label: &str, measured: &Measured) -> Self {
        self.lines.push(measured.for_dashboard(json!({ "label": label })));
        self
    }

    /// A line for each.
    fn lines<'a>(self, all: impl IntoIterator<Item = (&'a str, Measured)>) -> Self {
        all.into_iter().fold(self, |chart, (label, measured)| chart.line(label, &measured))
    }

    /// A line for what is reckoned from several: an expression in which each is known by its id.
    fn reckoned(mut self, label: &str, expression: &str, parts: Vec<(String, Measured)>) -> Self {
        for (id, measured) in parts {
            self.lines.push(measured.for_dashboard(json!({ "id": id, "visible": false })));
        }
        self.lines.push(json!([{ "expression": expression, "label": label }]));
        self
    }

    /// A line for a count of ours, over all functions that write it.
    fn counted(self, row: &MetricRow) -> Self {
        if let [function] = row.functions {
            return self.line(row.name, &Measured::written(row, function, "Sum"));
        }
        let prefix = row.name.to_ascii_lowercase();
        let parts: Vec<_> = row
            .functions
            .iter()
            .enumerate()
            .map(|(index, function)| (format!("{prefix}{index}"), Measured::written(row, function, "Sum")))
            .collect();
        let ids: Vec<_> = parts.iter().map(|(id, _)| id.as_str()).collect();
        let sum = format!("SUM([{}])", ids.join(", "));
        self.reckoned(row.name, &sum, parts)
    }

    /// A line for each count of a family.
    fn family(self, family: &str) -> Self {
        METRICS.iter().filter(|row| row.series.family == family).fold(self, Self::counted)
    }

    fn widget(&self, x: usize, y: usize, width: usize) -> Value {
        json!({
            "type": "metric", "x": x, "y": y, "width": width, "height": HEIGHT,
            "properties": {
                "title": self.title, "view": "timeSeries", "region": "${AWS::Region}", "period": PERIOD_S,
                "metrics": self.lines,
            },
        })
    }
}

/// What has been put down so far.
#[derive(Default)]
struct Board {
    widgets: Vec<Value>,
    y: usize,
}

impl Board {
    fn heading(&mut self, markdown: &str) {
        self.widgets.push(json!({
            "type": "text", "x": 0, "y": self.y, "width": COLUMNS, "height": 1,
            "properties": { "markdown": markdown, "background": "transparent" },
        }));
        self.y += 1;
    }

    fn alarms(&mut self, arns: &[String]) {
        for part in arns.chunks(ALARMS_A_WIDGET) {
            self.widgets.push(json!({
                "type": "alarm", "x": 0, "y": self.y, "width": COLUMNS, "height": HEIGHT,
                "properties": { "title": "Alarms", "alarms": part },
            }));
            self.y += HEIGHT;
        }
    }

    /// Charts beside each other.
    fn row(&mut self, heading: &str, charts: &[Chart]) {
        self.heading(&format!("## {heading}"));
        let width = COLUMNS / charts.len().max(1);
        self.widgets.extend(charts.iter().enumerate().map(|(index, chart)| chart.widget(index * width, self.y, width)));
        self.y += HEIGHT;
    }

    /// Whatever functions count and no chart shows yet, so that a new metric is shown by being there.
    fn others(&self) -> Chart {
        let body = self.body();
        let hidden =
            METRICS.iter().filter(|row| row.unit == Unit::Count && !body.contains(&format!("\"{}\"", row.name)));
        hidden.fold(Chart::new("Other counts"), Chart::counted)
    }

    /// A widget a line, so that a change of one shows as such.
    fn body(&self) -> String {
        // Texts and numbers can always be written as JSON.
        let line = |widget| serde_json::to_string(&Sorted(widget)).unwrap_or_default();
        let widgets: Vec<_> = self.widgets.iter().map(line).collect();
        format!("{{\"widgets\":[\n{}\n]}}\n", widgets.join(",\n"))
    }
}

/// The dashboard.
pub(crate) fn section(functions: &[Function], shards: u32) -> Section {
    let mut board = Board::default();
    board.heading("# Tidings, ${Stage}: infra/runbook.md says what to do about each alarm");
    let arns: Vec<_> = alarms::all(functions, shards).iter().map(|alarm| format!("${{{}.Arn}}", alarm.id())).collect();
    board.alarms(&arns);
    board.row("People", &people());
    board.row("How long it takes", &latencies());
    board.row(
        "Posts and jobs",
        &[
            Chart::new("Posts by result").family(Metric::PostsTaken.row().series.family),
            Chart::new("Jobs by queue").family(Metric::FanOutJobs.row().series.family),
            Chart::new("Instead of entries").counted(Metric::PullHints.row()).counted(Metric::RouteMisses.row()),
        ],
    );
    board.row("Queues", &queues(shards));
    board.row("Functions", &of_functions(functions));
    board.row("Tables", &of_tables());
    let others = board.others();
    board.row("What else functions write", &[others]);
    board.row("What a message costs", &costs());
    let properties = json!({ "DashboardName": named("overview"), "DashboardBody": sub(board.body()) });
    let mut resources = Named::default();
    resources.add("Dashboard", Resource::new("AWS::CloudWatch::Dashboard", properties).when(WATCHED));
    Section { title: "The dashboard", resources }
}

fn people() -> [Chart; 4] {
    let failing = ["IntegrationError", "ExecutionError", "ClientError"].map(|name| (name, Measured::socket(name)));
    let http = [("HTTP 4xx", Measured::http("4xx")), ("HTTP 5xx", Measured::http("5xx"))];
    [
        Chart::new("Sends").counted(Metric::Sends.row()).counted(Metric::Duplicates.row()),
        Chart::new("New connections").line("connects", &Measured::socket("ConnectCount")),
        Chart::new("Refusals by reason").family(Metric::Refusals.row().series.family),
        Chart::new("Refused by the gateways").lines(failing).lines(http),
    ]
}

/// Every duration that functions write, its middle and its end.
fn latencies() -> Vec<Chart> {
    let durations = METRICS.iter().filter(|row| row.unit == Unit::Milliseconds);
    let chart = |row: &MetricRow| {
        row.functions.iter().fold(Chart::new(format!("{} (ms)", row.name)), |chart, function| {
            ["p50", "p99"].into_iter().fold(chart, |chart, statistic| {
                chart.line(&format!("{function} {statistic}"), &Measured::written(row, function, statistic))
            })
        })
    };
    durations.map(chart).collect()
}

fn queues(shards: u32) -> [Chart; 3] {
    let names: Vec<_> = QueueName::ALL.into_iter().flat_map(|kind| kind.queues(shards)).collect();
    let waiting = "ApproximateNumberOfMessagesVisible";
    let each = |title: &str, metric: &'static str, ending: &str| {
        names.iter().fold(Chart::new(title), |chart, queue| {
            chart.line(queue, &Measured::queue(metric, &format!("{queue}{ending}")))
        })
    };
    [
        each("Records that wait", waiting, ""),
        each("Age of the oldest (s)", "ApproximateAgeOfOldestMessage", ""),
        each("Dead letters", waiting, "-dlq"),
    ]
}

fn of_functions(functions: &[Function]) -> [Chart; 5] {
    let each = |title: &str, metric: &'static str, statistic: &'static str| {
        let lines =
            functions.iter().map(|Function { name, .. }| (name.as_str(), Measured::function(metric, name, statistic)));
        Chart::new(title).lines(lines)
    };
    let cold = Metric::ColdStarts.row();
    let starts = cold.functions.iter().map(|function| (*function, Measured::written(cold, function, "Sum")));
    [
        each("Errors", "Errors", "Sum"),
        each("Throttles", "Throttles", "Sum"),
        Chart::new("Cold starts").lines(starts),
        each("Duration, p99 (ms)", "Duration", "p99"),
        each("At once", "ConcurrentExecutions", "Maximum"),
    ]
}

fn of_tables() -> [Chart; 3] {
    let each = |title: &str, metric: &'static str| {
        Chart::new(title).lines(TABLES.iter().map(|table| (table.name, Measured::table(metric, table.name))))
    };
    let refused = TABLES.iter().fold(Chart::new("Throttles"), |chart, table| {
        let (reads, writes) = (format!("{} reads", table.name), format!("{} writes", table.name));
        let chart = chart.line(&reads, &Measured::table("ReadThrottleEvents", table.name));
        chart.line(&writes, &Measured::table("WriteThrottleEvents", table.name))
    });
    [each("Read units", "ConsumedReadCapacityUnits"), each("Write units", "ConsumedWriteCapacityUnits"), refused]
}

/// Everything that is billed by use, for each message.
fn costs() -> [Chart; 3] {
    let per_send = |title: &str, spent: Vec<(String, Measured)>| {
        let ids: Vec<_> = spent.iter().map(|(id, _)| id.clone()).collect();
        let expression = format!("SUM([{}]) / sends", ids.join(", "));
        let mut parts = spent;
        parts.push(("sends".to_owned(), sends()));
        Chart::new(title).reckoned("for each message", &expression, parts)
    };
    let writes =
        TABLES.iter().map(|table| (table.name.to_owned(), Measured::table("ConsumedWriteCapacityUnits", table.name)));
    [
        per_send("Gateway messages", vec![("spent".to_owned(), Measured::socket("MessageCount"))]),
        per_send("Write units, all tables", writes.collect()),
        per_send(
            "Write units of the log",
            vec![("log".to_owned(), Measured::table("ConsumedWriteCapacityUnits", LOG.name))],
        ),
    ]
}
