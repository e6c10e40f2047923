//! How many requests were answered how, for v3's `containerpilot_control_http_requests{code,path}` (spec 8, 9.2).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts of answers. Clones count together. Bounded: only known paths are counted, all jobs under one.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<(u16, &'static str), u64>>>);

impl Tally {
    pub(super) fn count(&self, code: u16, path: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((code, path)).or_default() += 1;
    }

    /// The counts so far: HTTP status, path, number.
    pub fn counts(&self) -> Vec<(u16, &'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((code, path), count)| (*code, *path, *count)).collect()
    }
}
