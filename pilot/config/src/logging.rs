//! The `logging` block (v3 spec 4.1), and `logging.raw` of jobs and health checks (4.3).

use std::path::PathBuf;

use pilot_core::plan::{Level, LogFormat, LogOutput, Logging, OutputMode};

use super::block::Block;
use super::weak::Field;

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

pub(super) const KEYS: &[&str] = &["level", "format", "output"];

/// Reads the top-level block.
pub(super) fn read(field: &Field<'_>) -> Logging {
    let default = Logging::default();
    let Some(block) = field.block(KEYS, &[]) else { return default };
    Logging {
        level: block.get("level").and_then(|field| field.choice(&LEVELS)).unwrap_or(default.level),
        format: block.get("format").and_then(|field| field.choice(&FORMATS)).unwrap_or(default.format),
        output: block.get("output").and_then(|field| output(&field)).unwrap_or(default.output),
    }
}

fn output(field: &Field<'_>) -> Option<LogOutput> {
    let text = field.text()?;
    Some(match text.to_ascii_lowercase().as_str() {
        "stdout" => LogOutput::Stdout,
        "stderr" => LogOutput::Stderr,
        "" => {
            field.error("is empty", "write \"stdout\", \"stderr\" or the path of a file");
            return None;
        }
        _ => LogOutput::File(PathBuf::from(text)),
    })
}

/// Reads `logging: { raw: … }` in a job or in its health check.
pub(super) fn output_mode(block: &Block<'_>) -> OutputMode {
    let raw =
        block.get("logging").and_then(|field| field.block(&["raw"], &[])).and_then(|block| block.get("raw")?.flag());
    match raw {
        Some(true) => OutputMode::Raw,
        Some(false) | None => OutputMode::Wrapped,
    }
}
