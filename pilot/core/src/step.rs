//! The steps of a job's way out, by name: what metrics and `pilot check` call them.

/// A step that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting for the jobs that are hooked on its `stopping`.
    Hooks,
    /// Out of the catalog.
    Catalog,
    /// Out of its target group.
    Balancer,
    /// Serving on.
    Drain,
    /// From its stop signal to the end of its processes.
    Kill,
}

impl Step {
    /// The word in metrics; `pilot check` has the same in its table.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Hooks => "hooks",
            Step::Catalog => "catalog",
            Step::Balancer => "balancer",
            Step::Drain => "drain",
            Step::Kill => "kill",
        }
    }
}
