//! The addresses that ECS gave this container's task: what `interfaces: ["metadata"]` asks for.
//!
//! On Fargate a task has a second interface, with the same link-local address in every task; only the metadata says which
//! address others reach. Amazon ECS Developer Guide, "Task metadata endpoint version 4".

use std::net::IpAddr;
use std::time::Duration;

use pilot_config::TaskAddresses;
use serde::Deserialize;

use super::net::http_client::{Trust, builder, innermost_message};
use super::net::resolve::Resolver;

/// The variable in which ECS' agent says where it answers.
const ENDPOINT: &str = "ECS_CONTAINER_METADATA_URI_V4";
/// The endpoint is on this machine; it answers soon or not at all.
const LIMIT: Duration = Duration::from_secs(2);
/// A container's description is some kilobytes.
const MOST: usize = 1 << 20;

/// The part of a container's metadata that says where it is reached.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    networks: Vec<Network>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    #[serde(rename = "IPv4Addresses")]
    v4: Vec<IpAddr>,
    #[serde(rename = "IPv6Addresses")]
    v6: Vec<IpAddr>,
}

/// Asks the endpoint, IPv4 first; nothing outside ECS. Blocks for at most two seconds.
pub fn task_addresses() -> TaskAddresses {
    match std::env::var(ENDPOINT) {
        Ok(endpoint) if !endpoint.is_empty() => match ask(endpoint) {
            Ok(found) => TaskAddresses { found, problem: None },
            Err(problem) => TaskAddresses { found: Vec::new(), problem: Some(problem) },
        },
        _ => TaskAddresses::default(),
    }
}

/// On a thread of its own, for the caller's may be driving a runtime already.
fn ask(endpoint: String) -> Result<Vec<IpAddr>, String> {
    let answer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let answer = runtime.block_on(async { tokio::time::timeout(LIMIT, get(&endpoint)).await });
        // A look-up of a name may still hang.
        runtime.shutdown_background();
        answer.unwrap_or_else(|_| Err(format!("no answer within {LIMIT:?}")))
    });
    let body = answer.join().unwrap_or_else(|_| Err("the request has panicked".to_owned()))?;
    addresses(&body)
}

async fn get(endpoint: &str) -> Result<Vec<u8>, String> {
    let client = builder(&Trust::Nothing, Resolver::default(), LIMIT).map_err(|error| error.to_string())?;
    let client = client.no_proxy().build().map_err(innermost_message)?;
    let mut answer = client.get(endpoint).send().await.map_err(innermost_message)?;
    if !answer.status().is_success() {
        return Err(format!("status {}", answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(innermost_message)? {
        body.extend_from_slice(&part);
        if body.len() > MOST {
            return Err("the answer is longer than 1 MiB".to_owned());
        }
    }
    Ok(body)
}

fn addresses(body: &[u8]) -> Result<Vec<IpAddr>, String> {
    let container: Container = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let v4 = container.networks.iter().flat_map(|network| &network.v4);
    let v6 = container.networks.iter().flat_map(|network| &network.v6);
    let found: Vec<IpAddr> = v4.chain(v6).copied().collect();
    if found.is_empty() { Err("it names no address of this task".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_comes_first_and_what_is_not_known_is_passed_over() {
        let body = r#"{"DockerId":"x","Networks":[{"NetworkMode":"awsvpc","IPv6Addresses":["fd00::5"],"IPv4Addresses":["10.0.2.106"],"New":1}]}"#;
        let found = addresses(body.as_bytes());
        assert_eq!(found, Ok(vec!["10.0.2.106".parse().unwrap(), "fd00::5".parse().unwrap()]));
    }

    #[test]
    fn an_answer_without_an_address_is_a_problem_and_no_panic() {
        for body in ["", "[]", "{}", r#"{"Networks":null}"#, r#"{"Networks":[{"IPv4Addresses":["no address"]}]}"#] {
            assert!(addresses(body.as_bytes()).is_err(), "{body}");
        }
    }
}
