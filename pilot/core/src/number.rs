//! Floating point numbers as v3, being written in Go, prints them.

/// Shortest decimal without an exponent, with Go's words for what is no number.
pub fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    value.to_string()
}

/// How Go prints a float in an argument list (`%v`): an exponent from a million up and below 0.0001.
pub fn go_printed(value: f64) -> String {
    let shortest = format!("{value:e}");
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return plain(value) };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_v3_writes_them() {
        for (number, text, argument) in [
            (5.0, "5", "5"),
            (1.5, "1.5", "1.5"),
            (8000.0, "8000", "8000"),
            (999_999.0, "999999", "999999"),
            (1_000_000.0, "1000000", "1e+06"),
            (1_234_567.0, "1234567", "1.234567e+06"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "0.00001", "1e-05"),
            (-2e30, "-2000000000000000000000000000000", "-2e+30"),
            (0.0, "0", "0"),
            (f64::NAN, "NaN", "NaN"),
            (f64::INFINITY, "+Inf", "+Inf"),
        ] {
            assert_eq!(plain(number), text);
            assert_eq!(go_printed(number), argument);
        }
    }
}
