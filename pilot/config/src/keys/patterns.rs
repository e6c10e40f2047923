//! Regular expressions (as of JSON Schema) that say what texts a key takes.

/// A name that DNS can carry.
pub(super) const SERVICE_NAME: &str = "^[a-z][a-zA-Z0-9-]+$";
/// An address of a Consul agent begins like this.
pub(super) const CONSUL_ADDRESS: &str = "^(\\S*|(https?://)?unix://[\\s\\S]*)$";
/// A URL for an `http` probe begins like this.
pub(super) const HTTP_URL: &str = "^(/|https?://)\\S*$";
/// A URL for a `mysql` probe begins like this.
pub(super) const MYSQL_URL: &str = "^mysql://.*@";
/// What says how many requests are in flight.
pub(super) const IN_FLIGHT: &str = "^(connections|/[\\s\\S]*|http://\\S*)?$";
/// A time in Go's syntax.
pub(super) const TIME: &str = "([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h)";

/// `word` in any letter case.
pub(super) fn any_case(word: &str) -> String {
    word.chars()
        .map(|c| match (c.to_ascii_lowercase(), c.to_ascii_uppercase()) {
            (low, high) if low == high => low.to_string(),
            (low, high) => format!("[{low}{high}]"),
        })
        .collect()
}

/// Whole numbers in a range, as Go reads them: decimal, `0x` hexadecimal, or octal with a leading zero. `least` is 0, 1 or
/// any negative number at all.
pub(super) fn integer(least: i64, most: i64) -> String {
    let (most, zero) = (most.unsigned_abs(), if least > 0 { "(?!0+$)" } else { "" });
    let written = |most| {
        let (hexadecimal, octal) = (up_to(16, most), up_to(8, most));
        format!("0[xX]{zero}0*({hexadecimal})|0{zero}0*({octal})|(?!0)({})", up_to(10, most))
    };
    let negative = if least < 0 { format!("|-({}|0)", written(least.unsigned_abs())) } else { String::new() };
    let none = if least <= 0 { "|[+-]?0|-0[xX]?0+" } else { "" };
    format!("[+]?({}){negative}{none}", written(most))
}

/// Digits of a number from 0 to `most`, at least one, without more leading zeros than it takes.
pub(super) fn up_to(base: u32, most: u64) -> String {
    let digits: Vec<u32> = digits(u64::from(base), most);
    let mut ways = Vec::new();
    if digits.len() > 1 {
        ways.push(format!("{}{{1,{}}}", class(base - 1), digits.len() - 1));
    }
    let mut before = String::new();
    for (at, digit) in digits.iter().enumerate() {
        let after = digits.len() - at - 1;
        if *digit > 0 {
            let after = if after > 0 { format!("{}{{{after}}}", class(base - 1)) } else { String::new() };
            ways.push(format!("{before}{}{after}", class(digit - 1)));
        }
        before.push_str(&one(*digit));
    }
    ways.push(before);
    ways.join("|")
}

fn digits(base: u64, mut number: u64) -> Vec<u32> {
    let mut digits = Vec::new();
    loop {
        digits.push(u32::try_from(number % base).unwrap_or(0));
        number /= base;
        if number == 0 {
            digits.reverse();
            return digits;
        }
    }
}

fn one(digit: u32) -> String {
    match char::from_digit(digit, 16) {
        Some(c @ 'a'..='f') => format!("[{c}{}]", c.to_ascii_uppercase()),
        Some(c) => c.to_string(),
        None => String::new(),
    }
}

/// All digits up to this one.
fn class(most: u32) -> String {
    match char::from_digit(most, 16) {
        Some(c @ 'a'..='f') => format!("[0-9a-{c}A-{}]", c.to_ascii_uppercase()),
        Some('0') | None => "0".to_owned(),
        Some(c) => format!("[0-{c}]"),
    }
}
