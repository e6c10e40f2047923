//! Log files.

use super::*;

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
