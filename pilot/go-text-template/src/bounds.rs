//! The limits that keep every render finite: pilot renders as PID 1, so a typing mistake such as `loop 0 999999999`
//! must end in a message and not in the kernel's out-of-memory killer. Far above what a configuration needs.

use super::error::Cause;

/// Blocks and parentheses inside each other, as written.
pub(super) const NESTING: usize = 100;
/// Blocks, parentheses and template calls inside each other, as executed (templates may call themselves).
pub(super) const DEPTH: usize = 250;
/// Elements of a list that `loop` makes.
pub(super) const LIST: usize = 100_000;
/// Width and precision in `printf`.
pub(super) const WIDTH: usize = 10_000;
/// Bytes of one text: a function's result, or the whole output.
pub(super) const TEXT: usize = 16 << 20;
/// Bytes that a regular expression is applied to: one environment string is at most this on Linux.
pub(super) const REGEX_SUBJECT: usize = 128 << 10;
/// Bytes of a compiled regular expression.
pub(super) const REGEX_SIZE: usize = 64 << 10;
/// Steps and bytes that one render may take in all.
const WORK: usize = 40_000_000;

/// What is left of the work one render may do.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Budget(WORK)
    }

    pub(super) fn spend(&mut self, work: usize) -> Result<(), Cause> {
        match self.0.checked_sub(work) {
            Some(left) => self.0 = left,
            None => return Err(Cause::new("the template takes too many steps").hint("is a `loop` far too long?")),
        }
        Ok(())
    }
}

/// A text that refuses to grow beyond [`TEXT`].
#[derive(Default)]
pub(super) struct Output(String);

impl Output {
    pub(super) fn push(&mut self, text: &str) -> Result<(), Cause> {
        self.reserve(text.len())?;
        self.0.push_str(text);
        Ok(())
    }

    pub(super) fn push_char(&mut self, c: char) -> Result<(), Cause> {
        self.push(c.encode_utf8(&mut [0; 4]))
    }

    /// Fails when `more` bytes do not fit any more.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), Cause> {
        match self.0.len().checked_add(more) {
            Some(len) if len <= TEXT => Ok(()),
            Some(_) | None => Err(Cause::new(format!("the text would be larger than {} MiB", TEXT >> 20))),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
