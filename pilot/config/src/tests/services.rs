//! What a job advertises beside v3's keys: several services, where they are reached, what is not registered at all.

use super::*;
use pilot_core::plan::{Probe, Weights};

const APP: &str = "name: 'app', port: 8080, health: {tcp: 8080, interval: 1, ttl: 5}";

/// The services of `{APP, services: [...]}` by id.
fn further(entries: &str) -> Vec<Service> {
    job(&format!("{APP}, services: [{entries}]")).services
}

#[test]
fn further_services_stand_behind_the_jobs_own_with_ids_of_name_and_port() {
    let services = further("{name: 'metrics', port: 9100, tags: ['prom']}, {name: 'app', port: 8443}");
    let ids: Vec<&str> = services.iter().map(|service| service.id.as_str()).collect();
    assert_eq!(ids, ["app-box", "metrics-9100-box", "app-8443-box"]);
    assert_eq!(
        (services[1].name.as_str(), services[1].port, &services[1].tags[..]),
        ("metrics", 9100, &["prom".into()][..])
    );
    assert!(services.iter().all(|service| service.ttl.as_secs() == 5 && service.registered));
    let alone = job("name: 'Any name', services: [{name: 'web', port: 80}], health: {tcp: 80, interval: 1, ttl: 5}");
    assert_eq!(alone.services.into_iter().map(|service| service.id).collect::<Vec<_>>(), ["web-80-box"]);
}

#[test]
fn a_service_is_where_its_job_is_unless_it_says_otherwise() {
    let address = |entry: &str| further(entry)[1].address.to_string();
    assert_eq!(address("{name: 'metrics', port: 1}"), "10.2.0.1");
    assert_eq!(address("{name: 'metrics', port: 1, interfaces: 'lo'}"), "127.0.0.1");
    assert_eq!(address("{name: 'metrics', port: 1, advertise: {address: '2001:db8::7'}}"), "2001:db8::7");
    assert_eq!(address("{name: 'metrics', port: 1, advertise: {address: ''}}"), "10.2.0.1");
    // Nobody needs the job's own address, which does not exist.
    let entry = "services: [{name: 'web', port: 80, interfaces: 'lo'}]";
    job(&format!("name: 'x', interfaces: 'eth9', {entry}, health: {{tcp: 80, interval: 1, ttl: 5}}"));
}

#[test]
fn mistakes_in_services_name_the_job_and_the_service() {
    let with = |entries: &str| format!("{APP}, services: {entries}");
    job_refused(&[
        (&with("[{port: 1}]"), "job \"app\": services[0].name is needed"),
        (&with("[{name: 'web'}]"), "job \"app\": service \"web\": port is needed"),
        (&with("[{name: 'web', port: 0}]"), "job \"app\": service \"web\": port must be a port from 1 to 65535, not 0"),
        (
            &with("[{name: 'Web', port: 1}]"),
            "job \"app\": service \"Web\": name \"Web\" cannot be used: a service's name goes into DNS",
        ),
        (&with("[{name: 'web', port: 1, health: {}}]"), "job \"app\": service \"web\": health is not a known key"),
        (&with("['web']"), "job \"app\": services[0] must be an object, not \"web\""),
        (&with("'web'"), "job \"app\": services must be a list, not \"web\""),
        (
            &with("[{name: 'web', port: 1}, {name: 'web', port: 1}]"),
            "job \"app\": registers the service \"web-1-box\" twice, and Consul would keep one of them",
        ),
        (
            "name: 'x', services: [{name: 'web', port: 1}]",
            "job \"x\": health is needed: a job with a port is registered in Consul, which has to know when it is well",
        ),
    ]);
    let other = "{name: 'b', services: [{name: 'web', port: 1}], health: {tcp: 1, interval: 1, ttl: 5}}";
    refused(&[(
        &format!("{{consul: 'c', jobs: [{}, {other}]}}", other.replace("'b'", "'a'")),
        "job \"b\": registers the service \"web-1-box\" as job \"a\" does, and Consul would keep one of them",
    )]);
    // One that is not registered is in nobody's way.
    plan(&format!("{{consul: 'c', jobs: [{}, {other}]}}", other.replace("'b'", "'a', register: false")));
}

