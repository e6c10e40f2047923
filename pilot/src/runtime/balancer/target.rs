//! Who this container is in a target group: from ECS' task metadata (v4), from IMDSv2, or as the configuration says.
//!
//! Metadata is foreign text: every field is optional, unknown ones are ignored, sizes and times are bounded.
//! Amazon ECS Developer Guide, "Task metadata endpoint version 4".

use std::time::Duration;

use serde::Deserialize;

use super::error::Error;
use super::sdk_http;
use super::sdk_settings::of_providers;
use pilot_core::plan::LoadBalancer;

/// The endpoint is on this machine; it answers soon or not at all.
const METADATA: Duration = Duration::from_secs(2);
/// A task's description is some kilobytes.
const MOST: usize = 1 << 20;
const ENDPOINT: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// A target as ELBv2 knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetId {
    /// IP address, or instance id.
    pub id: String,
    /// Where traffic goes.
    pub port: u16,
    /// Only when the configuration says one.
    pub availability_zone: Option<String>,
}

impl std::fmt::Display for TargetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.id, self.port)
    }
}

/// The parts of a container's metadata that say where it is reached.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    networks: Vec<Network>,
    ports: Vec<Port>,
    desired_status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    #[serde(rename = "NetworkMode")]
    mode: Option<String>,
    #[serde(rename = "IPv4Addresses")]
    v4: Vec<String>,
    #[serde(rename = "IPv6Addresses")]
    v6: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Port {
    container_port: Option<u16>,
    host_port: Option<u16>,
}

/// What ECS says of this container: who it is, and whether somebody is stopping it.
#[derive(Clone, Debug)]
pub struct Task {
    endpoint: Option<String>,
    http: reqwest::Client,
}

/// How the container is reached, before the instance id is known.
#[derive(Debug, PartialEq, Eq)]
enum Reach {
    Address(String),
    Instance { port: u16 },
}

impl Task {
    /// The task of this container, if `ECS_CONTAINER_METADATA_URI_V4` names one.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn of_this_container(http: reqwest::Client) -> Self {
        Task { endpoint: std::env::var(ENDPOINT).ok().filter(|text| !text.is_empty()), http }
    }

    /// The own target in the group.
    ///
    /// # Errors
    /// [`Error::NoTarget`] with what to configure instead.
    pub async fn target(&self, settings: &LoadBalancer) -> Result<TargetId, Error> {
        let with = |id: String, port| TargetId { id, port, availability_zone: settings.availability_zone.clone() };
        if let Some(id) = &settings.target {
            return Ok(with(id.clone(), settings.port));
        }
        match reach(&self.container().await?, settings.port)? {
            Reach::Address(address) => Ok(with(address, settings.port)),
            Reach::Instance { port } => Ok(with(instance_id(settings.target_group.region()).await?, port)),
        }
    }

    /// Whether ECS is stopping this container: then it must not be registered (again). Without an answer: no.
    pub async fn is_stopping(&self) -> bool {
        self.endpoint.is_some()
            && self.container().await.is_ok_and(|found| found.desired_status.as_deref() == Some("STOPPED"))
    }

    async fn container(&self) -> Result<Container, Error> {
        let Some(endpoint) = &self.endpoint else {
            return Err(Error::NoTarget(format!(
                "this is no ECS task ({ENDPOINT} is not set): set loadBalancer.target to this container's address or instance id"
            )));
        };
        let unreadable = |cause: String| Error::NoTarget(format!("ECS' task metadata cannot be read ({cause})"));
        let request = async {
            let answer =
                self.http.get(endpoint).send().await.map_err(|error| unreadable(error.without_url().to_string()))?;
            if !answer.status().is_success() {
                return Err(unreadable(format!("status {}", answer.status().as_u16())));
            }
            let mut answer = answer;
            let mut body = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(|error| unreadable(error.without_url().to_string()))? {
                body.extend_from_slice(&part);
                if body.len() > MOST {
                    return Err(unreadable("it is longer than 1 MiB".into()));
                }
            }
            serde_json::from_slice(&body).map_err(|error| unreadable(error.to_string()))
        };
        tokio::time::timeout(METADATA, request)
            .await
            .unwrap_or_else(|_| Err(unreadable(format!("no answer within {METADATA:?}"))))
    }
}

/// awsvpc: the task's own address. bridge: the instance, and the host's port that leads to `port`. host: the instance
/// and the port itself.
fn reach(container: &Container, port: u16) -> Result<Reach, Error> {
    let network = container.networks.first();
    match network.and_then(|network| network.mode.as_deref()) {
        Some("awsvpc") => {
            let address = container.networks.iter().find_map(|network| network.v4.first().or(network.v6.first()));
            address.cloned().map(Reach::Address).ok_or_else(|| {
                Error::NoTarget("ECS' task metadata names no address of this task: set loadBalancer.target".into())
            })
        }
        Some("host") => Ok(Reach::Instance { port }),
        _ => {
            let mapped = container.ports.iter().find(|mapped| mapped.container_port == Some(port));
            mapped
                .and_then(|mapped| mapped.host_port)
                .filter(|port| *port != 0)
                .map(|port| Reach::Instance { port })
                .ok_or_else(|| {
                    Error::NoTarget(format!(
                        "ECS' task metadata names no host port for container port {port}: \
                         map it in the task definition, or set loadBalancer.target and loadBalancer.port"
                    ))
                })
        }
    }
}

async fn instance_id(region: &str) -> Result<String, Error> {
    let provider = of_providers(region, sdk_http::client());
    let imds = aws_config::imds::Client::builder()
        .configure(&provider)
        .max_attempts(2)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(METADATA)
        .operation_timeout(METADATA * 2)
        .build();
    let id = imds.get("/latest/meta-data/instance-id").await.map_err(|error| {
        Error::NoTarget(format!(
            "the instance metadata service gives no instance id ({error}): \
             allow a hop limit of 2 on the instance, or set loadBalancer.target"
        ))
    })?;
    Ok(String::from(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Reach, Error> {
        reach(&serde_json::from_str(text).unwrap_or_default(), 5000)
    }

    #[test]
    fn an_awsvpc_task_is_its_own_address_and_its_own_port() {
        let text = r#"{"DockerId":"x","New":{"Things":[1]},"Networks":[{"NetworkMode":"awsvpc","IPv4Addresses":["10.0.2.106"]}]}"#;
        assert_eq!(found(text), Ok(Reach::Address("10.0.2.106".into())));
        let v6_only = r#"{"Networks":[{"NetworkMode":"awsvpc","IPv6Addresses":["fd00::5"]}]}"#;
        assert_eq!(found(v6_only), Ok(Reach::Address("fd00::5".into())));
    }

    #[test]
    fn a_bridged_task_is_its_instance_and_the_port_of_the_host() {
        let text = r#"{"Networks":[{"NetworkMode":"bridge","IPv4Addresses":["172.17.0.2"]}],
            "Ports":[{"ContainerPort":9090,"Protocol":"tcp","HostPort":32768},{"ContainerPort":5000,"HostPort":32769}]}"#;
        assert_eq!(found(text), Ok(Reach::Instance { port: 32769 }));
        assert_eq!(found(r#"{"Networks":[{"NetworkMode":"host"}]}"#), Ok(Reach::Instance { port: 5000 }));
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_set() {
        for text in ["{}", r#"{"Networks":[{"NetworkMode":"bridge"}]}"#, r#"{"Networks":[{"NetworkMode":"awsvpc"}]}"#] {
            let error = found(text).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|text| text.contains("set loadBalancer.target")), "{text}: {error:?}");
        }
    }
}
