//! `-template`: the rendered configuration, unparsed, as v3 prints it (v3 spec 2.4).

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{BAD_CONFIGURATION, config_file, surroundings};

pub(super) fn render(config: Option<PathBuf>, out: Option<PathBuf>) -> ExitCode {
    match rendered(config).and_then(|text| write(&text, out.as_deref())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn rendered(config: Option<PathBuf>) -> Result<String, String> {
    let (path, text) = config_file::open(config)?.read()?;
    go_text_template::render(&text, &surroundings::variables()).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(text: &str, out: Option<&Path>) -> Result<(), String> {
    match out.filter(|out| !out.as_os_str().is_empty() && *out != Path::new("-")) {
        None => {
            std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot write to stdout: {error}"))
        }
        Some(out) => File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(out)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| format!("cannot write {}: {error}", out.display())),
    }
}
