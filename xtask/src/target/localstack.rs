//! LocalStack as the backend of the local cloud. It is not started here: it needs Docker.

use std::net::TcpStream;

/// Where `localstack/compose.yaml` puts it.
const URL: &str = "http://127.0.0.1:4566";
const ADDRESS: &str = "127.0.0.1:4566";

/// Its URL, if it is up.
pub(super) fn up() -> Result<&'static str, String> {
    match TcpStream::connect(ADDRESS) {
        Ok(_) => Ok(URL),
        Err(error) => Err(format!(
            "nobody answers at {ADDRESS} ({error}); start LocalStack first: `docker compose --file \
             localstack/compose.yaml up --wait`"
        )),
    }
}
