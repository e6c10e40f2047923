//! The SDK's way to the network: pilot's own HTTP client, in place of the one that AWS offers.
//!
//! Theirs is a second client with HTTP/2, which no call of pilot's needs: 1 MB of the binary. Trust is the system's
//! authorities, read on a blocking thread and only when something is asked over https; no proxy, as with theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tokio::time::timeout;

use crate::runtime::net::http_client::{self, BuildError, Trust};
use crate::runtime::net::resolve::Resolver;
use crate::runtime::task;

/// For who asks without limits of his own; nothing in pilot waits for ever.
const CONNECT: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(10);

/// A client for everything in the SDK: calls, credentials, instance metadata. Builds nothing before it is used.
pub(super) fn client() -> SharedHttpClient {
    SharedHttpClient::new(Clients::default())
}

/// One client for every time to connect that somebody asks for, once for https and once for plain http.
#[derive(Clone, Debug, Default)]
struct Clients {
    resolver: Resolver,
    built: Arc<Mutex<HashMap<(Trust, Duration), reqwest::Client>>>,
}

/// The clients as one caller wants them.
#[derive(Clone, Debug)]
struct Connector {
    clients: Clients,
    connect: Duration,
    read: Duration,
}

impl HttpClient for Clients {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: self.clone(),
            connect: settings.connect_timeout().unwrap_or(CONNECT),
            read: settings.read_timeout().unwrap_or(READ),
        })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.exchange(request).await })
    }
}

impl Connector {
    /// Until the head of the answer is there; its body comes later.
    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap)).map_err(failed)?;
        let trust = if request.url().scheme() == "https" { Trust::System } else { Trust::Nothing };
        let call = async {
            let client = self.clients.client(trust, self.connect).await;
            let client = client.map_err(|error| ConnectorError::other(error.into(), None))?;
            client.execute(request).await.map_err(failed)
        };
        let late = |_| ConnectorError::timeout(format!("no answer within {:?}", self.read).into());
        let answer = timeout(self.read, call).await.map_err(late)??;
        let answer = hyper::Response::<reqwest::Body>::from(answer).map(SdkBody::from_body_1_x);
        HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl Clients {
    async fn client(&self, trust: Trust, connect: Duration) -> Result<reqwest::Client, BuildError> {
        let key = (trust, connect);
        if let Some(client) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(client.clone());
        }
        let (trust, resolver) = (key.0.clone(), self.resolver.clone());
        let build = move || {
            let builder = http_client::builder(&trust, resolver, connect)?.no_proxy();
            builder.build().map_err(|error| BuildError::Tls(http_client::innermost_message(error)))
        };
        let client = task::blocking("building the client of AWS", build)
            .await
            .map_err(|panic| BuildError::Tls(panic.to_string()))??;
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(client)
    }
}

/// In the SDK's words, by which it decides whether to try again.
fn failed(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    fn connector(read: Duration) -> Connector {
        Connector { clients: Clients::default(), connect: CONNECT, read }
    }

    fn request(port: u16) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from("Action=Nothing"));
        request.set_method("POST").unwrap();
        request.set_uri(format!("http://127.0.0.1:{port}/path?query=a%2Fb")).unwrap();
        request.headers_mut().insert("user-agent", "the SDK's");
        request
    }

    fn listen() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn what_the_sdk_sends_arrives_as_it_is_and_so_does_the_answer() {
        let (listener, port) = listen();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut seen = Vec::new();
            while !seen.ends_with(b"Action=Nothing") {
                let mut part = [0; 1024];
                let count = stream.read(&mut part).unwrap();
                assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
                seen.extend_from_slice(&part[..count]);
            }
            stream.write_all(b"HTTP/1.1 418 Teapot\r\nx-word: here\r\ncontent-length: 3\r\n\r\nold").unwrap();
            String::from_utf8(seen).unwrap().to_lowercase()
        });
        let answer = connector(READ).exchange(request(port)).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("x-word")), (418, Some("here")));
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        assert_eq!(&body[..], b"old");
        let seen = server.join().unwrap();
        assert!(seen.starts_with("post /path?query=a%2fb http/1.1\r\n"), "{seen}");
        assert!(seen.contains("user-agent: the sdk's\r\n") && seen.contains("content-length: 14\r\n"), "{seen}");
    }

    #[tokio::test]
    async fn silence_is_a_timeout_and_nobody_there_an_io_error() {
        let (listener, port) = listen();
        let error = connector(Duration::from_millis(50)).exchange(request(port)).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        drop(listener);
        let error = connector(READ).exchange(request(port)).await.unwrap_err();
        assert!(error.is_io(), "{error:?}");
    }
}
