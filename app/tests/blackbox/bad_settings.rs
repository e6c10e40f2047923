//! A bad setting ends the program at once with 2 and a message that names it; a port that is taken, with 1.

use std::net::TcpListener;

use pilot_test_support::Scratch;

use crate::instance::program;

/// The exit code, and all that was said.
fn run(environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let directory = Scratch::new();
    let output = program(directory.path(), environment).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_bad_setting_is_named_with_its_value_and_what_to_write() {
    let (code, said) = run(&[("PORT", "http")]);
    assert_eq!(code, Some(2));
    assert_eq!(said, "PORT is \"http\": write a number from 0 (any free port) to 65535\n");
    let (code, said) = run(&[("DB_HOST", "db"), ("DB_USER", "app"), ("DB_TLS", "on")]);
    assert_eq!(code, Some(2));
    assert!(said.contains("DB_TLS is \"on\": write one of disabled, preferred, required, verify-ca"), "{said}");
}

#[test]
fn a_secret_is_never_said() {
    let secret = [("DB_HOST", "db"), ("DB_USER", "app"), ("DB_PASSWD", "s3cret"), ("DB_PASSWD_FILE", "/dev/null")];
    let (code, said) = run(&secret);
    assert_eq!(code, Some(2));
    assert!(said.contains("DB_PASSWD") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = run(&[("PORT", &port)]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")) && said.contains("set BIND"), "{said}");
}
