//! How a user proves to know the password.
//!
//! Two plugins send a digest that is worth nothing on another connection. `caching_sha2_password` asks for the password itself
//! when the server has not seen the user lately, `sha256_password` always: it is sent only where the connection proves who
//! gets it. (Both could be had by RSA with a key that the server sends: who sends the key gets the password.)

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::greeting::Nonce;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    /// `mysql_native_password`: MariaDB, and MySQL before 8.
    Native,
    /// `caching_sha2_password`: MySQL since 8.
    CachingSha2,
    /// `sha256_password`: MySQL before it had a cache.
    Sha256,
}

impl Plugin {
    /// The plugin of this name, if pilot speaks it.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        [Plugin::Native, Plugin::CachingSha2, Plugin::Sha256].into_iter().find(|known| known.name().as_bytes() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Plugin::Native => "mysql_native_password",
            Plugin::CachingSha2 => "caching_sha2_password",
            Plugin::Sha256 => "sha256_password",
        }
    }

    /// The digest that is sent, or none where this plugin has none. Nothing stands for no password.
    pub(super) fn digest(self, password: &str, nonce: &Nonce) -> Option<Vec<u8>> {
        match self {
            Plugin::Native | Plugin::CachingSha2 if password.is_empty() => Some(Vec::new()),
            Plugin::Native => Some(native(password.as_bytes(), nonce)),
            Plugin::CachingSha2 => Some(caching_sha2(password.as_bytes(), nonce)),
            Plugin::Sha256 => None,
        }
    }
}

/// The password itself, as servers expect it.
pub(super) fn in_clear(password: &str) -> Vec<u8> {
    [password.as_bytes(), &[0]].concat()
}

/// SHA1(password) xor SHA1(nonce, SHA1(SHA1(password))).
fn native(password: &[u8], nonce: &Nonce) -> Vec<u8> {
    let sha1 = |parts: &[&[u8]]| digest(&SHA1_FOR_LEGACY_USE_ONLY, parts);
    let once = sha1(&[password]);
    let twice = sha1(&[&once]);
    mixed(&once, &sha1(&[nonce, &twice]))
}

/// SHA256(password) xor SHA256(SHA256(SHA256(password)), nonce).
fn caching_sha2(password: &[u8], nonce: &Nonce) -> Vec<u8> {
    let sha256 = |parts: &[&[u8]]| digest(&SHA256, parts);
    let once = sha256(&[password]);
    let twice = sha256(&[&once]);
    mixed(&once, &sha256(&[&twice, nonce]))
}

fn digest(algorithm: &'static ring::digest::Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

fn mixed(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(a, b)| a ^ b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_digests_are_those_that_servers_expect() {
        // Made with Python's hashlib from the formulas of the servers' documentation.
        let nonce = b"abcdefghijklmnopqrst";
        assert_eq!(hex(&Plugin::Native.digest("secret", nonce).unwrap()), "8817c50fa779daef010ee7577825b0847df9842e");
        assert_eq!(
            hex(&Plugin::CachingSha2.digest("secret", nonce).unwrap()),
            "c76e2898612a4cf042c77fa8c4702c4c64c0c2c557c53c4d75595aaa6abae809"
        );
        assert_eq!(Plugin::Sha256.digest("secret", nonce), None);
    }

    #[test]
    fn no_password_is_nothing() {
        assert_eq!(Plugin::Native.digest("", &[1; 20]), Some(vec![]));
        assert_eq!(Plugin::CachingSha2.digest("", &[1; 20]), Some(vec![]));
    }

    #[test]
    fn plugins_are_known_by_their_names() {
        for plugin in [Plugin::Native, Plugin::CachingSha2, Plugin::Sha256] {
            assert_eq!(Plugin::named(plugin.name().as_bytes()), Some(plugin));
        }
        assert_eq!(Plugin::named(b"mysql_clear_password"), None);
        assert_eq!(Plugin::named(b""), None);
    }
}
