//! The page at `/`: what can be done until there is a web client.

use crate::endpoints::Endpoints;

/// The page.
pub(crate) fn html(endpoints: &Endpoints) -> String {
    let rows = [
        ("HTTP API", &endpoints.api),
        ("Socket", &endpoints.socket),
        ("DynamoDB", &endpoints.dynamodb),
        ("SQS", &endpoints.sqs),
        ("S3", &endpoints.s3),
        ("Lambda", &endpoints.lambda),
    ];
    let rows = rows.map(|(name, url)| format!("<tr><th>{name}</th><td><code>{url}</code></td></tr>")).join("\n");
    let Endpoints { api, dynamodb, access_key_id, secret_access_key, region, .. } = endpoints;
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidings, local cloud</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }}
pre {{ padding: 1rem; overflow-x: auto; border: 1px solid #8888; border-radius: .5rem; }}
th {{ text-align: left; padding-right: 1.5rem; font-weight: 600; }}
</style>
</head>
<body>
<h1>Tidings is running</h1>
<p>This is the local cloud: the real functions behind a gateway, with tables, queues and files, all on this machine.
Everything is gone when it ends.</p>
<h2>Chat</h2>
<p>In two more terminals, as two people:</p>
<pre>cargo tidings --server {api} --profile alice register alice
cargo tidings --server {api} --profile bob register bob
cargo tidings --server {api} --profile alice chat bob</pre>
<h2>Look inside</h2>
<ul>
<li><a href="/_local/watch">/_local/watch</a>: what happens right now, in charts; as text for Prometheus at
<a href="/_local/metrics">/_local/metrics</a></li>
<li><a href="/_local/endpoints">/_local/endpoints</a>: every endpoint, table and queue as JSON</li>
<li><a href="/_local/ledger">/_local/ledger</a>: every billable call so far, per use case, and what it would cost</li>
</ul>
<pre>curl -X POST {api}/_local/ledger/reset</pre>
<p>Any AWS client works:</p>
<pre>export AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} AWS_DEFAULT_REGION={region}
aws --endpoint-url {dynamodb} dynamodb list-tables</pre>
<h2>Endpoints</h2>
<table>
{rows}
</table>
</body>
</html>
"#
    )
}
