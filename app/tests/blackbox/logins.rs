//! `app logins` on MariaDB, where a user has one password. On MySQL: the end-to-end tests of mysql9.

use crate::instance::program;
use crate::mariadb::{MariaDb, borrowed, certified, environment_of, prepared, started};

/// The exit code and all that it said.
fn logins(server: &MariaDb, passwords: [&str; 2], words: &[&str]) -> (Option<i32>, String) {
    let mut environment = environment_of(server);
    environment.retain(|(name, _)| !["DB_USER", "DB_PASSWD"].contains(name));
    environment.extend([("DB_USER", "root".to_owned()), ("APP_USER", "shop".into()), ("REVIEW_USER", "review".into())]);
    environment.extend([("APP_PASSWD", passwords[0].to_owned()), ("REVIEW_PASSWD", passwords[1].to_owned())]);
    let output = program(server.scratch.path(), &borrowed(&environment)).args(words).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(passwords.iter().all(|password| !said.contains(password)), "a password is told: {said}");
    (output.status.code(), said)
}

#[test]
fn users_are_made_once_and_get_a_new_password_when_it_has_changed() {
    let mut server = certified(prepared());
    server.begin(&[]);
    let told = |passwords, app: &str, review: &str| {
        let (code, said) = logins(&server, passwords, &["logins"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("shop {app}")) && said.contains(&format!("review {review}")), "{said}");
    };
    told(["first'1", "first-2"], "is as it should be", "is as it should be");
    told(["first'1", "second-2"], "is as it should be", "has a new password");
    told(["first'1", "second-2"], "is as it should be", "is as it should be");
    let (code, said) = logins(&server, ["first'1", "second-2"], &["logins", "discard-old"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("shop has one password only"), "{said}");
    let (code, said) = logins(&server, ["first'1", "second-2"], &["logins", "discard"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn without_tls_the_reason_is_told() {
    let server = started();
    let (code, said) = logins(&server, ["first'1", "first-2"], &["logins"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has its password, and is refused with it") && said.contains("DB_TLS"), "{said}");
}
