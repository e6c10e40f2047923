//! The `logging` block (v3 spec 4.1), and `logging.raw` of jobs and health checks (4.3).

use std::path::PathBuf;

use pilot_core::plan::{Level, LogFormat, LogOutput, Logging, OutputMode};

use super::block::Block;
use super::keys::{self, Object};
use super::loose::Field;

const LEVELS: [(&str, Level); 7] = [
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("error", Level::Error),
    ("fatal", Level::Fatal),
    ("panic", Level::Panic),
];
const FORMATS: [(&str, LogFormat); 3] =
    [("default", LogFormat::Default), ("text", LogFormat::Text), ("json", LogFormat::Json)];

/// Reads the top-level block. Empty text is the default, as in v3.
pub(super) fn read(field: &Field<'_>) -> Logging {
    let default = Logging::default();
    let Some(block) = field.block(&keys::LOGGING) else { return default };
    Logging {
        level: block.filled("level").and_then(|field| field.choice(&LEVELS)).unwrap_or(default.level),
        format: block.filled("format").and_then(|field| field.choice(&FORMATS)).unwrap_or(default.format),
        output: block.filled("output").and_then(|field| output(&field)).unwrap_or(default.output),
    }
}

fn output(field: &Field<'_>) -> Option<LogOutput> {
    let text = field.text()?;
    Some(match text.to_ascii_lowercase().as_str() {
        "stdout" => LogOutput::Stdout,
        "stderr" => LogOutput::Stderr,
        _ => LogOutput::File(PathBuf::from(text)),
    })
}

/// Reads `logging: { raw: … }` in a job or in its health check.
pub(super) fn output_mode(block: &Block<'_>, keys: &'static Object) -> OutputMode {
    let raw = block.get("logging").and_then(|field| field.block(keys)).and_then(|block| block.get("raw")?.flag());
    match raw {
        Some(true) => OutputMode::Raw,
        Some(false) | None => OutputMode::Wrapped,
    }
}
