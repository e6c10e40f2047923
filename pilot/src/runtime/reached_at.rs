//! Where something is reached, as text.

/// `address:port`, an IPv6 address in brackets.
pub(super) fn reached_at(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}
