//! Which lines come out for which bytes, and what they look like.

use super::super::time;
use super::*;

fn line(format: LogFormat, fields: &[Field], message: &[u8]) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::new(1_525_262_400, 120_340_000);
    let mut out = Vec::new();
    Layout { format, zone: LazyLock::new(TimeZone::utc) }.frame(at, Level::Info, fields).put(&mut out, message);
    String::from_utf8(out).unwrap()
}

fn field(key: &str, value: Value) -> Field {
    Field { key: key.to_owned(), value }
}

fn job() -> [Field; 2] {
    [field("job", Value::Text("my app".to_owned())), field("pid", Value::Bare("12".to_owned()))]
}

fn check() -> [Field; 2] {
    [field("check", Value::Text("check.app".to_owned())), field("pid", Value::Bare("7".to_owned()))]
}

#[test]
fn lines_in_the_default_format() {
    assert_eq!(line(LogFormat::Default, &job(), b"a \"b\""), "2018-05-02T12:00:00.12034Z my app 12 a \"b\"\n");
    assert_eq!(line(LogFormat::Default, &check(), b"ok"), "2018-05-02T12:00:00.12034Z 7 ok\n");
    assert_eq!(line(LogFormat::Default, &[], b""), "2018-05-02T12:00:00.12034Z \n");
}

