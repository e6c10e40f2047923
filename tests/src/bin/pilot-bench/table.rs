//! The table: what was measured, of which supervisor, what others measured elsewhere, and whether pilot does what is asked of it.

use std::fs;
use std::process::ExitCode;

/// What is asked of a figure.
pub enum Target {
    /// Nothing: it is there to compare with.
    None,
    /// A ratio or a resource: missing it is a failure.
    Decides(String, bool),
    /// A time or a rate, which a busy machine can spoil: met or missed is only said.
    Shown(String, bool),
}

/// The rows so far.
pub struct Table {
    rows: Vec<[String; 5]>,
    failed: Vec<String>,
}

impl Table {
    pub fn new() -> Self {
        let head = ["measured", "who", "here", "[elsewhere]", "target"].map(str::to_owned);
        Table { rows: vec![head], failed: Vec::new() }
    }

    /// One figure. `elsewhere` is what the same measurement of another machine gave, or empty.
    pub fn row(&mut self, what: &str, who: &str, here: &str, elsewhere: &str, target: Target) {
        let word = |met: bool| if met { "met" } else { "MISSED" };
        let said = match &target {
            Target::None => String::new(),
            Target::Decides(text, met) => format!("{text}: {}", word(*met)),
            Target::Shown(text, met) => format!("{text}: {} (shown only)", word(*met)),
        };
        if let Target::Decides(text, false) = &target {
            self.failed.push(format!("{what}, {who}: {here}, target {text}"));
        }
        let elsewhere = if elsewhere.is_empty() { String::new() } else { format!("[{elsewhere}]") };
        eprintln!("  {what} | {who} | {here} | {said}");
        self.rows.push([what.to_owned(), who.to_owned(), here.to_owned(), elsewhere, said]);
    }

    /// Prints it as Markdown, with the machine's state, and gives the verdict.
    pub fn print(&self) -> ExitCode {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(3).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!("{cores} cores, load {} at the end, kernel {}", load.join(" "), kernel());
        println!();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        for (number, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("| {} |", cells.join(" | "));
            if number == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
        println!();
        if self.failed.is_empty() {
            println!("pilot meets every target that decides");
            return ExitCode::SUCCESS;
        }
        for failed in &self.failed {
            println!("missed: {failed}");
        }
        ExitCode::FAILURE
    }
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}
