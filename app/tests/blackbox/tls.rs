//! The words of `DB_TLS` do what they say, with an authority from a file and nothing else to trust.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::eventually;
use crate::instance::Instance;
use crate::mariadb::{MariaDb, borrowed};

/// An authority that nobody else knows: its certificate, and what signs with it.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), Issuer::new(params, key))
}

#[test]
fn a_server_is_trusted_only_as_far_as_the_mode_asks() {
    let mut database = MariaDb::prepare();
    let (ca, issuer) = authority();
    let (other_ca, _) = authority();
    let key = KeyPair::generate().unwrap();
    // Its name is not the 127.0.0.1 that it is reached at.
    let named_otherwise = CertificateParams::new(vec!["db.example".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let named_rightly = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(database.path("ca.pem"), ca).unwrap();
    fs::write(database.path("other-ca.pem"), other_ca).unwrap();
    fs::write(database.path("key.pem"), key.serialize_pem()).unwrap();
    fs::write(database.path("certificate.pem"), named_otherwise.pem()).unwrap();
    let options = [
        "--require-secure-transport=ON".to_owned(),
        format!("--ssl-key={}", database.path("key.pem").display()),
        format!("--ssl-cert={}", database.path("certificate.pem").display()),
    ];
    database = database.with_options(options);
    database.start();

    let start = |mode: &str, ca: &str| {
        let mut environment = database.environment();
        environment.push(("DB_TLS", mode.to_owned()));
        environment.push(("DB_CA_FILE", database.path(ca).to_str().unwrap().to_owned()));
        Instance::start(database.directory.path(), &borrowed(&environment))
    };
    let is_accepted = |mode, ca| start(mode, ca).wait_ready();
    let is_refused = |mode, ca| {
        let app = start(mode, ca);
        eventually("it cannot migrate", || app.log().contains("cannot migrate the database").then_some(()));
        assert_eq!(app.get("/ready").status, 503);
    };
    is_refused("disabled", "ca.pem");
    is_accepted("preferred", "other-ca.pem");
    is_accepted("required", "other-ca.pem");
    is_refused("verify-ca", "other-ca.pem");
    is_accepted("verify-ca", "ca.pem");
    is_refused("verify-identity", "ca.pem");

    database.crash();
    fs::write(database.path("certificate.pem"), named_rightly.pem()).unwrap();
    database.start();
    let mut environment = database.environment();
    environment.push(("DB_CA_FILE", database.path("ca.pem").to_str().unwrap().to_owned()));
    Instance::start(database.directory.path(), &borrowed(&environment)).wait_ready();
}
