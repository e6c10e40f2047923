//! Recognises keys of ContainerPilot 2 and says what has taken their place.

/// What to write instead of a key of ContainerPilot 2; `None` if it is not one.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    // In the order in which a version 2 file is usually written.
    const HINTS: [(&str, &str); 14] = [
        ("services", "make each service a job: { name, exec, port, health: { exec, interval, ttl } }"),
        (
            "backends",
            "make each backend a watch, and a job with `when: { source: \"watch.NAME\", each: \"changed\" }` for its onChange",
        ),
        (
            "preStart",
            "make it a job with `exec`, and start the main job with `when: { source: \"preStart\", once: \"exitSuccess\" }`",
        ),
        (
            "onStart",
            "make it a job with `exec`, and start the main job with `when: { source: \"onStart\", once: \"exitSuccess\" }`",
        ),
        ("preStop", "make it a job with `when: { source: \"MAIN JOB\", once: \"stopping\" }`"),
        ("postStop", "make it a job with `when: { source: \"MAIN JOB\", once: \"stopped\" }`"),
        ("coprocesses", "make each coprocess a job with `restarts: \"unlimited\"`"),
        ("tasks", "make each task a job with `when: { interval: \"...\" }` (was `frequency`)"),
        ("onChange", "make it a job with `when: { source: \"watch.NAME\", each: \"changed\" }`"),
        ("poll", "write `interval`, in seconds"),
        ("command", "write `exec`"),
        ("frequency", "write `when: { interval: \"...\" }`"),
        ("sensors", "write `metrics`, and make each `check` a job that calls `pilot -putmetric NAME=VALUE`"),
        ("etcd", "only Consul is supported: write `consul: \"localhost:8500\"`"),
    ];
    HINTS.iter().find(|(name, _)| *name == key).map(|(_, hint)| *hint)
}
