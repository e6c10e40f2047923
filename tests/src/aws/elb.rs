//! ELBv2's targets and their states: `initial` for a while, `healthy`, `draining` for the whole deregistration delay, gone.
//!
//! API reference: RegisterTargets, DeregisterTargets, DescribeTargetHealth (version 2015-12-01).

use std::time::{Duration, Instant};

use super::signature;
use crate::scripted::Reply;

/// A target group and what is known of its targets.
#[derive(Debug)]
pub struct Group {
    /// From registration to `healthy`.
    pub initial_for: Duration,
    /// The deregistration delay: `draining` for so long, even without a connection, as the real one.
    pub draining_for: Duration,
    /// The load balancer's own checks fail: `unhealthy` instead of `healthy`.
    pub checks_fail: bool,
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    id: String,
    port: u16,
    registered: Instant,
    deregistered: Option<Instant>,
}

impl Default for Group {
    fn default() -> Self {
        Group {
            initial_for: Duration::from_millis(300),
            draining_for: Duration::from_secs(300),
            checks_fail: false,
            targets: Vec::new(),
        }
    }
}

impl Group {
    /// Puts a target in as ECS would.
    pub fn register(&mut self, id: &str, port: u16) {
        self.targets.retain(|target| (target.id.as_str(), target.port) != (id, port));
        self.targets.push(Target { id: id.to_owned(), port, registered: Instant::now(), deregistered: None });
    }

    /// Takes it out as ECS would. Unknown ones are no error.
    pub fn deregister(&mut self, id: &str, port: u16) {
        for target in self.targets.iter_mut().filter(|target| target.id == id && target.port == port) {
            target.deregistered.get_or_insert_with(Instant::now);
        }
    }

    /// Forgets a target at once, as when somebody else cleans up.
    pub fn forget(&mut self, id: &str, port: u16) {
        self.targets.retain(|target| (target.id.as_str(), target.port) != (id, port));
    }

    /// State and reason.
    pub fn state(&self, id: &str, port: u16) -> (&'static str, &'static str) {
        let absent = ("unused", "Target.NotRegistered");
        let Some(target) = self.targets.iter().find(|target| target.id == id && target.port == port) else {
            return absent;
        };
        match target.deregistered {
            Some(at) if at.elapsed() >= self.draining_for => absent,
            Some(_) => ("draining", "Target.DeregistrationInProgress"),
            None if target.registered.elapsed() < self.initial_for => ("initial", "Elb.InitialHealthChecking"),
            None if self.checks_fail => ("unhealthy", "Target.FailedHealthChecks"),
            None => ("healthy", ""),
        }
    }

    /// Every target in service (not draining), as `id:port`.
    pub fn in_service(&self) -> Vec<String> {
        let all = self.targets.iter().filter(|target| target.deregistered.is_none());
        all.map(|target| format!("{}:{}", target.id, target.port)).collect()
    }

    /// The ports that a load balancer sends new requests to: of healthy targets, and of draining ones for `lag`, for it
    /// takes a while until all of its nodes know.
    pub fn sent_requests(&self, lag: Duration) -> Vec<u16> {
        let sent = |target: &&Target| match target.deregistered {
            Some(at) => at.elapsed() < lag,
            None => self.state(&target.id, target.port).0 == "healthy",
        };
        self.targets.iter().filter(sent).map(|target| target.port).collect()
    }

    pub(super) fn call(&mut self, action: &str, body: &str) -> Reply {
        if parameter(body, "TargetGroupArn").as_deref() != Some(super::GROUP) {
            return error(400, "TargetGroupNotFound", "One or more target groups not found", 0);
        }
        let Some(id) = parameter(body, "Targets.member.1.Id") else {
            return error(400, "ValidationError", "Targets is required", 0);
        };
        let port = parameter(body, "Targets.member.1.Port").and_then(|port| port.parse().ok());
        match (action, port) {
            ("RegisterTargets", Some(port)) => {
                if self.state(&id, port).0 != "healthy" {
                    self.register(&id, port);
                }
                done(action, "")
            }
            ("DeregisterTargets", Some(port)) => {
                self.deregister(&id, port);
                done(action, "")
            }
            // The real one's trap: without the port of the registration it says yes and does nothing.
            ("DeregisterTargets" | "RegisterTargets", None) => done(action, ""),
            ("DescribeTargetHealth", port) => {
                let port = port.unwrap_or(0);
                let (state, reason) = self.state(&id, port);
                let reason = if reason.is_empty() { String::new() } else { format!("<Reason>{reason}</Reason>") };
                done(
                    action,
                    &format!(
                        "<TargetHealthDescriptions><member><Target><Id>{id}</Id><Port>{port}</Port></Target>\
                         <HealthCheckPort>{port}</HealthCheckPort><TargetHealth><State>{state}</State>{reason}</TargetHealth>\
                         </member></TargetHealthDescriptions>"
                    ),
                )
            }
            _ => error(400, "InvalidAction", "Could not find operation", 0),
        }
    }
}

/// A value of a form body, decoded.
pub fn parameter(body: &str, name: &str) -> Option<String> {
    let pair = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(decoded(pair))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn done(action: &str, result: &str) -> Reply {
    let body = format!(
        "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>c1d2e3f4</RequestId></ResponseMetadata></{action}Response>"
    );
    Reply::Answer { status: 200, head: "Content-Type: text/xml\r\n".to_owned(), body, after: Duration::ZERO }
}

/// An error in AWS' words, with the server's clock (ahead by `skew` seconds) in its `Date`.
pub(super) fn error(status: u16, code: &str, message: &str, skew: i64) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>c1d2e3f4</RequestId></ErrorResponse>"
    );
    let date = signature::http_date(signature::now() + skew);
    Reply::Answer { status, head: format!("Content-Type: text/xml\r\nDate: {date}\r\n"), body, after: Duration::ZERO }
}
