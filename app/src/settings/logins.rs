//! What `app logins` is told: the administrator in `DB_USER` and `DB_PASSWD`, and who is to be made.

use sqlx::mysql::MySqlConnectOptions;

use super::{Environment, SettingError, mysql};

/// A user of the database, and which databases it may use.
pub struct Login {
    pub user: String,
    pub password: String,
    /// As `GRANT` reads it: `_` and `%` stand for others unless a backslash is before them.
    pub databases: String,
}

/// The users that the application logs in as, and who may make them.
pub struct Logins {
    pub administrator: MySqlConnectOptions,
    pub logins: Vec<Login>,
}

impl Logins {
    /// Reads the environment of this process.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(&Environment(&|name| std::env::var_os(name)))
    }

    pub(super) fn read(env: &Environment) -> Result<Self, SettingError> {
        const HOST: &str = "write the host name of the database's server";
        let host = env.text("DB_HOST", HOST)?.ok_or(SettingError {
            name: "DB_HOST",
            problem: "is not set, and SQLite has no users".into(),
            remedy: HOST,
        })?;
        let administrator = mysql(env, host)?;
        let own = administrator.get_database().unwrap_or_default().replace('_', "\\_").replace('%', "\\%");
        let mut logins = vec![Login {
            user: user(env, "APP_USER")?,
            password: password(env, "APP_PASSWD")?,
            databases: own.clone(),
        }];
        if env.is_set("REVIEW_USER") {
            let databases = format!("{own}\\_%");
            logins.push(Login {
                user: user(env, "REVIEW_USER")?,
                password: password(env, "REVIEW_PASSWD")?,
                databases,
            });
        }
        Ok(Self { administrator, logins })
    }
}

fn user(env: &Environment, name: &'static str) -> Result<String, SettingError> {
    const REMEDY: &str = "write the name of the user to make: 1 to 32 letters, digits and underscores";
    let user = required(env, name, REMEDY)?;
    if user.len() > 32 || !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(SettingError { name, problem: format!("is {user:?}"), remedy: REMEDY });
    }
    Ok(user)
}

fn password(env: &Environment, name: &'static str) -> Result<String, SettingError> {
    const REMEDY: &str = "write the password that the user is to have, without backslashes and control characters";
    let password = required(env, name, REMEDY)?;
    if password.contains(|letter: char| letter == '\\' || letter.is_control()) {
        return Err(SettingError { name, problem: "has a character that it may not have".into(), remedy: REMEDY });
    }
    Ok(password)
}

fn required(env: &Environment, name: &'static str, remedy: &'static str) -> Result<String, SettingError> {
    env.text(name, remedy)?.ok_or(SettingError { name, problem: "is not set".into(), remedy })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    const GIVEN: [(&str, &str); 8] = [
        ("DB_HOST", "db.example"),
        ("DB_USER", "admin"),
        ("DB_PASSWD", "s3cret"),
        ("DB_NAME", "my_app"),
        ("APP_USER", "app"),
        ("APP_PASSWD", "p'1"),
        ("REVIEW_USER", "review"),
        ("REVIEW_PASSWD", "p2"),
    ];

    /// What is given, but for one variable: another value, or none.
    fn read(changed: &str, value: Option<&str>) -> Result<Logins, SettingError> {
        let find = |name: &str| {
            let given = GIVEN.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            if name == changed { value } else { given }.map(OsString::from)
        };
        Logins::read(&Environment(&find))
    }

    #[test]
    fn each_may_use_its_own_databases_and_no_name_is_a_pattern_by_accident() {
        let all = read("", None).unwrap().logins;
        let found: Vec<_> = all.iter().map(|login| (login.user.as_str(), login.databases.as_str())).collect();
        assert_eq!(found, [("app", r"my\_app"), ("review", r"my\_app\_%")]);
        assert_eq!(read("REVIEW_USER", None).unwrap().logins.len(), 1);
    }

    #[test]
    fn what_cannot_be_a_user_is_refused_by_its_name_and_no_password_is_shown() {
        for (name, wrong) in [
            ("DB_HOST", None),
            ("DB_USER", None),
            ("APP_USER", None),
            ("APP_PASSWD", None),
            ("REVIEW_PASSWD", None),
            ("APP_USER", Some("")),
            ("APP_USER", Some("a'b")),
            ("APP_USER", Some("a23456789012345678901234567890123")),
            ("REVIEW_USER", Some("a b")),
            ("APP_PASSWD", Some("")),
            ("APP_PASSWD", Some(r"s3cret\")),
            ("REVIEW_PASSWD", Some("s3cret\n")),
        ] {
            let message = read(name, wrong).err().unwrap_or_else(|| panic!("{name} {wrong:?}")).to_string();
            assert!(message.starts_with(name) && message.contains(": write "), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
