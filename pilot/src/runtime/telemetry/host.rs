//! Whether a request's `Host` names this server. A page of somebody else's may have its own name resolve to this address and
//! read what is answered (DNS rebinding); the browser still sends that page's name.

use std::net::IpAddr;

/// Names below these are never those of a public web site: RFC 6761, 6762, 8375, 9476, ICANN's `internal`, Consul's own.
const PRIVATE: [&str; 6] = ["localhost", "local", "internal", "consul", "home.arpa", "alt"];

/// Whether `host`, with or without a port, is an address, a name without a dot (no public site has one: the container's
/// host name, a service of Docker's or Kubernetes'), a private name, pilot's own host name, or one of `configured`. HTTP/1.0
/// may send none; browsers always do.
pub(super) fn is_ours(host: Option<&str>, own: &str, configured: &[String]) -> bool {
    let Some(host) = host else { return true };
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let is = |other: &str| name.eq_ignore_ascii_case(other.trim_end_matches('.'));
    let is_private = |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|front| front.ends_with('.'));
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    !name.is_empty()
        && (is_address
            || !name.contains('.')
            || is(own)
            || PRIVATE.iter().any(is_private)
            || configured.iter().any(|name| is(name)))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An IPv6 address has colons of its own.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_no_public_site_has_are_ours() {
        let configured = ["metrics.example.com".to_owned()];
        let ours = |host: &str| is_ours(Some(host), "box.example.net", &configured);
        for host in [
            "127.0.0.1",
            "10.0.0.7:9090",
            "[::1]",
            "[fd00::1]:9090",
            "localhost",
            "LOCALHOST:9090",
            "app:9090",
            "box.example.net:9090",
            "Box.Example.Net.",
            "metrics.example.com",
            "app.service.consul:9090",
            "task.prod.local",
            "ip-10-0-0-7.eu-central-1.compute.internal",
        ] {
            assert!(ours(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9090",
            "127.0.0.1.evil.example",
            "10.0.0.7.nip.io",
            "evil-local.com",
            "box.example.net.evil.example",
            "",
            ":9090",
            "notlocalhost.com",
            "evil.example:x",
        ] {
            assert!(!ours(host), "{host}");
        }
        assert!(is_ours(None, "box", &[]));
    }
}
