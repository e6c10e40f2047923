//! Go's `strconv.FormatFloat`: when to use an exponent, and at least two digits in it.

/// How a float is written: Go's verbs `e`, `f` and `g`.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Exponent,
    Point,
    /// The shorter of both.
    General,
}

/// `precision` is the number of digits after the point (of all digits for `General`); `None` takes as many as are
/// needed to read the same number back. The caller limits it.
pub(super) fn format(value: f64, form: Form, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match (form, precision) {
        (Form::Point, Some(digits)) => format!("{value:.digits$}"),
        (Form::Point, None) => format!("{value}"),
        (Form::Exponent, Some(digits)) => two_digit_exponent(&format!("{value:.digits$e}")),
        (Form::Exponent, None) => two_digit_exponent(&format!("{value:e}")),
        (Form::General, _) => general(value, precision),
    }
}

fn general(value: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        Some(digits) => format!("{value:.*e}", digits.max(1) - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0') } else { mantissa };
    let digits = i64::try_from(mantissa.chars().filter(char::is_ascii_digit).count()).unwrap_or(i64::MAX);
    // strconv: the exponent is used below -4 and from the precision on; without one the precision counts as 6, and
    // digits that are only zeros do not count.
    let threshold = match precision.map(|digits| i64::try_from(digits.max(1)).unwrap_or(i64::MAX)) {
        None => 6,
        Some(precision) if precision > digits && digits > exponent => digits,
        Some(precision) => precision,
    };
    if exponent < -4 || exponent >= threshold {
        two_digit_exponent(&format!("{}e{exponent}", mantissa.trim_end_matches('.')))
    } else {
        format!("{value:.*}", usize::try_from(digits - 1 - exponent).unwrap_or(0))
    }
}

fn two_digit_exponent(scientific: &str) -> String {
    match scientific.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => scientific.to_owned(),
    }
}
