//! A fake of the parts of AWS that pilot speaks to: ELBv2 with real target states,
//! ECS' task metadata v4, the container credentials endpoint and IMDSv2, all on one port of 127.0.0.1.
//!
//! It verifies the signature of every ELBv2 request. Faults are switched on and off while pilot runs.

pub mod elb;
pub mod signature;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};

use crate::command::run;
use crate::scripted::{Reply, Request, Scripted};
use crate::tools;
use elb::Group;

/// The target group that exists.
pub const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/app/73e2d6bc24d8a067";
/// The access key that is accepted; its secret is [`signature::SECRET`], its session token [`signature::TOKEN`].
pub const ACCESS_KEY: &str = "ASIAEXAMPLEEXAMPLE12";

/// Where a task finds its metadata and its credentials.
pub const TASK: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// Where an instance finds its metadata.
pub const INSTANCE: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// A task's credentials, as `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` names them.
const CREDENTIALS: &str = "/v2/credentials/9a7ee3f2-0123";

/// What goes wrong with ELBv2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every call is throttled.
    Throttled,
    /// Connections are accepted and never answered.
    Silent,
    /// The role may not make this call (or any, if empty).
    Denied(String),
    /// The credentials have expired.
    Expired,
    /// The target group is gone.
    NoGroup,
    /// AWS' clock is ahead of ours by this many seconds; requests signed by our clock are refused.
    Skewed(i64),
    /// The service answers 500 to everything.
    Broken,
}

/// What ECS tells about the task.
#[derive(Clone, Debug)]
pub enum Network {
    /// The task has an address of its own.
    Awsvpc(String),
    /// The container's port is mapped to one of the instance.
    Bridge {
        /// In the container.
        container_port: u16,
        /// On the instance.
        host_port: u16,
    },
}

/// Everything that can be changed while it runs.
#[derive(Debug)]
pub struct World {
    /// What ELBv2 does wrong.
    pub fault: Fault,
    /// So long after a call arrived it is carried out and answered.
    pub pause: Duration,
    /// And a registration so much later: a call that was made after it may overtake it.
    pub registration_lags: Duration,
    /// The group's targets.
    pub group: Group,
    /// How the task is reached.
    pub network: Network,
    /// ECS' `DesiredStatus` of the container.
    pub desired_status: String,
    /// Requests whose signature was wrong, with the reason.
    pub bad_signatures: Vec<String>,
    /// Actions in the order they were asked for, whatever the answer was.
    pub actions: Vec<String>,
}

/// The running fake.
#[derive(Clone, Debug)]
pub struct Aws {
    peer: Scripted,
    world: Arc<Mutex<World>>,
}

impl Aws {
    /// Starts it: nothing registered, no fault, an awsvpc task at 127.0.0.1.
    pub fn start() -> Aws {
        Aws::start_with(Scripted::start)
    }

    /// Starts it where the real ones are, in a network namespace of its own: from here on this thread, and what it starts,
    /// has no network but loopback.
    pub fn start_at_its_own_addresses() -> Aws {
        unshare(CloneFlags::CLONE_NEWNET).expect("tests with network namespaces are run by root");
        let ip = |words: &str| run(Command::new(tools::find(&["ip"])).args(words.split(' '))).success();
        ip("link set lo up");
        for address in [TASK, INSTANCE] {
            ip(&format!("addr add {address}/32 dev lo"));
        }
        let addresses = [TASK, INSTANCE].map(|address| SocketAddr::from((address, 80)));
        Aws::start_with(|script| Scripted::start_at(&addresses, script))
    }

    fn start_with(start: impl FnOnce(Box<dyn Fn(&Request) -> Reply + Send + Sync>) -> Scripted) -> Aws {
        let world = Arc::new(Mutex::new(World {
            fault: Fault::None,
            pause: Duration::ZERO,
            registration_lags: Duration::ZERO,
            group: Group::default(),
            network: Network::Awsvpc("127.0.0.1".to_owned()),
            desired_status: "RUNNING".to_owned(),
            bad_signatures: Vec::new(),
            actions: Vec::new(),
        }));
        let shared = Arc::clone(&world);
        let script = move |request: &Request| {
            if request.line == "POST /" {
                let (pause, lag) = {
                    let world = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    (world.pause, world.registration_lags)
                };
                let registers = elb::parameter(&request.body, "Action").as_deref() == Some("RegisterTargets");
                std::thread::sleep(if registers { pause + lag } else { pause });
            }
            answer(request, &mut shared.lock().unwrap_or_else(PoisonError::into_inner))
        };
        Aws { peer: start(Box::new(script)), world }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.peer.port()
    }

