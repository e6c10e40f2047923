//! Host and port as one text, and taken apart again.

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `host:port` or `[v6]:port` taken apart; the brackets stay.
pub(crate) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_put_together_and_taken_apart() {
        assert_eq!(host_port("::1", 80), "[::1]:80");
        assert_eq!(host_port("db", 80), "db:80");
        assert_eq!(host_and_port("db:3306"), Some(("db", 3306)));
        assert_eq!(host_and_port("[::1]:80"), Some(("[::1]", 80)));
        assert_eq!(host_and_port("db"), None);
        assert_eq!(host_and_port(":80"), None);
        assert_eq!(host_and_port("db:70000"), None);
    }
}
