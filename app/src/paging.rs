//! Which page of the users is asked for: `?after=<id>&limit=<1..100>`. Keyset paging: the next page starts after
//! an id, so it costs the same however far it is, and no user is shown twice when others are added meanwhile.

use serde::Deserialize;

/// The query of `GET /users`. A parameter with another name is an error, not a silent first page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paging {
    after: u64,
    limit: Limit,
}

impl Paging {
    /// Only users with a greater id are on the page. An id beyond what the database can hold means: none.
    pub fn after(&self) -> i64 {
        i64::try_from(self.after).unwrap_or(i64::MAX)
    }

    /// The most users the page may hold.
    pub fn limit(&self) -> u8 {
        self.limit.0
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "u64")]
struct Limit(u8);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u64> for Limit {
    type Error = &'static str;

    fn try_from(limit: u64) -> Result<Self, Self::Error> {
        match u8::try_from(limit) {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            Ok(_) | Err(_) => Err("write a number from 1 to 100"),
        }
    }
}
