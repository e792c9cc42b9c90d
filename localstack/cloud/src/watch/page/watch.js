// Draws what the local cloud tells, a sample a second. Samples hold totals; a chart draws what they gained over the
// last seconds.
"use strict";

// Rates and quantiles are over this many samples: fewer jump, more hide what just happened.
const WINDOW = 5;
const WIDTH = 480;
const HEIGHT = 150;
const LEFT = 44;
const BOTTOM = 16;

let table = { metrics: [], bounds_s: [], kept: 300 };
let samples = [];

// What a sample says that a series is made of.
const count = (name) => (sample) => sample.counts[name] || 0;
const ledger = (name) => (sample) => sample.ledger[name] || 0;
const records = (dead) => (sample) => {
  let sum = 0;
  for (const [name, queue] of Object.entries(sample.state.queues)) {
    if (name.endsWith("-dlq") === dead) sum += queue.visible + queue.in_flight + queue.delayed;
  }
  return sum;
};
const environments = (state) => (sample) => {
  let sum = 0;
  for (const of of Object.values(sample.state.functions)) sum += of[state];
  return sum;
};

// Series: from all samples and an index to a value, or null where there is none.
const rate = (read) => (all, index) => {
  const from = all[Math.max(0, index - WINDOW)];
  const to = all[index];
  if (from === to) return null;
  // After a reset of the ledger totals begin anew.
  return Math.max(0, read(to) - read(from)) * 1000 / Math.max(1, to.at - from.at);
};
const level = (read) => (all, index) => read(all[index]);
const quantile = (name, share) => (all, index) => {
  const to = all[index].durations[name];
  const from = all[Math.max(0, index - WINDOW)].durations[name];
  const gained = to.map((value, bucket) => value - from[bucket]);
  const wanted = gained[gained.length - 1] * share;
  if (wanted <= 0) return null;
  const bucket = gained.findIndex((value) => value >= wanted);
  const upper = table.bounds_s[bucket];
  // Above the last bound nothing more is known.
  if (upper === undefined) return table.bounds_s[table.bounds_s.length - 1] * 1000;
  const lower = bucket > 0 ? table.bounds_s[bucket - 1] : 0;
  const below = bucket > 0 ? gained[bucket - 1] : 0;
  return (lower + (upper - lower) * (wanted - below) / (gained[bucket] - below)) * 1000;
};

const charts = [
  { title: "Messages a second", about: "Sends",
    series: [["acknowledged", rate(count("Sends"))], ["again", rate(count("Duplicates"))], ["conflicts", rate(count("Conflicts"))]] },
  { title: "Time to acknowledge, ms", about: "AckLatency",
    series: [["half within", quantile("AckLatency", .5)], ["99 % within", quantile("AckLatency", .99)]] },
  { title: "Time to push, ms", about: "PushLatency",
    series: [["half within", quantile("PushLatency", .5)], ["99 % within", quantile("PushLatency", .99)]] },
  { title: "Posts a second, by result", about: "PostsTaken",
    series: [["taken", rate(count("PostsTaken"))], ["gone", rate(count("PostsGone"))], ["slow", rate(count("PostsSlow"))], ["failed", rate(count("PostsFailed"))]] },
  { title: "Fan-out lag, ms", about: "FanOutLag",
    series: [["half within", quantile("FanOutLag", .5)], ["99 % within", quantile("FanOutLag", .99)]] },
  { title: "Records in queues", about: "Waiting, delayed and in work; dead letters beside them.",
    series: [["alive", level(records(false))], ["dead", level(records(true))]] },
  { title: "Jobs queued a second", about: "What send and deliver hand on.",
    series: [["fan-out", rate(count("FanOutJobs"))], ["retry", rate(count("RetryJobs"))], ["task", rate(count("Tasks"))], ["hints to pull", rate(count("PullHints"))]] },
  { title: "Connections", about: "Sockets that are up.",
    series: [["up", level((sample) => sample.state.sockets)]] },
  { title: "Refused and missed, a second", about: "Refusals",
    series: [["refused", rate(count("Refusals"))], ["behind", rate(count("Behind"))], ["unavailable", rate(count("Unavailable"))], ["faults", rate(count("InternalFaults"))], ["route misses", rate(count("RouteMisses"))]] },
  { title: "Function calls a second", about: "Calls of all functions, and those that had to start one.",
    series: [["calls", rate(ledger("invocations"))], ["cold", rate(count("ColdStarts"))], ["failed", rate(ledger("failed_invocations"))]] },
  { title: "Environments", about: "Processes of functions.",
    series: [["working", level(environments("working"))], ["idle", level(environments("idle"))]] },
  { title: "Table units a second", about: "As DynamoDB bills them.",
    series: [["read", rate(ledger("read_units"))], ["written", rate(ledger("write_units"))]] },
  { title: "Gateway messages a second", about: "Frames in, replies and posts out.",
    series: [["messages", rate(ledger("gateway_messages"))]] },
  { title: "Dollars for a million sends", about: "At list prices, since the ledger's last reset; function time is this machine's.",
    series: [["message.send", level((sample) => sample.dollars_per_million["message.send"] ?? null)]] },
];

