//! What is told while something is waited for: on a terminal a line a target, kept up to date; elsewhere a line a change.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// What is known of each target.
pub(super) struct Progress {
    rows: Vec<Row>,
    began: Instant,
    /// The width of the terminal, if there is one, and whether the rows stand on it already.
    terminal: Option<usize>,
    drawn: bool,
}

struct Row {
    name: String,
    there: bool,
    note: Option<String>,
}

/// What a terminal has that says nothing of its width.
const NARROW: usize = 80;

impl Progress {
    /// Nothing is known yet.
    pub fn new(names: Vec<String>) -> Self {
        let rows = names.into_iter().map(|name| Row { name, there: false, note: None }).collect();
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(NARROW);
        let terminal = std::io::stderr().is_terminal().then_some(columns);
        let mut progress = Progress { rows, began: Instant::now(), terminal, drawn: false };
        progress.draw();
        progress
    }

    /// Whether each has answered once.
    pub fn all_there(&self) -> bool {
        self.rows.iter().all(|row| row.there)
    }

    /// What a look has found: what is there, or what is wrong.
    pub fn tell(&mut self, number: usize, found: Result<String, String>) {
        let Some(row) = self.rows.get_mut(number) else { return };
        row.there = found.is_ok();
        let note = match found {
            Ok(note) | Err(note) => note,
        };
        let is_new = row.note.as_ref() != Some(&note);
        row.note = Some(note);
        if self.terminal.is_some() {
            self.draw();
        } else if is_new {
            let line = self.rows.get(number).map(|row| self.line(row)).unwrap_or_default();
            eprintln!("{line}");
        }
    }

    /// The time is over: what was last wrong with each that has not answered.
    pub fn give_up(&self, after: Duration) {
        eprintln!("error: no answer within {after:?} from:");
        for row in self.rows.iter().filter(|row| !row.there) {
            eprintln!("  {}: {}", row.name, row.note.as_deref().unwrap_or("no answer yet"));
        }
    }

    fn line(&self, row: &Row) -> String {
        let word = if row.there { "there" } else { "waiting" };
        let note = row.note.as_deref().unwrap_or("no answer yet");
        format!("{:>3}s {word:7} {}: {note}", self.began.elapsed().as_secs(), row.name)
    }

    /// All rows over the rows of before; none is longer than a line.
    fn draw(&mut self) {
        let Some(columns) = self.terminal else { return };
        let up = if self.drawn { format!("\x1b[{}A", self.rows.len()) } else { String::new() };
        let cut = |line: String| line.chars().take(columns.saturating_sub(1)).collect::<String>();
        let rows: String = self.rows.iter().map(|row| format!("\x1b[2K{}\n", cut(self.line(row)))).collect();
        // Nobody to show it to is no reason not to wait.
        let _ = std::io::stderr().write_all(format!("{up}{rows}").as_bytes());
        self.drawn = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there_when_each_has_answered_once() {
        let mut progress = Progress::new(vec!["tcp://a:1".into(), "tcp://b:2".into()]);
        progress.tell(0, Ok("accepts".into()));
        progress.tell(1, Err("refused".into()));
        assert!(!progress.all_there());
        assert!(progress.line(&progress.rows[1]).ends_with("waiting tcp://b:2: refused"));
        progress.tell(1, Ok("accepts".into()));
        assert!(progress.all_there());
        assert!(progress.line(&progress.rows[1]).ends_with("there   tcp://b:2: accepts"));
    }
}
