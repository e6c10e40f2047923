//! A conversation: greeting, TLS, log-in, and the good-bye.

use pilot_core::plan::MysqlTls;
use rustls::pki_types::ServerName;

use super::auth::{Plugin, in_clear};
use super::fault::Fault;
use super::fields::Fields;
use super::greeting::{Greeting, Nonce, can, nonce};
use super::metered::Metered;
use super::packet::{Packets, Stream};
use super::tls::{self, Check};

/// Packets of the server's between the log-in's first and its verdict: a change of plugin and a question or two.
const MOST_STEPS: usize = 8;
/// utf8mb4, in its first collation: known to every server since 5.5.
const CHARACTER_SET: u8 = 45;
/// What we would take; servers hold us to less.
const LONGEST_PACKET: u32 = 1 << 24;
const COM_QUIT: u8 = 1;

/// Who logs in, and how.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) database: Option<&'a str>,
    pub(super) tls: MysqlTls,
    /// What the server's certificate has to be.
    pub(super) check: &'a Check,
    /// The name that the certificate is for.
    pub(super) name: ServerName<'static>,
    /// The way is a unix socket: who answers there has been let in by the permissions of its folder.
    pub(super) local: bool,
}

/// Speaks until the server has let the user in. `greeted` is called when the server has begun to count on an answer.
pub(super) async fn log_in(
    stream: impl Stream + 'static,
    login: &Login<'_>,
    greeted: impl FnOnce(),
) -> Result<Packets, Fault> {
    let mut packets = Packets::over(Box::new(Metered::new(stream)));
    let greeting = Greeting::read(packets.read().await?)?;
    greeted();
    let mut capabilities = own_capabilities(&greeting, login)?;
    let mut proven = login.local;
    if wants_tls(login.tls, greeting.capabilities)? {
        capabilities |= can::TLS;
        packets.write(&preamble(capabilities)).await?;
        packets = packets.through(async |stream| tls::over(stream, login.check, login.name.clone()).await).await?;
        proven |= login.check.proves();
    }
    // A user's plugin is often another than the server's first choice, and it will say so.
    let (mut plugin, digest) = Plugin::named(&greeting.plugin)
        .and_then(|plugin| Some((plugin, plugin.digest(login.password, &greeting.nonce)?)))
        .unwrap_or((Plugin::Native, Plugin::Native.digest(login.password, &greeting.nonce).unwrap_or_default()));
    packets.write(&response(capabilities, login, plugin, &digest)?).await?;

    let password_itself = || match proven || login.password.is_empty() {
        true => Ok(in_clear(login.password)),
        false => Err(Fault::Unverified),
    };
    for _ in 0..MOST_STEPS {
        match Step::read(packets.read().await?)? {
            Step::LetIn => return Ok(packets),
            Step::Switch(other, nonce) => {
                plugin = other;
                let answer = plugin.digest(login.password, &nonce).map_or_else(password_itself, Ok)?;
                packets.write(&answer).await?;
            }
            Step::More(FAST_IS_FINE) if plugin == Plugin::CachingSha2 => {}
            Step::More(FULL_IS_WANTED) if plugin == Plugin::CachingSha2 => packets.write(&password_itself()?).await?,
            Step::More(_) => return Err(Fault::strange("a question that no log-in asks")),
        }
    }
    Err(Fault::strange("a log-in without an end"))
}

/// Says good-bye. A server that is left without one counts an aborted client.
pub(super) async fn quit(packets: &mut Packets) {
    packets.begin();
    if packets.write(&[COM_QUIT]).await.is_ok() {
        packets.shut_down().await;
    }
}

const FAST_IS_FINE: u8 = 3;
const FULL_IS_WANTED: u8 = 4;

/// What the server says to a log-in.
enum Step {
    LetIn,
    Switch(Plugin, Nonce),
    More(u8),
}

impl Step {
    fn read(packet: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields::of(packet);
        match fields.byte()? {
            0x00 => Ok(Step::LetIn),
            0x01 => fields.byte().map(Step::More),
            // A bare one means the log-in of servers before 4.1.
            0xfe if fields.is_empty() => Err(Fault::Plugin("mysql_old_password".to_owned())),
            0xfe => {
                let name = fields.text()?;
                let unknown = || Fault::Plugin(String::from_utf8_lossy(name).chars().take(40).collect());
                Ok(Step::Switch(Plugin::named(name).ok_or_else(unknown)?, nonce(fields.rest())?))
            }
            other => Err(Fault::strange(format!("a log-in answered with {other}"))),
        }
    }
}

fn wants_tls(tls: MysqlTls, capabilities: u32) -> Result<bool, Fault> {
    let offered = capabilities & can::TLS != 0;
    match tls {
        MysqlTls::Disabled => Ok(false),
        MysqlTls::Preferred => Ok(offered),
        MysqlTls::Required | MysqlTls::VerifyCa | MysqlTls::VerifyIdentity if offered => Ok(true),
        MysqlTls::Required | MysqlTls::VerifyCa | MysqlTls::VerifyIdentity => Err(Fault::NoTls),
    }
}

fn own_capabilities(greeting: &Greeting, login: &Login<'_>) -> Result<u32, Fault> {
    let ours = can::LONG_PASSWORD | can::PROTOCOL_41 | can::TRANSACTIONS | can::SECURE_CONNECTION | can::AUTH_PLUGINS;
    let database = if login.database.is_some() { can::CONNECT_WITH_DATABASE } else { 0 };
    if database & !greeting.capabilities != 0 {
        return Err(Fault::strange("it cannot select a database"));
    }
    // A client that is no MariaDB says so by the first bit, which MariaDB itself does not offer.
    Ok((ours & greeting.capabilities) | database | can::LONG_PASSWORD)
}

/// The first 32 bytes of an answer to the greeting; alone they ask for TLS.
fn preamble(capabilities: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(128);
    packet.extend_from_slice(&capabilities.to_le_bytes());
    packet.extend_from_slice(&LONGEST_PACKET.to_le_bytes());
    packet.push(CHARACTER_SET);
    packet.extend_from_slice(&[0; 23]);
    packet
}

fn response(capabilities: u32, login: &Login<'_>, plugin: Plugin, digest: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut packet = preamble(capabilities);
    packet.extend_from_slice(&terminated(login.user)?);
    packet.extend(u8::try_from(digest.len()));
    packet.extend_from_slice(digest);
    if let Some(database) = login.database {
        packet.extend_from_slice(&terminated(database)?);
    }
    if capabilities & can::AUTH_PLUGINS != 0 {
        packet.extend_from_slice(&terminated(plugin.name())?);
    }
    Ok(packet)
}

fn terminated(text: &str) -> Result<Vec<u8>, Fault> {
    match text.contains('\0') {
        true => Err(Fault::strange("a user or database that cannot be sent")),
        false => Ok(in_clear(text)),
    }
}
