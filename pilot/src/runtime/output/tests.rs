//! Whole lines in, whole lines out, through the real threads and real pipes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use tz::TimeZone;

use super::format::{Field, Layout, Value};
use super::sink::Sink;
use super::{Destination, LONGEST, Label, Output, OutputError};
use crate::core::plan::{Level, LogFormat, LogOutput, Logging};

const DEADLINE: Duration = Duration::from_secs(30);
/// Short, where a test is about a reader that does not read.
const SHORT: Duration = Duration::from_millis(100);

/// An output whose reader is the test.
fn output(format: LogFormat, level: Level, patience: Duration) -> (Output, PipeReader) {
    let (read, write) = std::io::pipe().unwrap();
    let layout = Layout { format, zone: LazyLock::new(TimeZone::utc) };
    let output = Output::of(layout, level, Sink::descriptor(write.into()), patience).unwrap();
    output.begin().unwrap();
    (output, read)
}

/// A child's stdout and stderr, attached as job `app` with pid 12.
fn attached(output: &Output) -> (File, File) {
    let (child, unread) = output.pipes().unwrap();
    unread.attach(Label::Job("app".to_owned()), 12);
    (File::from(child.stdout), File::from(child.stderr))
}

/// Everything that comes out until the output is finished and let go of.
fn read_all(mut reader: PipeReader) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    })
}

/// What the children wrote, with prefixes taken off.
fn messages(all: &[u8]) -> Vec<Vec<u8>> {
    let prefix = b" [app] [12] ";
    all.split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").expect("every line is terminated");
            let at = memchr::memmem::find(line, prefix).expect("every line has the prefix");
            line[at + prefix.len()..].to_vec()
        })
        .collect()
}

/// What comes out in the default format for what a child writes to stdout.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let all = read_all(reader);
    let (mut out, err) = attached(&output);
    out.write_all(bytes).unwrap();
    drop((out, err));
    assert!(output.finish(DEADLINE));
    drop(output);
    messages(&all.join().unwrap())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < DEADLINE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

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
    assert_eq!(line(LogFormat::Default, &job(), b"a \"b\""), "2018-05-02T12:00:00.12034Z [my app] [12] a \"b\"\n");
    assert_eq!(line(LogFormat::Default, &check(), b"ok"), "2018-05-02T12:00:00.12034Z [7] ok\n");
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
        super::time::put(&mut out, SystemTime::UNIX_EPOCH + at, zone, super::time::Precision::Nanoseconds);
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
                    let message = line.split_once(" [app] [12] ").unwrap().1;
                    let piece = message.strip_prefix("[partial] ");
                    (piece.is_some(), piece.unwrap_or(message).to_owned())
                }
            })
            .collect();
        let (next, long) = pieces.split_last().unwrap();
        assert_eq!(next, &(false, "next".to_owned()));
        let (last, marked) = long.split_last().unwrap();
        assert!(!last.0 && marked.iter().all(|piece| piece.0), "all but the last piece are marked");
        assert!(long.iter().all(|piece| piece.1.len() <= LONGEST) && long.len() <= sent.len() / LONGEST + 2);
        assert!(long.iter().map(|piece| piece.1.as_str()).collect::<String>() == sent);
    }
}

#[test]
fn a_line_of_exactly_the_longest_length_is_not_cut() {
    let sent = "x".repeat(LONGEST);
    let out = written(format!("{sent}\ny").as_bytes());
    assert!(out == [sent.as_bytes(), b"y"], "{:?}", out.iter().map(Vec::len).collect::<Vec<_>>());
}

#[test]
fn a_last_word_comes_out_when_pilot_ends_though_its_pipe_is_still_open() {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let all = read_all(reader);
    let (mut out, _err) = attached(&output);
    out.write_all(b"first\nlast word").unwrap();
    assert!(output.finish(DEADLINE));
    drop(output);
    assert_eq!(messages(&all.join().unwrap()), [&b"first"[..], b"last word"]);
}

