//! Many writers, readers that are slow, stuck or gone, a full disk.

use super::*;

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
    assert!(lines.next().unwrap().ends_with(" app 12 and on"));
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
        ["app 12 three", "2 lines were lost: writing them failed: No space left on device (os error 28)"]
    );
    fs::remove_dir_all(folder).unwrap();
}
