//! The calls to the agent that pilot makes, each with a deadline, each answering with our own types.
//!
//! Nothing is built or read before the first call. The token is read for each call, so that a rotated one is used at once,
//! and goes nowhere but into the request header. TLS files are read again after a failed connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use reqwest::{Identity, Method, RequestBuilder, Response, Url};
use tokio::time::timeout;

use super::body::{Access, Authorization, CheckUpdate, Registration};
use super::error::Error;
use super::instances::Instances;
use crate::runtime::net::http_client::{self, Trust};
use crate::runtime::net::resolve::Resolver;
use crate::runtime::net::{on_client_thread, one_line, small_file};
use crate::runtime::task;
use crate::runtime::telemetry::Meters;
use pilot_core::plan::{CheckStatus, Consul, ConsulAddress, ConsulTls, Service};

/// A call that does not block on purpose takes at most this long.
const DEADLINE: Duration = Duration::from_secs(5);
/// Of which the connection at most this long.
const CONNECT: Duration = Duration::from_secs(2);
/// What a blocking query may take beyond its wait: Consul adds up to a sixteenth, and the way there and back.
const GRACE: Duration = Duration::from_secs(5);
/// An answer longer than this is not read to its end, in bytes.
const MAX_ANSWER: usize = 16 << 20;
/// An answer longer than this is parsed on another thread: the one that serves everybody else must not be kept for long.
const PARSED_AT_ONCE: usize = 64 << 10;

/// A thin client of one agent; clones share their connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    meters: Meters,
}

struct Inner {
    consul: Consul,
    http: Mutex<Option<reqwest::Client>>,
}

/// What is asked of the agent.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Register,
    UpdateCheck,
    Deregister,
    Service,
    Health,
    Leader,
    Authorize,
}

impl Operation {
    /// Its name in metrics.
    fn word(self) -> &'static str {
        match self {
            Operation::Register => "register",
            Operation::UpdateCheck => "update_check",
            Operation::Deregister => "deregister",
            Operation::Service => "service",
            Operation::Health => "health",
            Operation::Leader => "leader",
            Operation::Authorize => "authorize",
        }
    }
}

/// Which instances of which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceQuery {
    /// Name in the catalog.
    pub service: String,
    /// Only instances with this tag.
    pub tag: Option<String>,
    /// Another datacenter than the agent's.
    pub datacenter: Option<String>,
}

/// The passing instances, and the index to wait on for the next change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Those that are passing.
    pub instances: Instances,
    /// `X-Consul-Index`, if there is a usable one.
    pub index: Option<u64>,
}

impl Client {
    /// A client that has done nothing yet.
    pub fn new(consul: Consul) -> Self {
        Client { inner: Arc::new(Inner { consul, http: Mutex::new(None) }), meters: Meters::default() }
    }

    /// The same, and its calls are counted.
    pub fn counted(self, meters: Meters) -> Self {
        Client { meters, ..self }
    }