    /// Looks at or changes its world. Not to be held while waiting for pilot.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of a target now, `unused` if it is not there.
    pub fn state_of(&self, id: &str, port: u16) -> String {
        self.world().group.state(id, port).0.to_owned()
    }

    /// How often an action was asked for.
    pub fn count(&self, action: &str) -> usize {
        self.world().actions.iter().filter(|asked| *asked == action).count()
    }

    /// How many requests of any kind hold `text` in their first line.
    pub fn count_lines(&self, text: &str) -> usize {
        self.peer.count(text)
    }

    /// What ECS sets in a container, and nothing else: instance metadata and credentials are found where they always are.
    /// Only ELBv2 itself is said to be elsewhere, for its real name has a certificate.
    pub fn environment_of_ecs(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", format!("http://{TASK}")),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", CREDENTIALS.to_owned()),
            ("ECS_CONTAINER_METADATA_URI_V4", format!("http://{TASK}/v4/0123-container")),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The environment of a task in ECS: endpoint of ELBv2, credentials by the container's endpoint, task metadata, and
    /// an instance metadata service.
    pub fn environment(&self) -> Vec<(String, String)> {
        let at = |path: &str| format!("http://127.0.0.1:{}{path}", self.port());
        let pairs = [
            ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", at("")),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", at("/credentials")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in".to_owned()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", at("")),
            ("ECS_CONTAINER_METADATA_URI_V4", at("/v4/0123-container")),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

fn answer(request: &Request, world: &mut World) -> Reply {
    match request.line.as_str() {
        "POST /" => call(request, world),
        "GET /credentials" if request.head.to_ascii_lowercase().contains("authorization: let-me-in") => {
            Reply::ok(&credentials())
        }
        line if line.strip_prefix("GET ") == Some(CREDENTIALS) => Reply::ok(&credentials()),
        "GET /v4/0123-container" => Reply::ok(&container(world)),
        "PUT /latest/api/token" => Reply::Answer {
            status: 200,
            head: "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n".to_owned(),
            body: "imds-token".to_owned(),
            after: Duration::ZERO,
        },
        "GET /latest/meta-data/instance-id" if request.head.contains("imds-token") => Reply::ok("i-0123456789abcdef0"),
        _ => Reply::status(404),
    }
}

fn call(request: &Request, world: &mut World) -> Reply {
    let action = elb::parameter(&request.body, "Action").unwrap_or_default();
    world.actions.push(action.clone());
    let skew = match world.fault {
        Fault::Skewed(seconds) => seconds,
        _ => 0,
    };
    match signature::verify(request, skew) {
        Ok(()) => {}
        Err(signature::Wrong::Time) => return elb::error(403, "RequestTimeTooSkewed", "Signature expired", skew),
        Err(signature::Wrong::Signature(reason)) => {
            world.bad_signatures.push(format!("{action}: {reason}"));
            return elb::error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match", 0);
        }
    }
    match &world.fault {
        Fault::Silent => return Reply::Hang,
        Fault::Throttled => return elb::error(400, "Throttling", "Rate exceeded", 0),
        Fault::Denied(denied) if denied.is_empty() || *denied == action => {
            return elb::error(
                403,
                "AccessDenied",
                &format!("not authorized to perform elasticloadbalancing:{action}"),
                0,
            );
        }
        Fault::Expired => {
            return elb::error(403, "ExpiredToken", "The security token included in the request is expired", 0);
        }
        Fault::NoGroup => return elb::error(400, "TargetGroupNotFound", "One or more target groups not found", 0),
        Fault::Broken => return elb::error(500, "InternalFailure", "", 0),
        Fault::None | Fault::Denied(_) | Fault::Skewed(_) => {}
    }
    world.group.call(&action, &request.body)
}

fn credentials() -> String {
    let (secret, token) = (signature::SECRET, signature::TOKEN);
    format!(
        r#"{{"AccessKeyId":"{ACCESS_KEY}","SecretAccessKey":"{secret}","Token":"{token}","Expiration":"2099-01-01T00:00:00Z","RoleArn":"arn:aws:iam::123456789012:role/task"}}"#
    )
}

fn container(world: &World) -> String {
    let status = &world.desired_status;
    let place = match &world.network {
        Network::Awsvpc(address) => format!(r#""Networks":[{{"NetworkMode":"awsvpc","IPv4Addresses":["{address}"]}}]"#),
        Network::Bridge { container_port, host_port } => format!(
            r#""Networks":[{{"NetworkMode":"bridge","IPv4Addresses":["172.17.0.2"]}}],"Ports":[{{"ContainerPort":{container_port},"Protocol":"tcp","HostPort":{host_port}}}]"#
        ),
    };
    format!(
        r#"{{"DockerId":"0123","DesiredStatus":"{status}","KnownStatus":"RUNNING","Surprise":{{"new":true}},{place}}}"#
    )
}
