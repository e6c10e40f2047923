//! How the agent is reached: tokens, and a unix socket. reliability.md, section 2, case 44.

use pilot_tests::services::{app, config, id, wait_for_status};
use pilot_tests::{Consul, Pilot, SOON, Scratch, until};
use serde_json::{Value, json};

/// What the operator of the guarded agent has.
const OPERATOR: &str = "11111111-2222-4333-8444-555555555555";

/// What pilot has: rights on the service `app`, nothing else.
const TOKEN: &str = "5f0c2a4e-11aa-4b6e-9d3e-70cec0de0001";

/// What nobody has given out.
const WRONG: &str = "0badc0de-0000-4000-8000-70cec0de0002";

/// A real agent that lets nobody do anything without a token.
fn guarded() -> Consul {
    let consul = Consul::start_with(&format!(
        r#"acl {{ enabled = true default_policy = "deny" tokens {{ master = "{OPERATOR}" agent = "{OPERATOR}" }} }}"#
    ));
    let operate = |path: &str, body: Value| {
        until(&format!("the operator to be heard at {path}"), SOON * 2, || {
            let path = format!("{path}?token={OPERATOR}");
            let answer = pilot_tests::http::request(consul.port(), "PUT", &path, &body.to_string()).ok()?;
            (answer.status == 200).then_some(())
        });
    };
    let rules = r#"service "app" { policy = "write" } node_prefix "" { policy = "read" }"#;
    operate("/v1/acl/policy", json!({ "Name": "pilot", "Rules": rules }));
    operate("/v1/acl/token", json!({ "SecretID": TOKEN, "Policies": [{ "Name": "pilot" }] }));
    consul
}

/// The agent's own view, with the operator's eyes.
fn guarded_services(consul: &Consul) -> Vec<String> {
    let services = consul.get(&format!("/v1/agent/services?token={OPERATOR}"));
    services.as_object().expect("the operator may see everything").keys().cloned().collect()
}

fn wait_for_guarded(consul: &Consul, pilot: &mut Pilot) {
    pilot.wait("the service to pass behind ACLs", SOON, |_| {
        let checks = consul.get(&format!("/v1/agent/checks?token={OPERATOR}"));
        (checks[format!("service:{}", id("app"))]["Status"] == "passing").then_some(())
    });
}

// Case 44.
#[test]
fn a_token_file_is_read_for_each_call_and_no_token_is_ever_logged() {
    let consul = guarded();
    let scratch = Scratch::new();
    let file = scratch.write("token", &format!("{WRONG}\n"));
    let mut config = config("", json!([app("app")]));
    config["consul"] = json!({ "address": consul.address(), "tokenFile": file });
    let mut pilot = Pilot::run(&config);
    pilot.wait_for("permission denied: the token lacks service:write for app");
    assert_eq!(guarded_services(&consul), Vec::<String>::new());
    scratch.write("token", &format!("{TOKEN}\n"));
    wait_for_guarded(&consul, &mut pilot);
    assert_eq!(pilot.stop(), 0);
    assert_eq!(guarded_services(&consul), Vec::<String>::new(), "the right token also takes it out");
    assert!(!pilot.log().contains(WRONG) && !pilot.log().contains(TOKEN), "{}", pilot.log());
}

#[test]
fn the_tokens_variable_goes_before_the_files_key_and_is_not_logged() {
    let consul = guarded();
    let mut config = config("", json!([app("app")]));
    config["consul"] = json!({ "address": consul.address(), "token": WRONG });
    let mut pilot = Pilot::with(&config).env("CONSUL_HTTP_TOKEN", TOKEN).start();
    wait_for_guarded(&consul, &mut pilot);
    assert_eq!(pilot.stop(), 0);
    assert!(!pilot.log().contains(WRONG) && !pilot.log().contains(TOKEN), "{}", pilot.log());
}

#[test]
fn an_agent_behind_a_unix_socket_is_as_good() {
    let scratch = Scratch::new();
    let socket = scratch.file("consul.sock");
    let consul = Consul::start_with(&format!(r#"addresses {{ http = "127.0.0.1 unix://{socket}" }}"#));
    let mut config = config(&format!("unix://{socket}"), json!([app("app")]));
    config["watches"] = json!([{ "name": "app", "interval": 1 }]);
    let mut pilot = Pilot::run(&config);
    wait_for_status(&consul, &mut pilot, "app", "passing");
    pilot.wait_for_event("StatusHealthy watch.app");
    assert_eq!(pilot.stop(), 0);
    assert_eq!(consul.services(), Vec::<String>::new());
}
