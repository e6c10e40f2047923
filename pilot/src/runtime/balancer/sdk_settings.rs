//! What the SDK is told, one by one: its own loader would also read profiles and know web identities, SSO and roles taken
//! on from them. Those are out of place in a container's first process and 0.6 MB of its binary.
//!
//! Credentials come from the environment, from the container's endpoint (ECS, EKS' pod identity) or from the instance.
//! Asks nobody before the first call.

use std::time::Duration;

use aws_config::Region;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_elasticloadbalancingv2::Config;
use aws_sdk_elasticloadbalancingv2::config::{BehaviorVersion, SharedHttpClient};

use super::sdk_http;

/// One attempt; a call makes at most [`ATTEMPTS`] within [`CALL`].
pub(super) const ATTEMPT: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 3;
/// Every call is over after this time, whatever AWS does.
pub(super) const CALL: Duration = Duration::from_secs(6);

/// For calls to ELBv2 in a region.
pub(super) fn settings(region: &str) -> Config {
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ATTEMPT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(300))
        .with_max_backoff(Duration::from_secs(1));
    let http = sdk_http::client();
    let variable = |name: &str| std::env::var(name).ok();
    let mut settings = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials(&of_providers(region, http.clone())))
        .http_client(http)
        .timeout_config(limits)
        .retry_config(retries);
    settings.set_endpoint_url(endpoint(&variable));
    settings.set_use_fips(is_on(&variable, "AWS_USE_FIPS_ENDPOINT").then_some(true));
    settings.set_use_dual_stack(is_on(&variable, "AWS_USE_DUALSTACK_ENDPOINT").then_some(true));
    settings.build()
}

/// For what asks a neighbour: credentials, the instance metadata service.
pub(super) fn of_providers(region: &str, http: SharedHttpClient) -> ProviderConfig {
    ProviderConfig::without_region().with_region(Some(Region::new(region.to_owned()))).with_http_client(http)
}

fn credentials(providers: &ProviderConfig) -> CredentialsProviderChain {
    CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(providers).build())
        .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(providers).build())
}

/// Another place to call than AWS' own. SDKs reference guide, "Service-specific endpoints".
fn endpoint(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    if is_on(variable, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        return None;
    }
    let set = |name| variable(name).filter(|text| !text.is_empty());
    set("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2").or_else(|| set("AWS_ENDPOINT_URL"))
}

fn is_on(variable: &impl Fn(&str) -> Option<String>, name: &str) -> bool {
    variable(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint_among(pairs: &[(&str, &str)]) -> Option<String> {
        endpoint(&|asked: &str| pairs.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_services_own_endpoint_goes_before_the_one_for_all() {
        let own = ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://own");
        let all = ("AWS_ENDPOINT_URL", "http://all");
        assert_eq!(endpoint_among(&[all, own]).as_deref(), Some("http://own"));
        assert_eq!(endpoint_among(&[all]).as_deref(), Some("http://all"));
        assert_eq!(endpoint_among(&[("AWS_ENDPOINT_URL", "")]), None);
        assert_eq!(endpoint_among(&[all, own, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True")]), None);
    }
}