#[test]
fn a_writer_that_never_stops_does_not_keep_pilot_from_ending() {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let all = read_all(reader);
    let (mut out, _err) = attached(&output);
    let writer = thread::spawn(move || while out.write_all(b"again\n").is_ok() {});
    let begin = Instant::now();
    assert!(!output.finish(SHORT) || begin.elapsed() < DEADLINE);
    // The pipe is closed at the latest now, which ends the writer.
    writer.join().unwrap();
    drop(output);
    all.join().unwrap();
}

#[test]
fn lines_of_many_writers_never_mix_and_each_stays_in_order() {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let all = read_all(reader);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (mut out, _err) = attached(&output);
            thread::spawn(move || {
                for number in 0..2000 {
                    // In two parts, so that a line is often unfinished while others come.
                    let fill = "x".repeat(number % 300);
                    write!(out, "{writer} {number} ").unwrap();
                    writeln!(out, "{fill}|").unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert!(output.finish(DEADLINE));
    assert_eq!(output.lost(), 0);
    drop(output);
    let mut next = [0usize; 8];
    for message in messages(&all.join().unwrap()) {
        let text = String::from_utf8(message).unwrap();
        let writer: usize = text.split(' ').next().unwrap().parse().unwrap();
        let number = next[writer];
        assert_eq!(text, format!("{writer} {number} {}|", "x".repeat(number % 300)));
        next[writer] += 1;
    }
    assert_eq!(next, [2000; 8]);
}

#[test]
fn a_slow_reader_makes_children_wait_and_loses_nothing() {
    let (output, mut reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let (mut out, err) = attached(&output);
    let writer = thread::spawn(move || {
        for number in 0..30_000 {
            writeln!(out, "{number:0100}").unwrap();
        }
        drop((out, err));
    });
    let mut all = Vec::new();
    // 3 MB do not fit into the pipes and queues between: the writer cannot end before somebody reads.
    thread::sleep(SHORT);
    assert!(!writer.is_finished());
    let finish = output.clone();
    drop(output);
    // Not to the end: a read after the writer's last line would wait for ever.
    while all.len() < 2_000_000 {
        let mut piece = [0; 20_000];
        let read = reader.read(&mut piece).unwrap();
        all.extend_from_slice(&piece[..read]);
    }
    let rest = read_all(reader);
    writer.join().unwrap();
    assert!(finish.finish(DEADLINE));
    assert_eq!(finish.lost(), 0);
    drop(finish);
    all.extend(rest.join().unwrap());
    assert_eq!(messages(&all).len(), 30_000);
}

#[test]
fn when_nobody_reads_lines_are_dropped_counted_and_announced_and_nobody_waits() {
    let (output, reader) = output(LogFormat::Default, Level::Info, SHORT);
    let (mut out, err) = attached(&output);
    // A child with far more to say than all buffers hold is not held up for good.
    for number in 0..100_000 {
        writeln!(out, "{number:0100}").unwrap();
    }
    // pilot's own lines, at no moment waiting: far more than their queue holds.
    let begin = Instant::now();
    tracing::subscriber::with_default(output.records(), || {
        for number in 0..50_000 {
            tracing::info!("own line {number}");
        }
    });
    assert!(begin.elapsed() < DEADLINE);
    let (_child, unread) = output.pipes().unwrap();
    unread.attach(Label::Check("check.app".to_owned()), 1);
    until("losses to be counted", || output.lost() > 0);
    // Reading resumes.
    let lines = BufReader::new(reader).lines();
    let mut lines = lines.map(|line| line.unwrap());
    let (mut seen, mut said) = (0u64, 0u64);
    for line in lines.by_ref() {
        if let Some((_, report)) = line.split_once("Z ").filter(|(_, text)| text.contains(" lost: ")) {
            said = report.split(' ').next().unwrap().parse().unwrap();
            assert!(report.contains(" lines were lost: nobody read pilot's output for "), "{report}");
            break;
        }
        seen += 1;
    }
    assert_eq!(said, output.lost());
    // Everything goes on as before.
    writeln!(out, "and on").unwrap();
    drop((out, err));
    assert!(lines.next().unwrap().ends_with(" [app] [12] and on"));
    assert_eq!(seen + said, 150_000, "every line was either written or counted");
    assert!(output.finish(DEADLINE));
}

#[test]
fn finish_returns_when_the_reader_is_stuck() {
    let (output, _reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let (mut out, err) = attached(&output);
    // With their prefixes some 500 kB: more than the reader's pipe holds, less than all buffers do.
    out.write_all(&b"0123456789\n".repeat(9_000)).unwrap();
    drop((out, err));
    let begin = Instant::now();
    assert!(!output.finish(SHORT));
    assert!(begin.elapsed() < DEADLINE / 2);
}

#[test]
fn a_reader_that_is_gone_costs_lines_but_no_child_and_not_pilot() {
    let (output, reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    drop(reader);
    let (mut out, err) = attached(&output);
    for number in 0..20_000 {
        writeln!(out, "{number:0100}").unwrap();
    }
    drop((out, err));
    assert!(output.finish(DEADLINE), "nothing is waited for");
    assert_eq!(output.lost(), 20_000);
}

#[test]
fn a_full_disk_is_reported_once_it_has_room_again() {
    // /dev/full refuses every byte; then the file is rotated to one that takes them.
    let folder = folder("full");
    let path = folder.join("log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let output = Output::start(&file_logging(&path)).unwrap();
    let (mut out, err) = attached(&output);
    out.write_all(b"one\ntwo\n").unwrap();
    until("two lines to be lost", || output.lost() == 2);
    fs::remove_file(&path).unwrap();
    output.reopen();
    until("the new file", || path.exists());
    out.write_all(b"three\n").unwrap();
    drop((out, err));
    assert!(output.finish(DEADLINE));
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(
        lines,
        ["[app] [12] three", "2 lines were lost: writing them failed: No space left on device (os error 28)"]
    );
    fs::remove_dir_all(folder).unwrap();
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("pilot-output-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn file_logging(path: &std::path::Path) -> Logging {
    Logging { output: LogOutput::File(path.to_owned()), ..Logging::default() }
}

#[test]
fn rotation_under_load_loses_and_doubles_no_line() {
    let folder = folder("rotate");
    let path = folder.join("log");
    let output = Output::start(&file_logging(&path)).unwrap();
    let (mut out, err) = attached(&output);
    let writer = thread::spawn(move || {
        for number in 0..50_000 {
            writeln!(out, "{number}").unwrap();
        }
        drop((out, err));
    });
    for turn in 0..10 {
        until("something in the file", || fs::metadata(&path).is_ok_and(|meta| meta.len() > 0) || writer.is_finished());
        let _ = fs::rename(&path, folder.join(format!("old-{turn}")));
        output.reopen();
        until("the new file", || path.exists());
    }
    writer.join().unwrap();
    assert!(output.finish(DEADLINE));
    let files = (0..10).map(|turn| folder.join(format!("old-{turn}"))).chain([path]);
    let all: Vec<u8> = files.flat_map(|file| fs::read(file).unwrap_or_default()).collect();
    let expected: Vec<Vec<u8>> = (0..50_000).map(|number| number.to_string().into_bytes()).collect();
    assert!(messages(&all) == expected);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_log_file_that_cannot_be_reopened_is_kept() {
    let folder = folder("keep");
    let path = folder.join("log");
    let output = Output::start(&file_logging(&path)).unwrap();
    let moved = folder.join("moved");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    output.reopen();
    assert!(output.finish(DEADLINE));
    let text = fs::read_to_string(moved).unwrap();
    assert!(text.contains("cannot reopen") && text.ends_with("logging goes on in the old file\n"), "{text}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_log_file_in_a_missing_folder_is_refused_with_its_path() {
    let error = Output::start(&file_logging("/no/such/folder/log".as_ref())).unwrap_err();
    assert!(matches!(error, OutputError::File { .. }));
    assert!(error.to_string().starts_with("cannot open the log file /no/such/folder/log: No such file"), "{error}");
}

#[test]
fn a_level_above_info_hides_childrens_lines_but_never_blocks_them() {
    let (output, reader) = output(LogFormat::Default, Level::Warn, DEADLINE);
    let all = read_all(reader);
    let (mut out, err) = attached(&output);
    out.write_all(&b"hidden\n".repeat(100_000)).unwrap();
    drop((out, err));
    assert!(output.finish(DEADLINE));
    drop(output);
    assert_eq!(all.join().unwrap(), b"");
}

#[test]
fn a_change_of_level_format_and_destination_holds_for_what_comes_after_it() {
    let (output, reader) = output(LogFormat::Default, Level::Warn, DEADLINE);
    let old = read_all(reader);
    let (mut child, _err) = attached(&output);
    let path = std::env::temp_dir().join(format!("pilot-redirect-{}", std::process::id()));
    let file = LogOutput::File(path.clone());
    tracing::subscriber::with_default(output.records(), || {
        // One statement each, for a statement remembers whether it is wanted.
        let speak = |turn: u32| {
            tracing::debug!("debug {turn}");
            tracing::error!("error {turn}");
        };
        child.write_all(b"hidden\n").unwrap();
        speak(1);
        let text = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
        let destination = Destination::open(&file).unwrap();
        until("the hidden line to be read", || output.recent("app").last(1).lines == ["hidden"]);
        output
            .change(&Logging { level: Level::Debug, format: LogFormat::Text, output: file.clone() }, Some(destination));
        speak(2);
        child.write_all(b"one\nshown\n").unwrap();
        until("the child's lines", || text(&path).contains("shown"));
        output.change(&Logging { level: Level::Error, format: LogFormat::Json, output: file.clone() }, None);
        speak(3);
    });
    assert!(output.finish(DEADLINE));
    drop(output);
    let old = String::from_utf8(old.join().unwrap()).unwrap();
    assert!(old.ends_with(" error 1\n") && old.lines().count() == 1, "{old}");
    let new = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let words = ["msg=\"debug 2\"", "msg=\"error 2\"", "msg=one", "msg=shown", "\"msg\":\"error 3\""];
    let lines: Vec<&str> = new.lines().collect();
    assert_eq!(lines.len(), words.len(), "{new}");
    for (line, word) in lines.iter().zip(words) {
        assert!(line.contains(word), "{line} has no {word}");
    }
}

#[test]
fn a_destination_that_cannot_be_opened_is_told_before_anything_changes() {
    let error = Destination::open(&LogOutput::File("/no/such/folder/log".into())).unwrap_err();
    assert!(error.to_string().starts_with("cannot open the log file /no/such/folder/log"), "{error}");
}

/// The lines that log statements make, without their time.
fn recorded(format: LogFormat, level: Level, statements: impl FnOnce()) -> Vec<String> {
    let (output, reader) = output(format, level, DEADLINE);
    let all = read_all(reader);
    tracing::subscriber::with_default(output.records(), statements);
    assert!(output.finish(DEADLINE));
    drop(output);
    let all = String::from_utf8(all.join().unwrap()).unwrap();
    all.lines()
        .map(|line| match format {
            LogFormat::Json => line.split_once(",\"time\"").unwrap().0.to_owned(),
            LogFormat::Default | LogFormat::Text => line.split_once(' ').unwrap().1.to_owned(),
        })
        .collect()
}

#[test]
fn log_statements_show_their_fields_and_v3s_level_words() {
    let statements = || {
        tracing::warn!(job = "app", pid = 12, answer = ?Some("x"), ok = true, "it {}", "happened");
        tracing::error!(fatal = true, "no way on");
        tracing::debug!(check = "check.app", level = 3, "detail");
    };
    assert_eq!(
        recorded(LogFormat::Json, Level::Debug, statements),
        [
            r#"{"answer":"Some(\"x\")","job":"app","level":"warning","msg":"it happened","ok":true,"pid":12"#,
            r#"{"level":"fatal","msg":"no way on""#,
            r#"{"check":"check.app","fields.level":3,"level":"debug","msg":"detail""#,
        ]
    );
    assert_eq!(
        recorded(LogFormat::Text, Level::Debug, statements),
        [
            r#"level=warning msg="it happened" answer="Some(\"x\")" job=app ok=true pid=12 "#,
            r#"level=fatal msg="no way on" "#,
            r#"level=debug msg=detail check=check.app fields.level=3 "#,
        ]
    );
    assert_eq!(
        recorded(LogFormat::Default, Level::Debug, statements),
        ["[app] [12] it happened", "no way on", "detail"]
    );
}

#[test]
fn statements_below_the_level_and_those_of_libraries_are_not_written() {
    let statements = || {
        tracing::error!(fatal = true, "fatal");
        tracing::error!("error");
        tracing::warn!("warn");
        tracing::info!("info");
        tracing::debug!("debug");
        tracing::trace!("trace");
        tracing::error!(target: "sqlx::query", "a secret");
        tracing::error!(target: "pilots", "another crate");
    };
    let shown = |level| recorded(LogFormat::Default, level, statements).join(" ");
    assert_eq!(shown(Level::Debug), "fatal error warn info debug");
    assert_eq!(shown(Level::Info), "fatal error warn info");
    assert_eq!(shown(Level::Warn), "fatal error warn");
    assert_eq!(shown(Level::Error), "fatal error");
    assert_eq!(shown(Level::Fatal), "fatal");
    assert_eq!(shown(Level::Panic), "");
}

#[test]
fn the_ends_in_pilot_are_not_inherited_and_only_they_are_non_blocking() {
    let (output, _reader) = output(LogFormat::Default, Level::Info, DEADLINE);
    let (child, unread) = output.pipes().unwrap();
    let flags = |end: &OwnedFd| {
        use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
        let shut = FdFlag::from_bits_truncate(fcntl(end, FcntlArg::F_GETFD).unwrap()).contains(FdFlag::FD_CLOEXEC);
        (shut, OFlag::from_bits_truncate(fcntl(end, FcntlArg::F_GETFL).unwrap()).contains(OFlag::O_NONBLOCK))
    };
    for end in &unread.ends {
        assert_eq!(flags(end), (true, true));
    }
    for end in [&child.stdout, &child.stderr] {
        assert_eq!(flags(end), (true, false));
    }
}

#[test]
fn what_is_logged_before_the_threads_begin_is_written_when_they_do() {
    let (read, write) = std::io::pipe().unwrap();
    let layout = Layout { format: LogFormat::Default, zone: LazyLock::new(TimeZone::utc) };
    let output = Output::of(layout, Level::Info, Sink::descriptor(write.into()), DEADLINE).unwrap();
    let (mut out, err) = attached(&output);
    out.write_all(b"early\n").unwrap();
    output.begin().unwrap();
    output.begin().unwrap();
    drop((out, err));
    let all = read_all(read);
    assert!(output.finish(DEADLINE));
    drop(output);
    assert_eq!(messages(&all.join().unwrap()), [b"early".to_vec()]);
}

/// Made when all is known, and JSON although the others are not.
#[test]
fn the_last_words_come_behind_all_lines_and_know_the_last_of_them() {
    let (output, reader) = output(LogFormat::Text, Level::Error, DEADLINE);
    let all = read_all(reader);
    let (mut out, err) = attached(&output);
    let knows = output.clone();
    output.last_words(move || {
        let lines = knows.last_lines("app", 2);
        ("the \"end\"".to_owned(), "lines", serde_json::to_string(&lines).unwrap())
    });
    out.write_all(b"one\ntwo\nthree without an end").unwrap();
    drop((out, err));
    assert!(output.finish(DEADLINE));
    drop(output);
    let all = String::from_utf8(all.join().unwrap()).unwrap();
    let last: serde_json::Value = serde_json::from_str(all.lines().last().unwrap()).unwrap();
    assert_eq!((&last["msg"], &last["level"]), (&"the \"end\"".into(), &"error".into()));
    assert_eq!(last["lines"], serde_json::json!(["two", "three without an end"]));
}
