//! Where an `InfluxDB` is, and where it takes lines.

use std::net::IpAddr;

use reqwest::Url;

use super::client::ClientError;
use super::settings::{Api, InfluxSettings};

/// Whether an address is one of this machine.
pub fn is_local(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The address of a server as the settings give it; credentials have no place in it.
pub(super) fn base_url(text: &str) -> Result<Url, ClientError> {
    let refuse = |why: String| {
        let url = text.split('@').next_back().unwrap_or_default();
        let url = url.split('?').next().unwrap_or_default().to_owned();
        Err(ClientError::Url { url, why })
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(error.to_string()),
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("it begins with neither http:// nor https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("user and password have keys of their own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it has more after the path".to_owned());
    }
    Ok(url)
}

/// Where lines are sent to.
pub(super) fn write_url(base: &Url, settings: &InfluxSettings) -> Url {
    let mut url = base.clone();
    let precision = settings.layout.precision(&settings.api);
    match &settings.api {
        Api::V1 {
            database,
            retention_policy,
            ..
        } => {
            extend(&mut url, &["write"]);
            let mut query = url.query_pairs_mut();
            query.append_pair("db", database);
            if !retention_policy.is_empty() {
                query.append_pair("rp", retention_policy);
            }
            query.append_pair("precision", precision);
        }
        Api::V2 { org, bucket, .. } => {
            extend(&mut url, &["api", "v2", "write"]);
            let mut query = url.query_pairs_mut();
            query.append_pair("org", org).append_pair("bucket", bucket);
            query.append_pair("precision", precision);
        }
        Api::V3 { database, .. } => {
            extend(&mut url, &["api", "v2", "write"]);
            let mut query = url.query_pairs_mut();
            query
                .append_pair("bucket", database)
                .append_pair("precision", precision);
        }
    }
    url
}

/// Appends segments to the path.
pub(super) fn extend(url: &mut Url, path: &[&str]) {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_none_are_refused_without_a_secret() {
        for (url, expected) in [
            ("influxdb", "`influxdb` is no address"),
            ("ftp://a", "begins with neither"),
            ("http://u:CANARY@host", "have keys of their own"),
            ("http://host?p=CANARY", "has more after the path"),
        ] {
            let error = base_url(url).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains("CANARY"),
                "{error}"
            );
        }
    }

    #[test]
    fn this_machine_is_told_from_others_that_are_called_alike() {
        for url in [
            "http://localhost:8086",
            "http://127.0.0.1:8086/db",
            "http://127.9.9.9",
            "http://[::1]:8086",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://influxdb:8086",
            "http://127.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "localhost",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }
}