    /// Whether it is this very client, and not another one that may have other settings.
    pub(super) fn is(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether both have the same address.
    pub(super) fn asks_the_agent_of(&self, other: &Client) -> bool {
        self.inner.consul.address == other.inner.consul.address
    }

    /// `PUT /v1/agent/service/register`: the service and its TTL check, with this status.
    pub async fn register(&self, service: &Service, status: CheckStatus) -> Result<(), Error> {
        let url = self.url(&["agent", "service", "register"])?;
        let body = Registration::new(service, status);
        let call = self.call(Operation::Register, Method::PUT, url, DEADLINE, |request| request.json(&body));
        accept(call.await?, || format!("service:write for {}", service.name)).map(drop)
    }

    /// `PUT /v1/agent/check/update/service:<id>`.
    pub async fn update_check(&self, service: &Service, status: CheckStatus, output: &str) -> Result<(), Error> {
        let check = format!("service:{}", service.id);
        let url = self.url(&["agent", "check", "update", &check])?;
        let body = CheckUpdate { status: status.as_str(), output };
        let call = self.call(Operation::UpdateCheck, Method::PUT, url, DEADLINE, |request| request.json(&body));
        let answer = call.await?;
        if answer.code == 404 || (answer.code == 500 && answer.says_unknown()) {
            return Err(Error::UnknownCheck(check));
        }
        accept(answer, || format!("service:write for {}", service.name)).map(drop)
    }

    /// `PUT /v1/agent/service/deregister/<id>`; a service that the agent does not know is gone as well.
    pub async fn deregister(&self, service: &Service) -> Result<(), Error> {
        let url = self.url(&["agent", "service", "deregister", &service.id])?;
        let answer = self.call(Operation::Deregister, Method::PUT, url, DEADLINE, |request| request).await?;
        if answer.code == 404 || (answer.code == 500 && answer.says_unknown()) {
            return Ok(());
        }
        accept(answer, || format!("service:write for {}", service.name)).map(drop)
    }

    /// `GET /v1/agent/service/<id>`: whether the agent knows the service.
    pub async fn knows(&self, service: &Service) -> Result<bool, Error> {
        let url = self.url(&["agent", "service", &service.id])?;
        let answer = self.call(Operation::Service, Method::GET, url, DEADLINE, |request| request).await?;
        if answer.code == 404 {
            return Ok(false);
        }
        accept(answer, || format!("service:read for {}", service.name)).map(|_| true)
    }

    /// `GET /v1/health/service/<name>?passing=1`: at once, or when something changed after the index, or after the wait.
    pub async fn health(&self, query: &ServiceQuery, after: Option<(u64, Duration)>) -> Result<Health, Error> {
        let mut url = self.url(&["health", "service", &query.service])?;
        let mut deadline = DEADLINE;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("passing", "1");
            if let Some(tag) = &query.tag {
                pairs.append_pair("tag", tag);
            }
            if let Some(datacenter) = &query.datacenter {
                pairs.append_pair("dc", datacenter);
            }
            if let Some((index, wait)) = after {
                deadline = wait + wait / 16 + GRACE;
                pairs.append_pair("index", &index.to_string());
                pairs.append_pair("wait", &format!("{}s", wait.as_secs()));
            }
        }
        let answer = self.call(Operation::Health, Method::GET, url, deadline, |request| request).await?;
        let permission = || format!("service:read for {0} or node:read for the nodes of {0}", query.service);
        let Answer { address, index, body, is_filtered, .. } = accept(answer, permission)?;
        let parsed = if body.len() > PARSED_AT_ONCE {
            let parsed = task::blocking("parsing an answer of Consul", move || Instances::parse(&body)).await;
            parsed.map_err(|panic| Error::Decode { address: address.clone(), cause: panic.to_string() })?
        } else {
            Instances::parse(&body)
        };
        let instances = parsed.map_err(|error| Error::Decode { address, cause: one_line(&error.to_string()) })?;
        if is_filtered && instances == Instances::default() {
            return Err(Error::Filtered { permission: permission() });
        }
        Ok(Health { instances, index: index.filter(|index| *index > 0) })
    }

    /// `POST /v1/internal/acl/authorize`: whether the token may see a service. An agent that has no ACLs, or is older than the
    /// question (1.7), forbids nothing as far as it says.
    pub async fn may_read(&self, service: &str) -> Result<bool, Error> {
        let url = self.url(&["internal", "acl", "authorize"])?;
        let question = [Access { resource: "service", access: "read", segment: service }];
        let call = self.call(Operation::Authorize, Method::POST, url, DEADLINE, |request| request.json(&question));
        let answer = call.await?;
        let may: Result<Vec<Authorization>, _> = serde_json::from_slice(&answer.body);
        Ok(answer.code != 200 || may.is_ok_and(|may| may.iter().all(|may| may.allow)))
    }

    /// `GET /v1/status/leader`: the address of the servers' leader, if they have one.
    pub async fn leader(&self) -> Result<Option<String>, Error> {
        let url = self.url(&["status", "leader"])?;
        let answer = self.call(Operation::Leader, Method::GET, url, DEADLINE, |request| request).await?;
        // Servers without one say so with an error, an agent with an empty text.
        if answer.code == 500 && String::from_utf8_lossy(&answer.body).contains("No cluster leader") {
            return Ok(None);
        }
        let answer = accept(answer, || "any rule".to_owned())?;
        let leader: String = serde_json::from_slice(&answer.body)
            .map_err(|error| Error::Decode { address: answer.address, cause: one_line(&error.to_string()) })?;
        Ok(Some(leader).filter(|leader| !leader.is_empty()))
    }