#[test]
fn lines_in_the_text_format() {
    for (fields, message, expected) in [
        (&job()[..], &b"plain-1.0"[..], r#"msg=plain-1.0 job="my app" pid=12 "#),
        (&check(), b"two words", r#"msg="two words" check=check.app pid=7 "#),
        // v3's defect 17, repaired.
        (&[], br#"say "hi" \ there"#, r#"msg="say \"hi\" \\ there" "#),
        (&[], b"two\nlines", r#"msg="two\nlines" "#),
        (&[], b"", ""),
    ] {
        let expected = format!("time=\"2018-05-02T12:00:00Z\" level=info {expected}\n");
        assert_eq!(line(LogFormat::Text, fields, message), expected);
    }
}

#[test]
fn lines_in_the_json_format() {
    let time = "\"time\":\"2018-05-02T12:00:00.12034Z\"}\n";
    for (fields, message, expected) in [
        (&job()[..], &b"hi"[..], r#"{"job":"my app","level":"info","msg":"hi","pid":12,"#),
        (&check(), b"", r#"{"check":"check.app","level":"info","msg":"","pid":7,"#),
        (
            &[],
            b"<a href=\"x\">&\\\t\r\n\x01\x7f",
            "{\"level\":\"info\",\"msg\":\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\\\t\\r\\n\\u0001\x7f\",",
        ),
        (
            &[],
            "ünï😀\u{2028}\u{2029}\u{2026}".as_bytes(),
            "{\"level\":\"info\",\"msg\":\"ünï😀\\u2028\\u2029\u{2026}\",",
        ),
        (&[], b"a\xff\xfe\xe2\x80b\xe2", r#"{"level":"info","msg":"a\ufffd\ufffd\ufffd\ufffdb\ufffd","#),
    ] {
        assert_eq!(line(LogFormat::Json, fields, message), format!("{expected}{time}"));
    }
}

#[test]
fn time_is_local_and_its_fraction_is_trimmed() {
    let show = |at: Duration, zone: &TimeZone| {
        let mut out = Vec::new();
        time::put(&mut out, SystemTime::UNIX_EPOCH + at, zone, time::Precision::Nanoseconds);
        String::from_utf8(out).unwrap()
    };
    let berlin = TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let newfoundland = TimeZone::fixed(-(3 * 3600 + 1800)).unwrap();
    assert_eq!(show(Duration::new(1_525_262_400, 0), &TimeZone::utc()), "2018-05-02T12:00:00Z");
    assert_eq!(show(Duration::new(1_525_262_400, 1), &berlin), "2018-05-02T14:00:00.000000001+02:00");
    assert_eq!(show(Duration::new(1_546_300_799, 100_000_000), &berlin), "2019-01-01T00:59:59.1+01:00");
    assert_eq!(show(Duration::new(1_525_262_400, 999_999_999), &newfoundland), "2018-05-02T08:30:00.999999999-03:30");
}

proptest! {
    #[test]
    fn any_bytes_make_one_valid_json_line(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = line(LogFormat::Json, &job(), &message);
        prop_assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&value["pid"], 12);
        if let Ok(valid) = std::str::from_utf8(&message) {
            prop_assert_eq!(&value["msg"], valid);
        }
    }
}

#[test]
fn lines_lose_their_end_and_nothing_else() {
    let sent = b"one\r\n\n  two \r\r\n\xff\xfe\0\x1b[31m\nlast";
    let expected: [&[u8]; 5] = [b"one", b"", b"  two \r", b"\xff\xfe\0\x1b[31m", b"last"];
    assert_eq!(written(sent), expected);
}

#[test]
fn a_megabyte_of_binary_comes_out_byte_for_byte() {
    let mut seed = 1u32;
    let mut sent: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    })
    .filter(|byte| *byte != b'\r')
    .take(1 << 20)
    .collect();
    sent.push(b'\n');
    let out = written(&sent);
    assert!([out.join(&b'\n'), b"\n".to_vec()].concat() == sent);
}

#[test]
fn a_line_of_ten_megabytes_comes_out_whole_in_marked_pieces() {
    let sent = "0123456789abcde€".repeat(10 * 1024 * 1024 / 18);
    for format in [LogFormat::Default, LogFormat::Json] {
        let (output, reader) = output(format, Level::Info, DEADLINE);
        let all = read_all(reader);
        let (mut out, err) = attached(&output);
        out.write_all(sent.as_bytes()).unwrap();
        out.write_all(b"\nnext\n").unwrap();
        drop((out, err));
        assert!(output.finish(DEADLINE));
        drop(output);
        let all = String::from_utf8(all.join().unwrap()).expect("no character is cut in two");
        let pieces: Vec<(bool, String)> = all
            .lines()
            .map(|line| match format {
                LogFormat::Json => {
                    let value: serde_json::Value = serde_json::from_str(line).unwrap();
                    (value["partial"] == true, value["msg"].as_str().unwrap().to_owned())
                }
                LogFormat::Default | LogFormat::Text => {
                    let message = line.split_once(" app 12 ").unwrap().1;
                    let piece = message.strip_prefix("[partial] ");
                    (piece.is_some(), piece.unwrap_or(message).to_owned())
                }
            })
            .collect();
        let (next, long) = pieces.split_last().unwrap();
        assert_eq!(next, &(false, "next".to_owned()));
        let (last, marked) = long.split_last().unwrap();
        assert!(!last.0 && marked.iter().all(|piece| piece.0), "all but the last piece are marked");
        assert!(long.iter().all(|piece| piece.1.len() <= MAX_LINE) && long.len() <= sent.len() / MAX_LINE + 2);
        assert!(long.iter().map(|piece| piece.1.as_str()).collect::<String>() == sent);
    }
}

#[test]
fn a_line_of_exactly_the_longest_length_is_not_cut() {
    let sent = "x".repeat(MAX_LINE);
    let out = written(format!("{sent}\ny").as_bytes());
    assert!(out == [sent.as_bytes(), b"y"], "{:?}", out.iter().map(Vec::len).collect::<Vec<_>>());
}

/// A16: nothing that a child or a stranger says speaks to a terminal, or looks like another line.
#[test]
fn control_characters_are_escaped_in_the_text_format() {
    let sent = "\u{1b}[31mred\r\0\u{7f}\u{85}\u{9b}2J\u{2028}\u{2029}\u{202e}\tü–€".as_bytes();
    let want = r#"msg="\x1b[31mred\r\x00\x7f\u0085\u009b2J\u2028\u2029\u202e\tü–€" "#;
    assert!(line(LogFormat::Text, &[], sent).contains(want), "{}", line(LogFormat::Text, &[], sent));
}
