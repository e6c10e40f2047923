//! The words of `DB_TLS` do what they say, with an authority from a file and nothing else to trust.

use std::fs;

use pilot_test_support::Authority;
use pilot_test_support::certificates::Certificate;

use crate::eventually;
use crate::instance::Instance;
use crate::mariadb::{borrowed, environment_of, prepared};

#[test]
fn a_server_is_trusted_only_as_far_as_the_mode_asks() {
    let mut database = prepared();
    let folder = database.scratch.path().to_owned();
    let (right, other) = (Authority::new(&folder, "right"), Authority::new(&folder, "other"));
    // The address that it is reached at is not in the first one.
    let named_otherwise = right.certify("otherwise", "DNS:db.example");
    let named_rightly = right.certify("rightly", "IP:127.0.0.1");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let present = |of: &Certificate| {
        fs::copy(&of.certificate, &certificate).unwrap();
        fs::copy(&of.key, &key).unwrap();
    };
    present(&named_otherwise);
    database = database.with_options([
        "--require-secure-transport=ON".to_owned(),
        format!("--ssl-key={}", key.display()),
        format!("--ssl-cert={}", certificate.display()),
    ]);
    database.begin(&[]);

    let start = |mode: &str, ca: &Authority| {
        let mut environment = environment_of(&database);
        environment.push(("DB_TLS", mode.to_owned()));
        environment.push(("DB_CA_FILE", ca.file().display().to_string()));
        Instance::start(database.scratch.path(), &borrowed(&environment))
    };
    let is_accepted = |mode, ca| start(mode, ca).wait_ready();
    let is_refused = |mode, ca| {
        let app = start(mode, ca);
        eventually("it cannot migrate", || app.log().contains("cannot migrate the database").then_some(()));
        assert_eq!(app.get("/ready").status, 503);
    };
    is_refused("disabled", &right);
    is_accepted("preferred", &other);
    is_accepted("required", &other);
    is_refused("verify-ca", &other);
    is_accepted("verify-ca", &right);
    is_refused("verify-identity", &right);

    database.kill();
    present(&named_rightly);
    database.begin(&[]);
    let mut environment = environment_of(&database);
    environment.push(("DB_CA_FILE", right.file().display().to_string()));
    Instance::start(database.scratch.path(), &borrowed(&environment)).wait_ready();
}
