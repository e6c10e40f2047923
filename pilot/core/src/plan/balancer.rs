//! A job's place in an ALB target group, and how long it serves on after it was told to leave.

use std::time::Duration;

use super::SignalNumber;

/// The `loadBalancer` block of a job. Absent, or mode `off`: nobody's target group is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// `arn:<partition>:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>`.
    pub target_group: TargetGroupArn,
    /// Who registers.
    pub mode: BalancerMode,
    /// The port the application listens on inside the container; in ECS' bridge mode the host's port is looked up by it.
    pub port: u16,
    /// Fixed target id (address or instance id) instead of the one that is found.
    pub target: Option<String>,
    /// Sent as given; needed only for addresses outside of the load balancer's VPC (`all`).
    pub availability_zone: Option<String>,
}

/// Who puts the target into its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalancerMode {
    /// The scheduler (an ECS service) registers; pilot only takes the target out, once it is told to stop.
    Drain,
    /// pilot does both, as nobody else does (ECS Anywhere, Nomad, plain EC2).
    Itself,
}

/// The ARN of a target group, checked for its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupArn {
    whole: String,
    region: String,
}

impl TargetGroupArn {
    /// Takes `arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/0123456789abcdef`; `None` if it is
    /// no such thing. AWS documents the parts at "Actions, resources, and condition keys for Elastic Load Balancing V2".
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = parts[..] else { return None };
        let mut path = resource.split('/');
        let named = path.next() == Some("targetgroup")
            && path.next().is_some_and(|name| !name.is_empty())
            && path.next().is_some_and(|id| !id.is_empty())
            && path.next().is_none();
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let shaped =
            arn == "arn" && service == "elasticloadbalancing" && [partition, region, account].into_iter().all(plain);
        let clean = text.chars().all(|c| c.is_ascii_graphic());
        (named && shaped && clean).then(|| TargetGroupArn { whole: text.to_owned(), region: region.to_owned() })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// The region its API is asked in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The group's name, for people.
    pub fn name(&self) -> &str {
        self.whole.split('/').nth(1).unwrap_or_default()
    }
}

/// What happens between "out of the catalog and of the target group" and the stop signal. The `drain` block of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Serve on for at least this long: others need time to notice (an ALB sends new requests for some seconds more).
    pub min: Duration,
    /// And at most for this long, until nothing is in flight.
    pub max: Duration,
    /// How pilot finds out what is in flight.
    pub in_flight: InFlight,
    /// Sent to the job's process group when the drain begins, so that it reports itself not ready.
    pub signal: Option<SignalNumber>,
}

impl Drain {
    /// The longest it can last.
    pub fn longest(&self) -> Duration {
        match self.in_flight {
            InFlight::Unknown => self.min,
            InFlight::Connections(_) | InFlight::Url(_) => self.max,
        }
    }
}

/// How pilot finds out how many requests a job still works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// Nobody knows: `max` is not used, the drain lasts `min`.
    Unknown,
    /// Established TCP connections to the job's port, as the kernel counts them.
    Connections(u16),
    /// `GET` of this URL answers with a number.
    Url(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_a_target_group_names_its_region_and_its_name() {
        let text = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:targetgroup/app/73e2d6bc24d8a067";
        let arn = TargetGroupArn::parse(text);
        assert_eq!(arn.as_ref().map(|arn| (arn.as_str(), arn.region(), arn.name())), Some((text, "cn-north-1", "app")));
    }

    #[test]
    fn anything_else_is_no_target_group() {
        let wrong = [
            "",
            "app",
            "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/x/y",
            "arn:aws:ecs:eu-central-1:1:targetgroup/app/x",
            "arn:aws:elasticloadbalancing::1:targetgroup/app/x",
            "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/app",
            "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/app/x/y",
            "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/app/x\n",
            "arn:aws:elasticloadbalancing:evil.example/:1:targetgroup/app/x",
        ];
        for text in wrong {
            assert_eq!(TargetGroupArn::parse(text), None, "{text:?}");
        }
    }
}
