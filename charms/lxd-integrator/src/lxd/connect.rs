//! One connection to LXD, and requests over it.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;

use super::error::LxdError;
use super::pin::Pin;
use crate::plan::credentials::{Connection, Https};

/// LXD is on the same network, if not on the same machine.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// A change of the trust store takes 35 ms; a busy cluster may take longer.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// Most bytes of an answer: some thousand certificates.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// Longest text of LXD's that is shown.
const MAX_WORDS: usize = 200;

/// A connection to LXD.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    requests: u32,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    error: String,
    #[serde(default)]
    metadata: Value,
}

impl Client {
    /// Connects to LXD.
    ///
    /// # Errors
    /// The credentials cannot be used, LXD is not there, or is another one.
    pub async fn connect(connection: &Connection) -> Result<Self, LxdError> {
        let connected = timeout(CONNECT_TIME, Self::open(connection)).await;
        connected.unwrap_or_else(|_| Err(LxdError::Timeout("a connection".to_owned())))
    }

    async fn open(connection: &Connection) -> Result<Self, LxdError> {
        match connection {
            Connection::Https(https) => {
                let (config, pin) = tls(https)?;
                let Https { address, .. } = &**https;
                let stream = TcpStream::connect((address.host.as_str(), address.port))
                    .await
                    .map_err(LxdError::unreachable)?;
                let name =
                    ServerName::try_from(address.host.clone()).map_err(LxdError::unreachable)?;
                let stream = TlsConnector::from(Arc::new(config))
                    .connect(name, stream)
                    .await;
                let stream = stream.map_err(|error| match pin.mismatch() {
                    Some((expected, shown)) => LxdError::AnotherServer {
                        expected: expected.into(),
                        shown: shown.into(),
                    },
                    None => LxdError::unreachable(error),
                })?;
                Self::over(stream, address.authority()).await
            }
            Connection::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(LxdError::unreachable)?;
                Self::over(stream, "lxd".to_owned()).await
            }
        }
    }

    async fn over<S>(stream: S, host: String) -> Result<Self, LxdError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let opened = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(LxdError::unreachable)?;
        // It ends with the hook, and how it ends each request says by itself.
        drop(tokio::spawn(connection));
        Ok(Self {
            sender,
            host,
            requests: 0,
        })
    }

    /// How many requests were made.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, LxdError> {
        let metadata = self.request(Method::GET, path, None).await?;
        serde_json::from_value(metadata).map_err(|source| LxdError::Answer {
            request: format!("GET {path}"),
            source,
        })
    }

    /// Makes one request, and returns what its answer carries.
    pub(super) async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, LxdError> {
        let name = format!("{method} {path}");
        self.requests += 1;
        let answered = timeout(REQUEST_TIME, self.exchange(method, path, body)).await;
        let (status, answer) = answered.unwrap_or_else(|_| Err(LxdError::Timeout(name.clone())))?;
        let envelope: Envelope =
            serde_json::from_slice(&answer).map_err(|source| LxdError::Answer {
                request: name.clone(),
                source,
            })?;
        match status {
            200..300 => Ok(envelope.metadata),
            _ => Err(LxdError::Refused {
                request: name,
                status,
                words: one_line(&envelope.error),
            }),
        }
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Bytes), LxdError> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(LxdError::unreachable)?;
        self.sender.ready().await.map_err(LxdError::unreachable)?;
        let answer = self.sender.send_request(request).await;
        let answer = answer.map_err(LxdError::unreachable)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
        Ok((status, body.map_err(LxdError::unreachable)?.to_bytes()))
    }
}

fn tls(https: &Https) -> Result<(ClientConfig, Arc<Pin>), LxdError> {
    let provider = Arc::new(ring::default_provider());
    let pin = Arc::new(Pin::new(https.server.clone(), provider.clone()));
    let chain = https.client_chain.iter();
    let chain = chain.map(|der| CertificateDer::from(der.clone())).collect();
    let key =
        PrivateKeyDer::from_pem_slice(https.client_key.expose().as_bytes()).map_err(|_| {
            LxdError::Credentials(tokio_rustls::rustls::Error::General(
                "the key cannot be read".to_owned(),
            ))
        })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(LxdError::Credentials)?
        .dangerous()
        .with_custom_certificate_verifier(pin.clone())
        .with_client_auth_cert(chain, key)
        .map_err(LxdError::Credentials)?;
    Ok((config, pin))
}

/// Text of another program for a status: one line, and not too long.
fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_WORDS).collect()
}