#[test]
fn address_and_port_can_be_advertised_that_are_not_the_containers() {
    let text = "{consul: 'c', jobs: [{name: 'app', port: 8080, health: {http: '/health', interval: 1, ttl: 5},
        advertise: {address: '{{ .NOMAD_IP_http }}', port: '{{ .NOMAD_HOST_PORT_http }}'}}]}";
    let read = |env: &[(&str, &str)]| {
        let job = plan_in(text, env).jobs.remove(0);
        let service = &job.services[0];
        (service.address.to_string(), service.port, job.health.unwrap().probe.unwrap())
    };
    let (address, port, probe) = read(&[("NOMAD_IP_http", "192.0.2.9"), ("NOMAD_HOST_PORT_http", "27017")]);
    assert_eq!((address.as_str(), port), ("192.0.2.9", 27017));
    let Probe::Http(probe) = probe else { panic!("{probe:?}") };
    assert_eq!(probe.url, "http://127.0.0.1:8080/health", "the probe asks inside the container");
    // Without Nomad the same file means the container's own.
    let (address, port, _) = read(&[]);
    assert_eq!((address.as_str(), port), ("10.2.0.1", 8080));
    let with = |advertise: &str| format!("{APP}, advertise: {advertise}");
    job_refused(&[
        (&with("{address: 'nomad'}"), "job \"app\": advertise.address is not the IP address of a machine: \"nomad\""),
        (
            &with("{address: '[::1]:80'}"),
            "job \"app\": advertise.address is not the IP address of a machine: \"[::1]:80\"",
        ),
        (
            &with("{address: '0.0.0.0'}"),
            "job \"app\": advertise.address is not the IP address of a machine: \"0.0.0.0\"",
        ),
        (&with("{port: 0}"), "job \"app\": advertise.port must be a port from 1 to 65535, not 0"),
        (&with("{prot: 1}"), "job \"app\": advertise.prot is not a known key"),
        (&with("'192.0.2.9'"), "job \"app\": advertise must be an object, not \"192.0.2.9\""),
    ]);
}

#[test]
fn an_interface_can_be_an_environment_variable() {
    let address = |interfaces: &str, env: &[(&str, &str)]| {
        let text = with_job(&format!("{APP}, interfaces: {interfaces}"));
        load("f", &text, &machine(env)).plan.map(|plan| plan.jobs[0].services[0].address.to_string())
    };
    assert_eq!(address("'env:HOST_IP'", &[("HOST_IP", "192.0.2.9")]).as_deref(), Some("192.0.2.9"));
    assert_eq!(
        address("['env:HOST_IP', 'env:HOST_IP6']", &[("HOST_IP6", "2001:db8::1")]).as_deref(),
        Some("2001:db8::1")
    );
    assert_eq!(address("['env:HOST_IP', 'lo']", &[("HOST_IP", "")]).as_deref(), Some("127.0.0.1"));
    let refuse = |env: &[(&str, &str)], message: &str| {
        let found = load("f", &with_job(&format!("{APP}, interfaces: ['env:HOST_IP']")), &machine(env)).diagnostics;
        assert_eq!(found.iter().map(|found| found.message.as_str()).collect::<Vec<_>>(), [message]);
    };
    refuse(
        &[],
        "job \"app\": interfaces finds no address for env:HOST_IP (not set); this machine has lo 127.0.0.1, eth0 10.2.0.1",
    );
    refuse(
        &[("HOST_IP", "the-secret")],
        "job \"app\": interfaces[0] reads the variable HOST_IP, which holds no IP address of a machine",
    );
    job_refused(&[(
        &format!("{APP}, interfaces: 'env:HOST IP'"),
        "job \"app\": interfaces does not name an environment variable: \"env:HOST IP\"",
    )]);
}

