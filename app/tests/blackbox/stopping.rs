//! Told to stop, it finishes what it began and says so to whoever sends it more.

use nix::sys::signal::Signal;
use pilot_test_support::Scratch;

use crate::eventually;
use crate::http::{FORM, Request};
use crate::instance::Instance;

/// A request for a user of which only the first half of the body is sent, and which the application has begun.
fn half_a_request(app: &Instance) -> Request {
    let head = format!("POST /create HTTP/1.1\r\nhost: app\r\nconnection: close\r\n{FORM}content-length: 12\r\n\r\n");
    let request = Request::begin(app.address, format!("{head}userna").as_bytes()).unwrap();
    // The other one in flight is the one that asks.
    eventually("the half request is in flight", || {
        (app.metric("app_http_requests_in_flight") == Some(2.0)).then_some(())
    });
    request
}

#[test]
fn either_signal_ends_an_idle_application_with_success() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let directory = Scratch::new();
        let mut app = Instance::start_ready(directory.path(), &[]);
        app.signal(signal);
        assert_eq!(app.wait_exit_code(), Some(0));
        assert!(app.log().contains("asked to stop") && app.log().contains("finished"), "{}", app.log());
    }
}

#[test]
fn a_request_in_flight_is_finished_after_new_connections_are_refused() {
    let directory = Scratch::new();
    let mut app = Instance::start_ready(directory.path(), &[]);
    let mut request = half_a_request(&app);
    app.signal(Signal::SIGTERM);
    eventually("new connections are refused", || Request::begin(app.address, b"").err());
    assert_eq!(app.has_ended(), None);
    request.send(b"me=ada");
    let answer = request.answer().unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("/success")));
    assert_eq!(app.wait_exit_code(), Some(0));
    assert_eq!(Instance::start_ready(directory.path(), &[]).usernames(), ["ada"]);
}

#[test]
fn while_it_drains_it_is_not_ready_but_serves() {
    let directory = Scratch::new();
    let mut app = Instance::start_ready(directory.path(), &[("DRAIN_SECONDS", "2")]);
    app.signal(Signal::SIGTERM);
    let answer = eventually("it is not ready", || Some(app.get("/ready")).filter(|answer| answer.status == 503));
    assert_eq!(answer.body, "Not ready: this instance is about to stop.");
    assert_eq!(app.get("/health").status, 200);
    assert_eq!(app.create("ada"), "/success");
    assert_eq!(app.wait_exit_code(), Some(0));
}

#[test]
fn warned_that_the_end_is_near_it_is_not_ready_and_serves_on_until_it_is_told_to_stop() {
    let directory = Scratch::new();
    let mut app = Instance::start_ready(directory.path(), &[]);
    assert_eq!(app.get("/in-flight").body, "0");
    app.signal(Signal::SIGUSR1);
    eventually("it is not ready", || Some(app.get("/ready")).filter(|answer| answer.status == 503));
    assert_eq!(app.create("ada"), "/success");
    let request = half_a_request(&app);
    assert_eq!(app.get("/in-flight").body, "1");
    drop(request);
    eventually("nothing is in flight", || Some(app.get("/in-flight")).filter(|answer| answer.body == "0"));
    assert_eq!(app.has_ended(), None);
    app.signal(Signal::SIGTERM);
    assert_eq!(app.wait_exit_code(), Some(0));
}

#[test]
fn a_client_that_never_finishes_its_request_is_told_so_and_does_not_keep_the_application_from_ending() {
    let directory = Scratch::new();
    let mut app = Instance::start_ready(directory.path(), &[]);
    let half_a_head = Request::begin(app.address, b"GET / HTTP/1.1\r\nhost:").unwrap();
    let half_a_body = half_a_request(&app);
    app.signal(Signal::SIGTERM);
    assert_eq!(half_a_body.answer().unwrap().status, 408);
    assert_eq!(app.wait_exit_code(), Some(0));
    drop(half_a_head);
}
