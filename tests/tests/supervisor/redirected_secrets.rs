//! A check's `Authorization` is for the origin that it names: another port of the same host is another origin.

use pilot_tests::pilot::jobs;
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Pilot, SOON, fixture};
use serde_json::json;

#[test]
fn a_redirect_to_another_port_of_the_same_host_does_not_get_the_authorization() {
    let other = Scripted::start(|_| Reply::ok("welcome"));
    let to = format!("Location: {}/\r\n", other.url());
    let peer = Scripted::start(move |_| Reply::answer(302, &to, ""));
    let http = json!({ "url": peer.url(), "headers": { "Authorization": "Bearer s3cr3t" }, "status": "200-299" });
    let mut pilot = Pilot::run(&jobs(json!([
        { "name": "app", "exec": [fixture(), "forever"], "health": { "http": http, "interval": "100ms" } },
    ])));
    pilot.wait("the check to be made", SOON, |_| (peer.requests().len() >= 3).then_some(()));
    let told = other.requests().iter().any(|request| request.head.to_lowercase().contains("authorization"));
    assert!(!told, "{:?}", other.requests());
    assert_eq!(pilot.stop(), 0);
}
