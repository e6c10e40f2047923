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
    let rules = r#"service "app" { policy = "write" } node_prefix "" { policy = "read" }"#;
    operate(&consul, "PUT", "/v1/acl/policy", &json!({ "Name": "pilot", "Rules": rules }));
    for token in [TOKEN, NEXT_TOKEN] {
        operate(&consul, "PUT", "/v1/acl/token", &json!({ "SecretID": token, "Policies": [{ "Name": "pilot" }] }));
    }
    consul
}

const NEXT_TOKEN: &str = "5f0c2a4e-11aa-4b6e-9d3e-70cec0de0003";

fn operate(consul: &Consul, method: &str, path: &str, body: &Value) {
    until(&format!("the operator to be heard at {path}"), SOON * 2, || {
        let path = format!("{path}?token={OPERATOR}");
        let answer = pilot_tests::http::request(consul.port(), method, &path, &body.to_string()).ok()?;
        (answer.status == 200).then_some(())
    });
}

/// What the servers say of a service's checks, which is what everybody else sees.
fn guarded_statuses(consul: &Consul, service: &str) -> Vec<String> {
    let checks = consul.get(&format!("/v1/health/checks/{service}?token={OPERATOR}"));
    let checks = checks.as_array().expect("the operator may see everything").clone();
    checks.iter().map(|check| check["Status"].as_str().unwrap_or_default().to_owned()).collect()
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

fn delete_token(consul: &Consul, secret: &str) {
    let token = consul.get(&format!("/v1/acl/tokens?token={OPERATOR}"));
    let all = token.as_array().unwrap().iter();
    let accessors: Vec<String> = all.filter_map(|token| Some(token["AccessorID"].as_str()?.to_owned())).collect();
    for accessor in accessors {
        let one = consul.get(&format!("/v1/acl/token/{accessor}?token={OPERATOR}"));
        if one["SecretID"] == secret {
            operate(consul, "DELETE", &format!("/v1/acl/token/{accessor}"), &Value::Null);
        }
    }
}

/// The agent writes into the catalog with the token of the registration, whatever token a later call comes with.
#[test]
fn a_token_that_is_exchanged_and_deleted_leaves_no_service_behind_that_lies() {
    let consul = guarded();
    let scratch = Scratch::new();
    let file = scratch.write("token", TOKEN);
    let mut config = config("", json!([app("app")]));
    config["consul"] = json!({ "address": consul.address(), "tokenFile": file });
    let mut pilot = Pilot::run(&config);
    wait_for_guarded(&consul, &mut pilot);
    until("the catalog to know it", SOON, || (guarded_statuses(&consul, "app") == ["passing"]).then_some(()));
    scratch.write("token", NEXT_TOKEN);
    pilot.wait_for("the token has changed: registering app again, with the new one");
    delete_token(&consul, TOKEN);
    pilot.scratch.write("app.says", "500");
    until("the catalog to hear that it is ill", SOON, || {
        (guarded_statuses(&consul, "app") == ["critical"]).then_some(())
    });
    // Exchanged once more, and stopped before anything else is said to the agent.
    pilot.scratch.write("app.says", "200");
    until("the catalog to hear that it is well", SOON, || {
        (guarded_statuses(&consul, "app") == ["passing"]).then_some(())
    });
    assert_eq!(pilot.stop(), 0);
    until("the catalog to forget it", SOON, || guarded_statuses(&consul, "app").is_empty().then_some(()));
    assert!(!pilot.log().contains(TOKEN) && !pilot.log().contains(NEXT_TOKEN), "{}", pilot.log());
}

/// This agent answers 200 and an empty list then, and has no header that says why.
#[test]
fn a_token_that_may_no_longer_read_a_service_empties_no_watch() {
    let consul = guarded();
    let scratch = Scratch::new();
    let file = scratch.write("token", TOKEN);
    let body = json!({ "ID": "app-1", "Name": "app", "Port": 8000, "Address": "10.9.8.7" });
    operate(&consul, "PUT", "/v1/agent/service/register", &body);
    let mut config = config("", json!([{ "name": "idle", "exec": [pilot_tests::fixture(), "forever"] }]));
    config["consul"] = json!({ "address": consul.address(), "tokenFile": file });
    config["watches"] = json!([{ "name": "app", "interval": 1 }]);
    let mut pilot = Pilot::run(&config);
    pilot.wait_for_event("StatusHealthy watch.app");
    let rules = r#"node_prefix "" { policy = "read" }"#;
    let policy = consul.get(&format!("/v1/acl/policy/name/pilot?token={OPERATOR}"));
    let id = policy["ID"].as_str().unwrap();
    operate(&consul, "PUT", &format!("/v1/acl/policy/{id}"), &json!({ "ID": id, "Name": "pilot", "Rules": rules }));
    // It wakes the blocking query, if the policy has not.
    operate(&consul, "PUT", "/v1/agent/service/register", &json!({ "ID": "app-2", "Name": "app", "Port": 8001 }));
    pilot.wait_for("failed to query app: permission denied: the agent shows no instance, because the token lacks service:read for app");
    assert!(!pilot.log().contains("StatusUnhealthy watch.app"), "{}", pilot.log());
    // Where the token may read it, an empty service is believed.
    let rules = r#"node_prefix "" { policy = "read" } service "app" { policy = "read" }"#;
    operate(&consul, "PUT", &format!("/v1/acl/policy/{id}"), &json!({ "ID": id, "Name": "pilot", "Rules": rules }));
    pilot.wait_for("Consul answers again: watching app");
    for instance in ["app-1", "app-2"] {
        operate(&consul, "PUT", &format!("/v1/agent/service/deregister/{instance}"), &Value::Null);
    }
    pilot.wait_for_event("StatusUnhealthy watch.app");
    assert_eq!(pilot.stop(), 0);
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
