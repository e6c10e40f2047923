//! A flood of readiness messages by strangers, against all that pilot has to do meanwhile. reliability.md, section 2, case 60.

use pilot_tests::pilot::jobs;
use pilot_tests::{Pilot, SOON, fixture};
use serde_json::json;

const DIR: &str = "{{ .PILOT_TEST_DIR }}";
/// Generations between pilot and who floods it: pilot may want to know whose descendant that is.
const DEPTH: u32 = 60;
const SENDERS: usize = 4;

/// Calls itself until it is deep enough, in sessions of their own, and becomes the fixture then.
const DEEPER: &str =
    r#"if [ "$1" -gt 0 ]; then setsid -w sh "$0" $(($1 - 1)) "$2" "$3"; exit 0; fi; exec "$2" until "$3" flood "$3""#;

#[test]
fn a_flood_of_deep_strangers_takes_no_tick_no_answer_and_no_stop() {
    let senders = (0..SENDERS).map(|n| {
        json!({ "name": format!("stranger-{n}"), "user": "nobody",
                "exec": ["sh", format!("{DIR}/deeper"), DEPTH.to_string(), fixture(), format!("{DIR}/address")] })
    });
    let main = json!({
        "name": "main", "health": { "notify": true, "interval": 3600 },
        "exec": [fixture(), "env", "NOTIFY_SOCKET", "until", format!("{DIR}/go"), "notify", "READY=1", "forever"],
    });
    let clock = json!({ "name": "clock", "exec": [fixture(), "mark", format!("{DIR}/ticks")], "when": { "interval": "100ms" } });
    let first = json!({ "name": "script", "exec": ["sh", "-c", format!("chmod 755 {DIR}; printf '%s' \"$DEEPER\" > {DIR}/deeper")] });
    let mut list = vec![main, clock, first];
    list.extend(senders.map(|mut job| {
        job["when"] = json!({ "source": "script", "once": "exitSuccess" });
        job
    }));
    let mut pilot = Pilot::with(&jobs(list.into())).env("DEEPER", DEEPER).start();
    let line = pilot.wait_for("NOTIFY_SOCKET=").text;
    let (_, address) = line.split_once("NOTIFY_SOCKET=").unwrap();
    pilot.wait("all strangers to be deep enough", SOON * 4, |pilot| {
        let deep = pilot.processes().into_iter().filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.windows(6).any(|word| word == b"\0until"))
        });
        (deep.count() > SENDERS).then_some(())
    });
    let before = pilot.marks("ticks").len();
    pilot.scratch.write("address", address.trim());
    pilot.wait_for("(4096 so far)");

    let under_flood = pilot.marks("ticks").len();
    let began = std::time::Instant::now();
    pilot.wait("three seconds of flood", SOON, |_| (began.elapsed().as_secs() >= 3).then_some(()));
    let ticks = pilot.marks("ticks").len() - under_flood;
    assert!(ticks >= 10, "{ticks} of some 30 ticks while it was flooded, {before} before");
    assert_eq!(pilot.asked(&["ping"]), "ok\n");
    pilot.scratch.write("go", "");
    pilot.wait_for_event("StatusHealthy main");
    assert!(pilot.count("is ignored") < 60, "the flood does not flood the log");
    assert_eq!(pilot.stop(), 0);
}
