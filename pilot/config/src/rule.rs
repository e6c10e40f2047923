//! The kinds of findings, with the names that `pilot check --json` and `docs/reference/check.md` call them.

/// What kind of finding it is. The names are stable; new ones may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The template cannot be rendered.
    Template,
    /// The rendered text is no JSON5.
    Syntax,
    /// A key or value is wrong, or probably not what was meant.
    Configuration,
    /// A key of ContainerPilot 2.
    Version2,
    /// A job waits for somebody who does not exist.
    UnknownSource,
    /// A job waits for an event that can never come.
    ImpossibleEvent,
    /// A job waits for one that can never start.
    NeverRuns,
    /// Jobs wait for each other, so that none ever starts.
    Circle,
    /// Jobs start each other at every exit, without end.
    EndlessLoop,
    /// Nobody waits for the events of a watch.
    UnusedWatch,
    /// The TTL is not longer than the interval of the checks that renew it.
    ShortTtl,
    /// ContainerPilot 3 did not end with such a hook.
    HungInV3,
    /// Stopping can take longer than there is time.
    StopPlan,
    /// No job's end is the container's end.
    NoCriticalJob,
    /// A critical job never ends by itself.
    CriticalNeverEnds,
    /// A health check starts a process for what pilot can ask itself.
    ForkPerProbe,
    /// A command is written for a shell, and there is none.
    NoShell,
    /// Consul hears of a failing check only when its TTL has passed.
    LateFailure,
    /// Several checks share one variable for their process.
    SharedVariable,
    /// The template uses a variable that is not set.
    UnsetVariable,
    /// The value of a variable does not fit into the quotes around it.
    UnescapedValue,
    /// `TZ` names no time zone of this machine.
    UnknownZone,
    /// A job cannot start any more when another one ends in one way.
    DeadEnd,
    /// No interface of this machine has the address that is to be advertised.
    NoInterface,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 24] = [
        Rule::Template,
        Rule::Syntax,
        Rule::Configuration,
        Rule::Version2,
        Rule::UnknownSource,
        Rule::ImpossibleEvent,
        Rule::NeverRuns,
        Rule::Circle,
        Rule::EndlessLoop,
        Rule::UnusedWatch,
        Rule::ShortTtl,
        Rule::HungInV3,
        Rule::StopPlan,
        Rule::NoCriticalJob,
        Rule::CriticalNeverEnds,
        Rule::ForkPerProbe,
        Rule::NoShell,
        Rule::LateFailure,
        Rule::SharedVariable,
        Rule::UnsetVariable,
        Rule::UnescapedValue,
        Rule::UnknownZone,
        Rule::DeadEnd,
        Rule::NoInterface,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Template => "template",
            Rule::Syntax => "syntax",
            Rule::Configuration => "configuration",
            Rule::Version2 => "version-2",
            Rule::UnknownSource => "unknown-source",
            Rule::ImpossibleEvent => "impossible-event",
            Rule::NeverRuns => "never-runs",
            Rule::Circle => "circle",
            Rule::EndlessLoop => "endless-loop",
            Rule::UnusedWatch => "unused-watch",
            Rule::ShortTtl => "short-ttl",
            Rule::HungInV3 => "hung-in-v3",
            Rule::StopPlan => "stop-plan",
            Rule::NoCriticalJob => "no-critical-job",
            Rule::CriticalNeverEnds => "critical-never-ends",
            Rule::ForkPerProbe => "fork-per-probe",
            Rule::NoShell => "no-shell",
            Rule::LateFailure => "late-failure",
            Rule::SharedVariable => "shared-variable",
            Rule::UnsetVariable => "unset-variable",
            Rule::UnescapedValue => "unescaped-value",
            Rule::UnknownZone => "unknown-zone",
            Rule::DeadEnd => "dead-end",
            Rule::NoInterface => "no-interface",
        }
    }
}