#[test]
fn weights_and_tagged_addresses() {
    let text = format!(
        "{APP}, weights: {{passing: 10}}, taggedAddresses: {{wan: {{address: '203.0.113.7', port: '80'}}, lan: {{address: '::1'}}}}"
    );
    let read = service(&text);
    assert_eq!(read.weights, Some(Weights { passing: 10, warning: 1 }));
    let tagged: Vec<String> = read.tagged_addresses.iter().map(|(name, at)| format!("{name} {at}")).collect();
    assert_eq!(tagged, ["lan [::1]:8080", "wan 203.0.113.7:80"]);
    assert_eq!(service(APP).weights, None);
    let with = |text: &str| format!("{APP}, {text}");
    job_refused(&[
        (&with("weights: {passing: 0}"), "job \"app\": weights.passing must be from 1 to 65535, not 0"),
        (&with("weights: {warning: 70000}"), "job \"app\": weights.warning must be from 0 to 65535, not 70000"),
        (&with("weights: 5"), "job \"app\": weights must be an object, not 5"),
        (&with("taggedAddresses: {wan: {port: 1}}"), "job \"app\": taggedAddresses.wan.address is needed"),
        (&with("taggedAddresses: {wan: '::1'}"), "job \"app\": taggedAddresses.wan must be an object, not \"::1\""),
        (&with("taggedAddresses: []"), "job \"app\": taggedAddresses must be an object, not a list"),
    ]);
}

#[test]
fn register_is_decided_by_the_nearest_who_says() {
    let text = |consul: &str, job: &str, service: &str| {
        let entry = format!("{{name: 'metrics', port: 1{service}}}");
        format!("{{consul: {{address: 'c'{consul}}}, jobs: [{{{APP}{job}, services: [{entry}]}}]}}")
    };
    for (consul, job, service, registered) in [
        ("", "", "", [true, true]),
        (", register: false", "", "", [false, false]),
        (", register: 'false'", ", register: true", "", [true, true]),
        ("", ", register: 0", "", [false, false]),
        ("", ", register: false", ", register: '1'", [false, true]),
        (", register: ''", "", ", register: false", [true, false]),
    ] {
        let text = text(consul, job, service);
        let got: Vec<bool> = plan(&text).jobs[0].services.iter().map(|service| service.registered).collect();
        assert_eq!(got, registered, "{text}");
    }
    job_refused(&[(&format!("{APP}, register: 'no'"), "job \"app\": register must be true or false, not \"no\"")]);
    refused(&[("{consul: {register: 'no'}}", "consul.register must be true or false, not \"no\"")]);
    let switched =
        "{consul: {address: 'c', register: '{{ .REGISTER | default \"true\" }}'}, jobs: [{APP}]}".replace("APP", APP);
    assert!(plan_in(&switched, &[]).jobs[0].services[0].registered);
    assert!(!plan_in(&switched, &[("REGISTER", "false")]).jobs[0].services[0].registered);
}

#[test]
fn what_is_not_registered_needs_neither_consul_nor_health_nor_a_ttl() {
    plan("{jobs: [{name: 'app', port: 80, register: false}]}");
    plan("{jobs: [{name: 'app', port: 80, register: false, health: {tcp: 80, interval: 1}}]}");
}

#[test]
fn without_a_port_the_keys_of_a_jobs_own_service_say_that_they_do_nothing() {
    let text = with_job("name: 'x', weights: {passing: 5}, advertise: {port: 1}");
    let nothing = "has no effect: a job without a port has no service of its own";
    assert_eq!(warnings(&text), ["weights", "advertise"].map(|key| format!("job \"x\": {key} {nothing}")));
}
