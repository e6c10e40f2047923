//! The name of a user as it may be stored. A value of this type is always valid: it is checked when it is read.

use serde::Deserialize;

/// The longest name, in characters; the column in `migrations/` is as wide.
const LONGEST: usize = 64;

/// A name of 1 to 64 characters, not blank, without control characters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(String);

/// Why a name is refused, in words for the person who wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    #[error("write a name that is not blank")]
    Blank,
    #[error("write a name of at most {LONGEST} characters")]
    TooLong,
    #[error("write a name without control characters such as line breaks")]
    Control,
    #[error("write the name in UTF-8")]
    NotUtf8,
}

impl Username {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(name: String) -> Result<Self, UsernameError> {
        if name.trim().is_empty() {
            return Err(UsernameError::Blank);
        }
        if name.chars().count() > LONGEST {
            return Err(UsernameError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(UsernameError::Control);
        }
        // The form's decoder puts this character in place of bytes that are not UTF-8.
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(UsernameError::NotUtf8);
        }
        Ok(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str) -> Option<UsernameError> {
        Username::try_from(name.to_owned()).err()
    }

    #[test]
    fn names_of_one_to_64_characters_of_any_script_are_kept_as_written() {
        for name in ["a", " Ada Lovelace ", "Żółć", "🦀", &"é".repeat(64), "'; DROP TABLE users; --"] {
            assert_eq!(Username::try_from(name.to_owned()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_the_reason() {
        assert_eq!(refusal(""), Some(UsernameError::Blank));
        assert_eq!(refusal(" \u{3000}\t"), Some(UsernameError::Blank));
        assert_eq!(refusal(&"é".repeat(65)), Some(UsernameError::TooLong));
        assert_eq!(refusal("a\0b"), Some(UsernameError::Control));
        assert_eq!(refusal("a\nb"), Some(UsernameError::Control));
        assert_eq!(refusal("a\u{85}b"), Some(UsernameError::Control));
        assert_eq!(refusal("a\u{fffd}b"), Some(UsernameError::NotUtf8));
    }
}