const tiles = [
  ["messages", (sample) => whole(count("Sends")(sample))],
  ["connections", (sample) => whole(sample.state.sockets)],
  ["posts", (sample) => whole(count("PostsTaken")(sample))],
  ["99 % acknowledged within", (_, all) => millis(quantile("AckLatency", .99)(all, all.length - 1))],
  ["99 % pushed within", (_, all) => millis(quantile("PushLatency", .99)(all, all.length - 1))],
  ["conflicts", (sample) => whole(count("Conflicts")(sample))],
  ["dead letters", (sample) => whole(records(true)(sample))],
  ["spent at list prices", (sample) => "$" + sample.dollars.toPrecision(3)],
];

const whole = (value) => value.toLocaleString("en");
const millis = (value) => (value === null ? "–" : short(value) + " ms");
const short = (value) => {
  if (value === null) return "–";
  if (value === 0) return "0";
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

const html = (name, parent, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
};
const svg = (name, parent, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
};

function build() {
  const tilesAt = document.getElementById("tiles");
  for (const tile of tiles) {
    const box = html("div", tilesAt, "tile");
    tile.value = html("b", box, "", "–");
    html("span", box, "", tile[0]);
  }
  const chartsAt = document.getElementById("charts");
  for (const chart of charts) {
    const box = html("section", chartsAt, "chart");
    html("h2", box, "", chart.title);
    chart.note = html("p", box, "", "");
    chart.svg = svg("svg", box, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": chart.title });
    chart.scale = [0, .5, 1].map((share) => {
      const y = yOf(share, 1);
      svg("line", chart.svg, { x1: LEFT, x2: WIDTH, y1: y, y2: y, class: "grid" });
      return svg("text", chart.svg, { x: LEFT - 6, y: y + 3, "text-anchor": "end", class: "scale" });
    });
    chart.begin = svg("text", chart.svg, { x: LEFT, y: HEIGHT - 2, class: "scale" });
    svg("text", chart.svg, { x: WIDTH, y: HEIGHT - 2, "text-anchor": "end", class: "scale" }).textContent = "now";
    const legend = html("div", box, "legend");
    chart.lines = chart.series.map(([name], index) => {
      const entry = html("span", legend, "s" + index, name + " ");
      return { path: svg("path", chart.svg, { class: "series s" + index }), value: html("b", entry, "", "–") };
    });
  }
}

const yOf = (value, top) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 6) * value / top;

// The next of 1, 2, 5, 10, 20 ... above a value.
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 1.02) || 20 * power;
}

function draw() {
  if (samples.length === 0) return;
  const newest = samples[samples.length - 1];
  for (const tile of tiles) tile.value.textContent = tile[1](newest, samples);
  const seconds = Math.round((newest.at - samples[0].at) / 1000);
  for (const chart of charts) {
    const values = chart.series.map(([, series]) => samples.map((_, index) => series(samples, index)));
    const top = ceiling(Math.max(...values.flat().filter((value) => value !== null), 0));
    chart.scale.forEach((label, index) => { label.textContent = short(top * index / 2); });
    chart.begin.textContent = `${seconds} s ago`;
    values.forEach((line, index) => {
      chart.lines[index].path.setAttribute("d", path(line, top));
      chart.lines[index].value.textContent = short(line[line.length - 1]);
    });
  }
}

function path(values, top) {
  const step = (WIDTH - LEFT) / Math.max(1, values.length - 1);
  let text = "";
  let down = true;
  values.forEach((value, index) => {
    if (value === null) {
      down = true;
      return;
    }
    text += `${down ? "M" : "L"}${(LEFT + step * index).toFixed(1)} ${yOf(value, top).toFixed(1)}`;
    // A single value between gaps shows as a dash.
    if (down) text += "h1";
    down = false;
  });
  return text;
}

function status(name, text) {
  const element = document.getElementById("status");
  element.className = name;
  element.textContent = text;
}

// Several samples may come at once; they are drawn once, when the browser draws.
let drawing = false;
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

build();
const source = new EventSource("/_local/watch/events");
source.addEventListener("table", (event) => {
  // The beginning of what is kept, also after the connection was lost.
  table = JSON.parse(event.data);
  samples = [];
  const about = new Map(table.metrics);
  for (const chart of charts) chart.note.textContent = about.get(chart.about) || chart.about;
  status("live", "live");
});
source.addEventListener("sample", (event) => {
  samples.push(JSON.parse(event.data));
  if (samples.length > table.kept) samples.shift();
  drawSoon();
});
source.addEventListener("error", () => status("lost", "connection lost, trying again"));
