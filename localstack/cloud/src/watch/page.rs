//! `GET /_local/watch`: a page that draws what [`super::live`] tells. Three files and nothing from elsewhere, under a
//! policy that forbids everything else.

use http::{HeaderValue, Response, StatusCode, header};

use crate::server::{self, Body};

/// Where the page lies; its parts lie below.
pub(crate) const PATH: &str = "/_local/watch";

/// What the page may do: load its own script and style, and listen.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page or one of its parts, if the path is one of theirs.
pub(crate) fn answer(path: &str) -> Option<Response<Body>> {
    let (content_type, text) = match path.strip_prefix(PATH)? {
        "" => ("text/html; charset=utf-8", include_str!("page/watch.html")),
        "/watch.js" => ("text/javascript; charset=utf-8", include_str!("page/watch.js")),
        "/watch.css" => ("text/css; charset=utf-8", include_str!("page/watch.css")),
        _ => return None,
    };
    let mut response = server::respond(StatusCode::OK, content_type, text);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

#[cfg(test)]
mod tests {
    use tidings_metrics::Metric;

    use super::*;

    #[test]
    fn the_page_keeps_its_own_policy() {
        let page = include_str!("page/watch.html");
        for forbidden in ["<style", " style=", "<script>", " onload=", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for part in ["watch.js", "watch.css"] {
            assert!(page.contains(&format!("\"{PATH}/{part}\"")), "{part}");
            assert!(answer(&format!("{PATH}/{part}")).is_some(), "{part}");
        }
        assert!(answer("/_local/watch/other").is_none());
        assert_eq!(answer(PATH).unwrap().headers()["content-security-policy"], POLICY);
    }

    /// Names in the script are texts; one that is misspelt would draw an empty chart.
    #[test]
    fn every_metric_that_is_drawn_exists() {
        let script = include_str!("page/watch.js");
        let mut drawn = 0;
        for call in ["count(\"", "quantile(\""] {
            for rest in script.split(call).skip(1) {
                let name = rest.split('"').next().unwrap();
                assert!(Metric::named(name).is_some(), "{name}");
                drawn += 1;
            }
        }
        assert!(drawn > 10, "{drawn}");
    }
}
