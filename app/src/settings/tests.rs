use std::os::unix::ffi::OsStringExt;

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
    Settings::read(&Environment(&find))
}

fn refusal(variables: &[(&str, &str)]) -> String {
    read(variables).err().unwrap_or_else(|| panic!("{variables:?} was accepted")).to_string()
}

fn mysql_with(more: &[(&str, &str)]) -> Result<MySqlConnectOptions, SettingError> {
    let variables = [&[("DB_HOST", "db.example"), ("DB_USER", "app")], more].concat();
    match read(&variables)?.database {
        Database::MySql(options) => Ok(options),
        Database::Sqlite(_) => panic!("SQLite although DB_HOST is set"),
    }
}

fn file(content: &str) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file.into_temp_path()
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n";

#[test]
fn nothing_set_means_sqlite_in_the_working_directory_on_port_5000_of_every_address() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.listen, "0.0.0.0:5000".parse().unwrap());
    assert_eq!(settings.drain, Duration::ZERO);
    assert_eq!(settings.database.to_string(), "SQLite in app.sqlite (no DB_HOST)");
}

#[test]
fn a_host_means_mysql_with_the_defaults_of_the_readme() {
    let options = mysql_with(&[]).unwrap();
    assert_eq!(Database::MySql(options).to_string(), "MySQL at db.example, port 3306, database db, TLS Preferred");
}

#[test]
fn what_is_given_is_taken() {
    let settings = read(&[("BIND", "::1"), ("PORT", "80"), ("DRAIN_SECONDS", "7")]).unwrap();
    assert_eq!(settings.listen, "[::1]:80".parse().unwrap());
    assert_eq!(settings.drain, Duration::from_secs(7));
    let options = mysql_with(&[("DB_PORT", "3307"), ("DB_NAME", "shop"), ("DB_TLS", "required")]).unwrap();
    assert_eq!(Database::MySql(options).to_string(), "MySQL at db.example, port 3307, database shop, TLS Required");
}

#[test]
fn numbers_are_digits_in_their_range() {
    for wrong in ["", "x", "+5", "-1", " 5", "5 ", "5.0", "65536", "99999999999999999999", "0x50", "٥"] {
        for name in ["PORT", "DRAIN_SECONDS"] {
            let message = refusal(&[(name, wrong)]);
            assert!(message.starts_with(name) && message.contains("write "), "{message}");
            assert!(wrong.is_empty() || message.contains(&format!("{wrong:?}")), "{message}");
        }
        assert!(mysql_with(&[("DB_PORT", wrong)]).is_err());
    }
    assert!(mysql_with(&[("DB_PORT", "0")]).is_err());
}

#[test]
fn an_empty_or_unreadable_variable_is_an_error_and_not_a_default() {
    for name in ["BIND", "PORT", "DRAIN_SECONDS", "DB_HOST", "SQLITE_FILE"] {
        assert!(refusal(&[(name, "")]).starts_with(&format!("{name} is empty: write ")), "{name}");
    }
    for name in ["DB_USER", "DB_PASSWD", "DB_PASSWD_FILE", "DB_NAME", "DB_TLS", "DB_CA_FILE"] {
        let message = refusal(&[(name, ""), ("DB_HOST", "db.example"), ("DB_USER", "app")]);
        assert!(message.starts_with(&format!("{name} is empty: write ")), "{message}");
    }
    let not_utf8 = |name: &str| (name == "DB_HOST").then(|| OsString::from_vec(vec![0xff]));
    let message = Settings::read(&Environment(&not_utf8)).err().unwrap().to_string();
    assert!(message.starts_with("DB_HOST is not UTF-8: write "), "{message}");
}

#[test]
fn an_address_is_an_address_and_a_host_is_a_host() {
    for wrong in ["localhost", "0.0.0.0:80", "1.2.3"] {
        assert!(refusal(&[("BIND", wrong)]).contains(wrong));
    }
    for wrong in ["db:3306", "mysql://db", "a b", "/run/mysqld.sock"] {
        assert!(refusal(&[("DB_HOST", wrong), ("DB_USER", "app")]).contains(wrong));
    }
    for right in ["db", "db_1.example.", "10.0.0.1", "::1"] {
        assert!(read(&[("DB_HOST", right), ("DB_USER", "app")]).is_ok());
    }
    assert!(refusal(&[("DB_HOST", "db")]).starts_with("DB_USER is not set, but DB_HOST is: write "));
}

#[test]
fn the_password_comes_from_the_variable_or_from_the_file_but_not_from_both() {
    let path = file("s3cret\n");
    let path = path.to_str().unwrap();
    assert!(mysql_with(&[("DB_PASSWD", "s3cret")]).is_ok());
    assert!(mysql_with(&[("DB_PASSWD_FILE", path)]).is_ok());
    let both = mysql_with(&[("DB_PASSWD", "s3cret"), ("DB_PASSWD_FILE", path)]).err().unwrap().to_string();
    assert!(both.contains("DB_PASSWD") && !both.contains("s3cret"), "{both}");
    let empty = file("\n");
    assert!(mysql_with(&[("DB_PASSWD_FILE", empty.to_str().unwrap())]).is_err());
    let missing = mysql_with(&[("DB_PASSWD_FILE", "/no/such/file")]).err().unwrap().to_string();
    assert!(missing.starts_with("DB_PASSWD_FILE is \"/no/such/file\", unreadable ("), "{missing}");
}

#[test]
fn tls_speaks_the_words_of_mysql_and_verifies_only_with_authorities() {
    let ca = file(CERTIFICATE);
    let ca = ca.to_str().unwrap();
    for mode in ["disabled", "preferred", "required"] {
        assert!(mysql_with(&[("DB_TLS", mode)]).is_ok());
        assert!(mysql_with(&[("DB_TLS", mode), ("DB_CA_FILE", ca)]).is_ok());
    }
    for mode in ["verify-ca", "verify-identity"] {
        assert!(mysql_with(&[("DB_TLS", mode), ("DB_CA_FILE", ca)]).is_ok());
        let message = mysql_with(&[("DB_TLS", mode)]).err().unwrap().to_string();
        assert!(message.starts_with("DB_CA_FILE is not set"), "{message}");
    }
    for wrong in ["REQUIRED", "true", "verify_ca"] {
        let message = mysql_with(&[("DB_TLS", wrong)]).err().unwrap().to_string();
        assert!(message.starts_with(&format!("DB_TLS is {wrong:?}: write one of disabled, ")), "{message}");
    }
}

#[test]
fn authorities_that_are_given_are_used_unless_told_otherwise() {
    let ca = file(CERTIFICATE);
    let options = mysql_with(&[("DB_CA_FILE", ca.to_str().unwrap())]).unwrap();
    assert!(Database::MySql(options).to_string().ends_with("TLS VerifyIdentity"));
    let not_pem = file("no certificate");
    assert!(mysql_with(&[("DB_CA_FILE", not_pem.to_str().unwrap())]).is_err());
    assert!(mysql_with(&[("DB_CA_FILE", "/no/such/file")]).is_err());
}

#[test]
fn the_directory_of_the_sqlite_file_must_exist() {
    assert!(refusal(&[("SQLITE_FILE", "/no/such/directory/app.sqlite")]).starts_with("SQLITE_FILE is \"/no/such"));
    assert!(refusal(&[("SQLITE_FILE", "/tmp")]).starts_with("SQLITE_FILE is \"/tmp\""));
    assert!(read(&[("SQLITE_FILE", "/tmp/app.sqlite")]).is_ok());
}
