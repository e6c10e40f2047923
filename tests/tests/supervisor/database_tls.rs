//! Which certificates a MySQL probe trusts. reliability.md, section 2, case 27 (TLS mismatch); docs/reference/configuration/health.md, probes.

use std::fs;

use pilot_tests::mariadb::{PASSWORD, USER};
use pilot_tests::pilot::jobs;
use pilot_tests::{Authority, MariaDb, Pilot, Scratch, fixture};
use serde_json::{Value, json};

/// An authority `NAME.ca`, and `NAME.cert` and `NAME.key` for this machine by it.
fn authority(folder: &Scratch, name: &str) {
    Authority::new(folder.path(), name).certify(name, "DNS:localhost,IP:127.0.0.1");
}

fn checked(name: &str, port: u16, tls: &str, ca_file: Option<&str>) -> Value {
    let mut mysql =
        json!({ "host": "127.0.0.1", "port": port, "user": USER, "passwordEnv": "DB_PASSWORD", "tls": tls });
    if let Some(path) = ca_file {
        mysql["caFile"] = json!(path);
    }
    json!({ "name": name, "exec": [fixture(), "forever"],
            "health": { "mysql": mysql, "interval": "100ms", "timeout": "5s" } })
}

#[test]
fn a_ca_file_is_trusted_instead_of_the_system_and_a_replaced_one_counts_at_once() {
    let folder = Scratch::new();
    authority(&folder, "public");
    authority(&folder, "own");
    let mut database = MariaDb::start();
    let file = |option: &str, name: &str| format!("--{option}={}", folder.file(name));
    database.begin(&[&file("ssl-cert", "public.cert"), &file("ssl-key", "public.key"), &file("ssl-ca", "public.ca")]);
    let port = database.port();

    fs::copy(folder.file("own.ca"), folder.file("trusted.ca")).unwrap();
    let trusted = folder.file("trusted.ca");
    let config = jobs(json!([
        checked("system", port, "verify-identity", None),
        checked("pinned-ca", port, "verify-ca", Some(&trusted)),
        checked("pinned-identity", port, "verify-identity", Some(&trusted)),
    ]));
    // The system trusts the server's authority, as it would trust any public one.
    let system = folder.file("public.ca");
    let mut pilot = Pilot::with(&config)
        .env("DB_PASSWORD", PASSWORD)
        .env("SSL_CERT_FILE", &system)
        .without_env("SSL_CERT_DIR")
        .start();
    pilot.wait_for_event("StatusHealthy system");
    for pinned in ["pinned-ca", "pinned-identity"] {
        pilot.wait_for(&format!("{pinned} is unhealthy: TLS failed ("));
        assert_eq!(pilot.count_events(&format!("StatusHealthy {pinned}")), 0);
    }

    fs::copy(&system, &trusted).unwrap();
    pilot.wait_for("pinned-ca is healthy again");
    pilot.wait_for("pinned-identity is healthy again");
    fs::copy(folder.file("own.ca"), &trusted).unwrap();
    pilot.wait_for_count("pinned-ca is unhealthy", 2);
    pilot.wait_for_count("pinned-identity is unhealthy", 2);
    assert_eq!(pilot.count_events("StatusUnhealthy system"), 0, "{}", pilot.log());
    assert_eq!(pilot.stop(), 0);
}

#[test]
fn a_system_without_authorities_says_what_to_do() {
    let folder = Scratch::new();
    let nothing = folder.write("empty.ca", "");
    let config = jobs(json!([checked("app", 1, "verify-ca", None)]));
    let mut pilot = Pilot::with(&config)
        .env("DB_PASSWORD", PASSWORD)
        .env("SSL_CERT_FILE", &nothing)
        .without_env("SSL_CERT_DIR")
        .start();
    pilot.wait_for("app is unhealthy: this system has no certificate authorities to check the server by; name a file with `caFile`");
    assert_eq!(pilot.stop(), 0);
}
