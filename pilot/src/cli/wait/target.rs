//! One thing that is waited for: its URL, and one look at it.
//!
//! What is wrong with a URL is said without the URL: somebody may have written a password into it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::runtime::catalog::{Client, ServiceQuery};
use crate::runtime::probe::Prober;
use pilot_config as config;
use pilot_core::plan::{HttpProbe, MysqlProbe, Password, Probe};

/// For one attempt.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const FORMS: &str = "write mysql://USER@HOST:PORT/DATABASE, consul://HOST:PORT, consul://HOST:PORT/SERVICE, \
                     http://HOST:PORT/PATH, https://… or tcp://HOST:PORT";
const NO_PASSWORDS: &str = "contains a password, which every process on this machine can read; \
                            write mysql://USER@… and use --password-env or --password-file";

/// What is looked at.
pub(super) struct Target {
    /// As it is shown: without a query.
    pub name: String,
    way: Way,
}

enum Way {
    Probe(Box<Probe>),
    Leader(Client),
    Service(Client, ServiceQuery),
}

impl Target {
    /// Reads a URL. `password` is for MySQL, `env` for Consul.
    pub fn read(text: &str, password: &Password, env: &BTreeMap<String, String>) -> Result<Target, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("a target is not a URL: {FORMS}"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.rsplit_once('@').is_some_and(|(login, _)| login.contains(':')) {
            return Err(format!("a {} target {NO_PASSWORDS}", shown_scheme(scheme)));
        }
        if scheme != "mysql" && authority.contains('@') {
            return Err(format!(
                "a {} target contains a user name, which only mysql:// supports",
                shown_scheme(scheme)
            ));
        }
        let wrong = || format!("a {} target is malformed: {FORMS}", shown_scheme(scheme));
        let way = match scheme {
            "mysql" => {
                let probe = config::mysql_url(text).ok_or_else(wrong)?;
                Way::Probe(Box::new(Probe::Mysql(MysqlProbe { password: password.clone(), ..probe })))
            }
            "consul" => {
                let (address, service) = rest.split_once('/').unwrap_or((rest, ""));
                let is_name = |name: &str| !name.contains(['/', '?', '#']);
                let agent = config::consul_at(address, env).filter(|_| is_name(service)).ok_or_else(wrong)?;
                let client = Client::new(agent);
                match service {
                    "" => Way::Leader(client),
                    name => {
                        Way::Service(client, ServiceQuery { service: name.to_owned(), tag: None, datacenter: None })
                    }
                }
            }
            "http" | "https" if !authority.is_empty() => Way::Probe(Box::new(Probe::Http(HttpProbe {
                url: text.to_owned(),
                method: "GET".to_owned(),
                headers: Vec::new(),
                status: vec![(200, 399)],
                insecure: false,
                ca_file: None,
            }))),
            "tcp" if config::is_host_and_port(rest) => Way::Probe(Box::new(Probe::Tcp(rest.to_owned()))),
            _ => return Err(wrong()),
        };
        let name = text.split(['?', '#']).next().unwrap_or_default();
        Ok(Target { name: name.chars().filter(|c| !c.is_control()).collect(), way })
    }

    /// Looks once: what is there, or what is wrong.
    pub async fn look(&self, prober: &Prober) -> Result<String, String> {
        match &self.way {
            Way::Probe(probe) => {
                let found = prober.run(probe, Some(PROBE_TIMEOUT)).await;
                if found.pass { Ok(found.note) } else { Err(found.note) }
            }
            Way::Leader(client) => leader(client).await,
            Way::Service(client, query) => {
                leader(client).await?;
                let health = client.health(query, None).await.map_err(|error| error.to_string())?;
                match health.instances.usable.len() {
                    0 => Err(format!("no healthy instance of {}", query.service)),
                    count => Ok(format!("{count} healthy of {}", query.service)),
                }
            }
        }
    }
}

async fn leader(client: &Client) -> Result<String, String> {
    let leader = client.leader().await.map_err(|error| error.to_string())?;
    leader.map(|leader| format!("its leader is {leader}")).ok_or_else(|| "Consul has no leader".to_owned())
}

/// A scheme that is none may be anything.
fn shown_scheme(scheme: &str) -> &str {
    ["mysql", "consul", "http", "https", "tcp"].into_iter().find(|known| *known == scheme).unwrap_or("strange")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target, String> {
        Target::read(text, &Password::None, &BTreeMap::new())
    }

    #[test]
    fn what_can_be_waited_for_is_read() {
        for text in [
            "mysql://app@db:3306/db",
            "mysql://app@db",
            "consul://localhost:8500",
            "consul://localhost:8500/",
            "consul://[::1]:8500/web",
            "http://localhost:5000/ready",
            "https://localhost",
            "tcp://[::1]:80",
        ] {
            assert_eq!(read(text).map(|target| target.name).as_deref(), Ok(text));
        }
        assert!(matches!(read("consul://a:1/").unwrap().way, Way::Leader(_)));
        assert!(matches!(read("consul://a:1/web").unwrap().way, Way::Service(..)));
    }

    #[test]
    fn a_password_is_neither_taken_from_the_command_line_nor_repeated() {
        for text in [
            "mysql://app:geheim@db",
            "http://u:geheim@web/",
            "tcp://geheim@web:1",
            "geheim",
            "geheim://x",
            "mysql://geheim",
        ] {
            let error = read(text).err().unwrap();
            assert!(!error.contains("geheim"), "{text}: {error}");
        }
        assert!(read("mysql://app:geheim@db").err().unwrap().contains("--password-file"));
        assert_eq!(read("http://web/?key=geheim").unwrap().name, "http://web/");
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "tcp://web",
            "tcp://web:0",
            "consul://",
            "consul://a:1/b/c",
            "mysql://db:3306",
            "http://",
            "redis://a:1",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_password_that_was_named_is_the_probes() {
        let named = Password::Env("SOME".to_owned());
        let target = Target::read("mysql://app@db", &named, &BTreeMap::new()).unwrap();
        let Way::Probe(probe) = target.way else { panic!("a probe") };
        assert!(matches!(*probe, Probe::Mysql(MysqlProbe { ref password, .. }) if *password == named));
    }
}
