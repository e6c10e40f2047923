//! How the agent is reached: tokens, a unix socket, TLS.

use std::path::PathBuf;

use pilot::runtime::catalog::{Client, Error};
use pilot_core::plan::{CheckStatus, Consul, ConsulAddress, ConsulTls, Secret};

use pilot_test_support::{Authority, Consul as Agent, Scratch, ports};

use crate::agent::settings;
use crate::support::{Lines, until};
use crate::{SOON, consul_at, passing, registrar, service};

#[tokio::test]
async fn a_token_without_rights_is_refused_without_being_shown_and_a_rotated_one_is_used_at_once() {
    let master = "11111111-2222-3333-4444-555555555555";
    let wrong = "deadbeef-dead-beef-dead-beefdeadbeef";
    let agent = Agent::start_with(&format!(
        r#"acl {{ enabled = true default_policy = "deny" tokens {{ master = "{master}" agent = "{master}" }} }}"#
    ));
    let folder = Scratch::new();
    let token_file = PathBuf::from(folder.write("token", ""));
    let client = Client::new(Consul { token_file: Some(token_file.clone()), ..settings(&agent) });
    let app = service("app");
    let denied = Error::Denied { permission: "service:write for app".into() };
    // No token; the management token may still be on its way after the start.
    assert_eq!(client.register(&app, CheckStatus::Passing).await, Err(denied.clone()));
    std::fs::write(&token_file, format!("{wrong}\n")).unwrap();
    let error = client.register(&app, CheckStatus::Passing).await.unwrap_err();
    assert_eq!(error, denied);
    assert_eq!(error.to_string(), "permission denied: the token lacks service:write for app");
    assert!(!format!("{error:?}").contains(wrong));
    std::fs::write(&token_file, format!("{master}\n")).unwrap();
    until("the rotated token is used", SOON, async || client.register(&app, CheckStatus::Passing).await.is_ok()).await;
    assert_eq!(client.update_check(&app, CheckStatus::Passing, "ok").await, Ok(()));
    let gone = service("gone");
    let unknown = client.update_check(&gone, CheckStatus::Passing, "ok").await;
    assert_eq!(unknown, Err(Error::UnknownCheck("service:gone-host1".into())), "also with ACLs on");
    // The fixed token, all the way to the log.
    let (mut registrar, _withdrawn) = registrar(Consul { token: Some(Secret::new(wrong)), ..settings(&agent) });
    let lines = Lines::listen();
    registrar.announce(&app, passing());
    until("said", SOON, async || lines.with("WARN service registration failed: permission denied").len() == 1).await;
    assert!(lines.with(wrong).is_empty());
}

#[tokio::test]
async fn the_agent_is_reached_over_a_unix_socket() {
    let folder = Scratch::new();
    let socket = folder.path().join("http.sock");
    let agent = Agent::start_with(&format!(r#"addresses {{ http = "unix://{}" }}"#, socket.display()));
    let client = Client::new(Consul { address: ConsulAddress::Unix(socket), ..settings(&agent) });
    let app = service("app");
    assert_eq!(client.register(&app, CheckStatus::Passing).await, Ok(()));
    assert_eq!(client.knows(&app).await, Ok(true));
    assert_eq!(client.knows(&service("other")).await, Ok(false));
    assert_eq!(client.deregister(&app).await, Ok(()));
    assert_eq!(client.knows(&app).await, Ok(false));
}

#[tokio::test]
async fn https_is_verified_when_asked_for_by_the_name_that_was_set() {
    let folder = Scratch::new();
    let (good, other) = (Authority::new(folder.path(), "good"), Authority::new(folder.path(), "other"));
    let own = good.certify("agent", "DNS:localhost");
    let port = ports::free();
    let agent = Agent::start_with(&format!(
        r#"ports {{ https = {port} }} addresses {{ https = "127.0.0.1" }} cert_file = "{}" key_file = "{}" ca_file = "{}"
           verify_incoming_https = true"#,
        own.certificate.display(),
        own.key.display(),
        good.file().display(),
    ));
    let client = |tls: ConsulTls| {
        let tls = ConsulTls { client: Some((own.certificate.clone(), own.key.clone())), ..tls };
        Client::new(Consul { tls, ..consul_at(&format!("https://127.0.0.1:{port}")) })
    };
    let app = service("app");
    let named = ConsulTls { verify: true, server_name: Some("localhost".into()), ..ConsulTls::default() };
    let trusted = ConsulTls { ca_file: Some(good.file()), ..named.clone() };
    assert_eq!(client(trusted.clone()).register(&app, CheckStatus::Passing).await, Ok(()));
    assert_eq!(client(ConsulTls::default()).knows(&app).await, Ok(true), "v3 does not verify by default");
    let unnamed = client(ConsulTls { server_name: None, ..trusted }).knows(&app).await.unwrap_err();
    assert!(unnamed.to_string().contains("certificate"), "{unnamed}");
    let foreign = client(ConsulTls { ca_file: Some(other.file()), ..named.clone() }).knows(&app).await.unwrap_err();
    assert!(foreign.to_string().contains("certificate"), "{foreign}");
    let absent = client(ConsulTls { ca_file: Some("/nowhere/ca.pem".into()), ..named }).knows(&app).await.unwrap_err();
    assert!(matches!(&absent, Error::Settings(text) if text.contains("/nowhere/ca.pem")), "{absent}");
    drop(agent);
}
