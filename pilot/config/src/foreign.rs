//! Keys of other tools that start processes or containers, and what pilot has in their place.

/// What to write instead of such a key.
pub(super) fn remedy(key: &str) -> Option<&'static str> {
    let spelled: String = key.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    Some(match spelled.as_str() {
        "dependson" | "requires" | "after" | "waitfor" => {
            "write `when: { source: \"JOB\", once: \"healthy\" }`, or \"exitSuccess\" for a job that ends"
        }
        "environment" => "write `env: { NAME: \"value\" }`",
        "command" | "cmd" | "entrypoint" | "args" | "run" => "write `exec: [\"program\", \"argument\"]`",
        "healthcheck" | "livenessprobe" | "readinessprobe" | "check" | "checks" => {
            "write `health: { http: \"/health\", interval: 10, ttl: 30 }`"
        }
        "workingdir" | "workdir" | "directory" | "dir" => "write `cwd: \"/srv/app\"`",
        "ports" => "write `port: 8080`, and further ones as `services`",
        "restartpolicy" => "write `restarts: \"unlimited\"`",
        "stopgraceperiod" | "terminationgraceperiodseconds" | "killtimeout" => "write `stopTimeout: \"30s\"`",
        "ulimits" => "write `limits: { nofile: 65536 }`",
        "labels" | "annotations" => "write `meta: { name: \"value\" }`, or `tags`",
        "schedule" | "crontab" => "write `when: { cron: \"0 3 * * *\" }`",
        _ => return None,
    })
}
