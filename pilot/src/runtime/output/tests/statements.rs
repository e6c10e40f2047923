//! What a change of the settings does, and pilot's own lines.

use super::*;

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
    assert_eq!(recorded(LogFormat::Default, Level::Debug, statements), ["app 12 it happened", "no way on", "detail"]);
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

/// The key of a metric comes from whoever may post one.
#[test]
fn a_newline_in_what_is_quoted_forges_no_line() {
    let forged = "key\n2026-01-01T00:00:00Z app exited\r\u{1b}[2K";
    let statements = || tracing::error!("metric {forged} is unknown");
    for format in [LogFormat::Default, LogFormat::Text, LogFormat::Json] {
        let lines = recorded(format, Level::Debug, statements);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains(['\r', '\u{1b}']), "{lines:?}");
    }
}
