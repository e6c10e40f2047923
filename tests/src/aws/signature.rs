//! Checks a request's signature, version 4, from the request as it came over the wire.
//!
//! IAM User Guide, "Create a signed AWS API request". Written apart from pilot's client, so that both must agree.

use ring::{digest, hmac};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::scripted::Request;

/// Of [`super::ACCESS_KEY`].
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// Of the same session.
pub const TOKEN: &str = "session/token+of=the==task";
/// A request may be so old or so far in the future.
const TOLERANCE: i64 = 300;

/// What is wrong with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Signed at another time than now.
    Time,
    /// Anything else, with the reason.
    Signature(String),
}

/// Checks it against a clock that is `skew` seconds ahead of this machine's.
///
/// # Errors
/// As [`Wrong`].
pub fn verify(request: &Request, skew: i64) -> Result<(), Wrong> {
    let missing = |what: &str| Wrong::Signature(format!("no {what}"));
    let authorization = header(request, "authorization").ok_or_else(|| missing("Authorization"))?;
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}="))?;
        Some(rest.split(',').next().unwrap_or(rest).trim().to_owned())
    };
    let scope = part("Credential").ok_or_else(|| missing("Credential"))?;
    let signed = part("SignedHeaders").ok_or_else(|| missing("SignedHeaders"))?;
    let signature = part("Signature").ok_or_else(|| missing("Signature"))?;
    let when = header(request, "x-amz-date").ok_or_else(|| missing("X-Amz-Date"))?;
    let (key, scope) = scope.split_once('/').ok_or_else(|| missing("scope"))?;
    let [date, region, service, end] = scope.split('/').collect::<Vec<_>>()[..] else { return Err(missing("scope")) };
    if (key, region, service, end) != (super::ACCESS_KEY, "eu-central-1", "elasticloadbalancing", "aws4_request") {
        return Err(Wrong::Signature(format!("signed for {key}/{scope}")));
    }
    if header(request, "x-amz-security-token").as_deref() != Some(TOKEN) {
        return Err(missing("session token"));
    }
    for must in ["host", "x-amz-date", "x-amz-security-token"] {
        if !signed.split(';').any(|name| name == must) {
            return Err(Wrong::Signature(format!("{must} is not signed")));
        }
    }
    let (method, target) = request.line.split_once(' ').ok_or_else(|| missing("request line"))?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", header(request, name).unwrap_or_default())).collect();
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{}", sha256(request.body.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{when}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut secret = format!("AWS4{SECRET}").into_bytes();
    for step in [date, region, service, end] {
        secret = mac(&secret, step.as_bytes());
    }
    if hex(&mac(&secret, text.as_bytes())) != signature {
        return Err(Wrong::Signature("the signature is another one".to_owned()));
    }
    match seconds(&when) {
        Some(signed_at) if (signed_at - (now() + skew)).abs() <= TOLERANCE => Ok(()),
        _ => Err(Wrong::Time),
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20150830T123600Z` as seconds since 1970.
fn seconds(when: &str) -> Option<i64> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    Some(PrimitiveDateTime::parse(when, format).ok()?.assume_utc().unix_timestamp())
}

/// An HTTP date (RFC 9110, 5.6.7).
pub(super) fn http_date(seconds: i64) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok();
    date.and_then(|date| date.format(format).ok()).unwrap_or_default()
}

/// This machine's clock.
pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written_as_aws_does() {
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(http_date(1_440_938_160), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(http_date(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
    }
}
