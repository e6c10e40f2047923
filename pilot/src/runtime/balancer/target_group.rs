//! The three calls to ELBv2, over AWS' own SDK: register, deregister, ask for a target's health.
//!
//! Time-outs and retries are always set: the SDK's default waits for a silent server without end. A target is always
//! sent with its port, for without it AWS answers 200 to a deregistration and does nothing.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;

use super::error::Error;
use super::sdk_settings::{ATTEMPT, CALL, settings};
use super::target::TargetId;
use pilot_core::plan::TargetGroupArn;

/// One target group, reached with the credentials of the surroundings (environment, container, instance).
#[derive(Clone, Debug)]
pub struct TargetGroup {
    client: Client,
    arn: TargetGroupArn,
}

/// A target's health as the load balancer tells it: `healthy`, and the reason if there is one. Kept as text, since
/// AWS adds states and reasons. API reference: `TargetHealth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`, `unavailable`, or a later addition.
    pub state: String,
    /// Such as `Target.NotRegistered`.
    pub reason: String,
}

impl State {
    /// Traffic goes to it.
    pub fn is_healthy(&self) -> bool {
        self.state == "healthy"
    }

    /// Not in the group, or no longer. The reason says so; AWS calls the state `unused`, moto `unavailable`.
    pub fn is_absent(&self) -> bool {
        self.reason == "Target.NotRegistered"
    }

    /// On its way out.
    pub fn is_draining(&self) -> bool {
        self.state.ends_with("draining")
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason.as_str() {
            "" => f.write_str(&self.state),
            reason => write!(f, "{} ({reason})", self.state),
        }
    }
}

impl TargetGroup {
    /// A client in the group's own region. `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2` and `AWS_ENDPOINT_URL` are
    /// honoured.
    pub fn new(arn: TargetGroupArn) -> Self {
        let client = Client::from_conf(settings(arn.region()));
        TargetGroup { client, arn }
    }

    /// Puts the target in; being in already is success.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn register(&self, target: &TargetId) -> Result<(), Error> {
        let call = self.client.register_targets().target_group_arn(self.arn.as_str()).targets(description(target));
        self.outcome("RegisterTargets", call.send().await).map(|_| ())
    }

    /// Takes the target out; being out already is success.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn deregister(&self, target: &TargetId) -> Result<(), Error> {
        let call = self.client.deregister_targets().target_group_arn(self.arn.as_str()).targets(description(target));
        match self.outcome("DeregisterTargets", call.send().await) {
            // AWS itself answers 200 for a target that is not there; others that speak its language do not.
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the load balancer thinks of the target.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn state(&self, target: &TargetId) -> Result<State, Error> {
        let call =
            self.client.describe_target_health().target_group_arn(self.arn.as_str()).targets(description(target));
        let answer = self.outcome("DescribeTargetHealth", call.send().await)?;
        let health = answer.target_health_descriptions().first().and_then(|found| found.target_health());
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(match health {
            Some(health) => State {
                state: text(health.state().map(|state| state.as_str())),
                reason: text(health.reason().map(|reason| reason.as_str())),
            },
            None => State { state: "unused".to_owned(), reason: "Target.NotRegistered".to_owned() },
        })
    }

    fn outcome<T, E>(&self, action: &'static str, result: Result<T, SdkError<E>>) -> Result<T, Error>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let error = match result {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if let Some(code) = error.code() {
            return Err(self.refusal(action, code, error.message().unwrap_or_default()));
        }
        Err(match &error {
            SdkError::TimeoutError(_) => Error::Timeout(CALL),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Error::Timeout(ATTEMPT),
            SdkError::DispatchFailure(failure) if failure.is_io() => Error::Unreachable(cause(&error)),
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => match cause(&error) {
                text if text.contains("credentials") || text.contains("identity") => Error::Credentials(text),
                text => Error::Unreachable(text),
            },
            _ => {
                let status = error.raw_response().map(|answer| answer.status().as_u16().to_string());
                Error::Answer { code: status.unwrap_or_else(|| "nothing readable".into()), message: cause(&error) }
            }
        })
    }

    fn refusal(&self, action: &'static str, code: &str, message: &str) -> Error {
        let message = one_line(message);
        match code {
            "TargetGroupNotFound" => Error::NoGroup(self.arn.as_str().to_owned()),
            "InvalidTarget" | "TooManyTargets" | "TooManyRegistrationsForTargetId" => Error::Refused(message),
            "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
                Error::Credentials(format!("{code}: {message}"))
            }
            _ if code.starts_with("AccessDenied") || code == "UnauthorizedOperation" => {
                Error::Denied { action, code: code.to_owned() }
            }
            _ if code.starts_with("Throttl") || code == "RequestLimitExceeded" => Error::Throttled(code.to_owned()),
            _ => Error::Answer { code: code.to_owned(), message },
        }
    }
}

fn description(target: &TargetId) -> TargetDescription {
    TargetDescription::builder()
        .id(&target.id)
        .port(i32::from(target.port))
        .set_availability_zone(target.availability_zone.clone())
        .build()
}

/// The innermost reasons on one line; the SDK puts no credential in them.
fn cause<E: std::error::Error + 'static>(error: &E) -> String {
    one_line(&DisplayErrorContext(error).to_string())
}

fn one_line(text: &str) -> String {
    const MOST: usize = 300;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    line.trim().to_owned()
}
