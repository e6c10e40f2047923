//! Numbers as Go's `ParseFloat` reads them (v3 spec 9.3).

/// A number, `Inf`, `Infinity` or `NaN` in any letter case. What does not fit is no number, unlike in Rust.
pub(super) fn go_float(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    let named = text.contains(['i', 'I']);
    (number.is_finite() || number.is_nan() || named).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_go_reads_them() {
        let rows = [
            ("42", Some(42.0)),
            (" 1.5\n", Some(1.5)),
            ("-1e-3", Some(-0.001)),
            ("1e+06", Some(1_000_000.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("+7", Some(7.0)),
            ("Inf", Some(f64::INFINITY)),
            ("+inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e999", None),
            ("", None),
            ("x", None),
            ("1,5", None),
            ("0x10", None),
            ("1 2", None),
        ];
        for (text, number) in rows {
            assert_eq!(go_float(text), number, "{text:?}");
        }
        assert!(go_float("nan").is_some_and(f64::is_nan) && go_float("NaN").is_some_and(f64::is_nan));
    }
}
