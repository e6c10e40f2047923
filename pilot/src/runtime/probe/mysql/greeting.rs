//! The server's first packet: what it can do, and the number used once that a password is mixed with.

use super::fault::Fault;
use super::fields::Fields;

/// The protocol that is spoken since MySQL 3.21; MySQL's X protocol (port 33060) begins with an 11 in this place.
const PROTOCOL: u8 = 10;
const X_PROTOCOL: u8 = 11;

/// Capability bits, of which both sides name theirs.
pub(super) mod can {
    pub(in super::super) const LONG_PASSWORD: u32 = 1;
    pub(in super::super) const CONNECT_WITH_DATABASE: u32 = 1 << 3;
    pub(in super::super) const PROTOCOL_41: u32 = 1 << 9;
    pub(in super::super) const TLS: u32 = 1 << 11;
    pub(in super::super) const TRANSACTIONS: u32 = 1 << 13;
    pub(in super::super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(in super::super) const AUTH_PLUGINS: u32 = 1 << 19;
}

/// The number used once.
pub(super) type Nonce = [u8; 20];

/// What counts of a greeting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// What the server can do.
    pub(super) capabilities: u32,
    /// Its number for this connection.
    pub(super) nonce: Nonce,
    /// How it would like users to log in; a user may be another's.
    pub(super) plugin: Vec<u8>,
}

impl Greeting {
    /// Takes the packet apart.
    pub(super) fn read(packet: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields::of(packet);
        match fields.byte()? {
            PROTOCOL => {}
            X_PROTOCOL => return Err(Fault::strange("this is MySQL's X protocol; the port wanted is mostly 3306")),
            other => return Err(Fault::strange(format!("it greets in protocol {other} instead of {PROTOCOL}"))),
        }
        let _version = fields.text()?;
        let _connection = fields.take(4)?;
        let first = fields.take(8)?;
        fields.take(1)?;
        let low = fields.u16()?;
        let _character_set = fields.byte()?;
        let _status = fields.u16()?;
        let high = fields.u16()?;
        let capabilities = u32::from(low) | u32::from(high) << 16;
        if capabilities & can::PROTOCOL_41 == 0 || capabilities & can::SECURE_CONNECTION == 0 {
            return Err(Fault::strange("it is older than MySQL 4.1"));
        }
        let length = fields.byte()?;
        let _reserved = fields.take(10)?;
        let second = fields.take(usize::from(length).saturating_sub(8).max(13))?;
        let plugin = match capabilities & can::AUTH_PLUGINS {
            0 => Vec::new(),
            // Some servers leave the NUL at its end away.
            _ => fields.rest().split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
        };
        Ok(Greeting { capabilities, nonce: nonce(&[first, second].concat())?, plugin })
    }
}

/// Twenty bytes, and a NUL at the end that some leave away.
pub(super) fn nonce(bytes: &[u8]) -> Result<Nonce, Fault> {
    let (nonce, rest) =
        bytes.split_first_chunk().ok_or_else(|| Fault::strange("a number used once that is too short"))?;
    if rest.iter().all(|byte| *byte == 0) {
        Ok(*nonce)
    } else {
        Err(Fault::strange("a number used once that is too long"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The greeting of a server with these capabilities and this plugin.
    pub(in super::super) fn greeting(capabilities: u32, plugin: &str) -> Vec<u8> {
        let [a, b, c, d] = capabilities.to_le_bytes();
        let mut packet = b"\x0a11.4.2-Server\0\x01\0\0\0abcdefgh\0".to_vec();
        packet.extend_from_slice(&[a, b, 45, 2, 0, c, d, 21]);
        packet.extend_from_slice(&[0; 10]);
        packet.extend_from_slice(b"ijklmnopqrst\0");
        packet.extend_from_slice(plugin.as_bytes());
        packet.push(0);
        packet
    }

    const ALL: u32 = can::PROTOCOL_41 | can::SECURE_CONNECTION | can::AUTH_PLUGINS;

    #[test]
    fn a_greeting_is_taken_apart() {
        let read = Greeting::read(&greeting(ALL, "caching_sha2_password")).unwrap();
        assert_eq!((read.capabilities, &read.nonce), (ALL, b"abcdefghijklmnopqrst"));
        assert_eq!(read.plugin, b"caching_sha2_password");
        assert_eq!(Greeting::read(&greeting(ALL & !can::AUTH_PLUGINS, "x")).unwrap().plugin, b"");
    }

    #[test]
    fn one_that_is_cut_or_of_another_protocol_is_a_fault() {
        let whole = greeting(ALL, "");
        for end in 0..whole.len() - 1 {
            assert!(Greeting::read(&whole[..end]).is_err(), "{end}");
        }
        for other in [&b"\x09abcd"[..], b"\x0b\x08\x05\x1a\0", b"", &[0xfe; 200]] {
            assert!(matches!(Greeting::read(other), Err(Fault::Strange(_))), "{other:?}");
        }
        assert!(Greeting::read(&greeting(can::PROTOCOL_41, "")).is_err());
    }

    #[test]
    fn a_number_used_once_has_twenty_bytes() {
        assert!(nonce(&[1; 20]).is_ok() && nonce(&[[1; 20].as_slice(), &[0]].concat()).is_ok());
        assert!(nonce(&[1; 19]).is_err() && nonce(&[1; 21]).is_err() && nonce(&[]).is_err());
    }
}