    /// The error of a call that its caller gave up after `after`.
    pub(super) fn silent(&self, after: Duration) -> Error {
        Error::Timeout { address: self.address(), after }
    }

    fn address(&self) -> String {
        match &self.inner.consul.address {
            ConsulAddress::Url(url) => shown(url),
            ConsulAddress::Unix(path) => path.display().to_string(),
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, Error> {
        let base = match &self.inner.consul.address {
            ConsulAddress::Url(url) => url.as_str(),
            ConsulAddress::Unix(_) => "http://localhost",
        };
        let unusable = || Error::Settings(format!("{} is not an address", shown(base)));
        let mut url = Url::parse(base).map_err(|_| unusable())?;
        if let Some(name) = server_name(&url, &self.inner.consul.tls) {
            url.set_host(Some(&name)).map_err(|_| Error::Settings(format!("{name:?} is not a server name")))?;
        }
        url.path_segments_mut().map_err(|()| unusable())?.clear().push("v1").extend(path);
        Ok(url)
    }

    /// One request and its whole answer, within the deadline.
    async fn call(
        &self,
        operation: Operation,
        method: Method,
        url: Url,
        deadline: Duration,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Error> {
        let exchange = async {
            let mut request = with(self.http().await?.request(method, url));
            if let Some(token) = self.token().await? {
                request = request.header("X-Consul-Token", token);
            }
            let client = self.clone();
            let exchange = on_client_thread(async move {
                let response = request.send().await.map_err(|error| client.broken(error))?;
                client.read(response).await
            });
            exchange
                .await
                .unwrap_or_else(|panic| Err(Error::Unreachable { address: self.address(), cause: panic.to_string() }))
        };
        let began = Instant::now();
        let result = timeout(deadline, exchange).await.unwrap_or_else(|_| Err(self.silent(deadline)));
        let took = (deadline <= DEADLINE).then(|| began.elapsed());
        match &result {
            Ok(answer) => self.meters.consul_called(operation.word(), &answer.code.to_string(), took),
            Err(error) => self.meters.consul_called(operation.word(), error.word(), took),
        }
        result
    }

    async fn read(&self, mut response: Response) -> Result<Answer, Error> {
        let index = response.headers().get("X-Consul-Index");
        let index = index.and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
        let is_filtered =
            response.headers().get("X-Consul-Results-Filtered-By-ACLs").is_some_and(|value| value == "true");
        let code = response.status().as_u16();
        let mut answer = Answer { address: self.address(), code, index, is_filtered, body: Vec::new() };
        let too_long = || Error::TooLong { address: self.address(), limit: MAX_ANSWER };
        if response.content_length().is_some_and(|length| length > MAX_ANSWER as u64) {
            return Err(too_long());
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if answer.body.len() + chunk.len() > MAX_ANSWER {
                return Err(too_long());
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// A transport error; the next call builds a new client, with whatever the TLS files hold by then.
    fn broken(&self, error: reqwest::Error) -> Error {
        if error.is_connect() {
            *self.inner.http.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if error.is_timeout() {
            return self.silent(CONNECT);
        }
        Error::Unreachable { address: self.address(), cause: one_line(&http_client::innermost_message(error)) }
    }

    /// The token that a call would be made with now.
    ///
    /// The file goes before the fixed token; an empty file is no token.
    pub(super) async fn token(&self) -> Result<Option<HeaderValue>, Error> {
        let text = match (&self.inner.consul.token_file, &self.inner.consul.token) {
            (Some(path), _) => {
                small_file::first_line(path).await.map_err(|error| Error::Settings(error.to_string()))?
            }
            (None, Some(token)) => token.expose().to_owned(),
            (None, None) => return Ok(None),
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let unusable = |_| Error::Settings("the token has characters that cannot be sent".to_owned());
        let mut token = HeaderValue::from_str(text).map_err(unusable)?;
        token.set_sensitive(true);
        Ok(Some(token))
    }

    async fn http(&self) -> Result<reqwest::Client, Error> {
        if let Some(http) = self.inner.http.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(http.clone());
        }
        let built = if self.is_https() {
            let consul = self.inner.consul.clone();
            task::blocking("building the client of Consul", move || build(&consul))
                .await
                .unwrap_or_else(|panic| Err(Error::Settings(panic.to_string())))
        } else {
            build(&self.inner.consul)
        }?;
        *self.inner.http.lock().unwrap_or_else(PoisonError::into_inner) = Some(built.clone());
        Ok(built)
    }

    fn is_https(&self) -> bool {
        matches!(&self.inner.consul.address, ConsulAddress::Url(url) if url.starts_with("https:"))
    }
}

/// Scheme, host and port of a URL: what may stand in front of the `@` is nobody's business.
fn shown(url: &str) -> String {
    match Url::parse(url).ok().as_ref().and_then(|url| Some((url.scheme(), url.host_str()?, url.port()))) {
        Some((scheme, host, Some(port))) => format!("{scheme}://{host}:{port}"),
        Some((scheme, host, None)) => format!("{scheme}://{host}"),
        None => "the configured address".to_owned(),
    }
}

/// The name that stands in the URL instead of the host's, so that TLS sends and verifies it; the resolver knows better.
fn server_name(url: &Url, tls: &ConsulTls) -> Option<String> {
    tls.server_name.clone().filter(|name| url.scheme() == "https" && !name.is_empty())
}

fn build(consul: &Consul) -> Result<reqwest::Client, Error> {
    let settings = |error: http_client::BuildError| Error::Settings(error.to_string());
    let mut resolver = Resolver::default();
    let mut trust = Trust::Nothing;
    let mut local = true;
    if let ConsulAddress::Url(text) = &consul.address
        && let Ok(url) = Url::parse(text)
    {
        let host = url.host_str().unwrap_or_default();
        local = is_loopback(host);
        if server_name(&url, &consul.tls).is_some() {
            resolver = Resolver::of_one_host(host);
        }
        if url.scheme() == "https" {
            trust = match (consul.tls.verify, &consul.tls.ca_file, &consul.tls.ca_path) {
                (false, _, _) => Trust::Anybody,
                (true, Some(file), _) => Trust::File(file.clone()),
                (true, None, Some(folder)) => Trust::Folder(folder.clone()),
                (true, None, None) => Trust::System,
            };
        }
    }
    let mut builder =
        http_client::builder(&trust, resolver, CONNECT).map_err(settings)?.pool_idle_timeout(Duration::from_secs(30));
    if local {
        // Like Go: a proxy of the environment is never asked for what is on this machine.
        builder = builder.no_proxy();
    }
    if let ConsulAddress::Unix(path) = &consul.address {
        builder = builder.unix_socket(path.as_path());
    }
    if trust != Trust::Nothing
        && let Some((certificate, key)) = &consul.tls.client
    {
        let mut pem = small_file::read_now(certificate).map_err(|error| Error::Settings(error.to_string()))?;
        pem.push(b'\n');
        pem.extend(small_file::read_now(key).map_err(|error| Error::Settings(error.to_string()))?);
        let unusable = |_| {
            let (certificate, key) = (certificate.display(), key.display());
            Error::Settings(format!("{certificate} and {key} are not a PEM certificate and its key"))
        };
        builder = builder.identity(Identity::from_pem(&pem).map_err(unusable)?);
    }
    builder.build().map_err(|error| settings(http_client::BuildError::Tls(http_client::innermost_message(error))))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A complete answer.
struct Answer {
    address: String,
    code: u16,
    index: Option<u64>,
    /// Something was left out that the token may not see (Consul 1.12 and newer say so).
    is_filtered: bool,
    body: Vec<u8>,
}

impl Answer {
    /// Consul before 1.12 says 500 where it means 404.
    fn says_unknown(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body).to_lowercase();
        ["does not have associated ttl", "unknown check", "unknown service"].iter().any(|known| text.contains(known))
    }
}

fn accept(answer: Answer, permission: impl FnOnce() -> String) -> Result<Answer, Error> {
    match answer.code {
        200 => Ok(answer),
        401 | 403 => Err(Error::Denied { permission: permission() }),
        code => {
            let body = one_line(&String::from_utf8_lossy(&answer.body));
            Err(Error::Status { address: answer.address, code, body })
        }
    }
}
