//! One connection to a server or a sentinel: over its socket on this machine, or
//! over the network, with TLS where it is one of our own nodes.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secret_value::Secret;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::ValkeyError;
use super::resp::{self, Value};

/// How long a node may take for anything that it does at once.
const LIMIT: Duration = Duration::from_secs(3);

/// Where a node listens.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Address {
    /// The address of its unit.
    pub host: IpAddr,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.host, self.port).fmt(f)
    }
}

/// What to connect to.
#[derive(Clone, Debug)]
pub enum Target {
    /// A socket on this machine.
    Socket(PathBuf),
    /// Over the network, in the clear.
    Plain(Address),
    /// Over the network, with TLS; the server's certificate is signed by this
    /// authority (PEM).
    Tls(Address, String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(f),
            Self::Plain(address) | Self::Tls(address, _) => address.fmt(f),
        }
    }
}

/// Who we are to a server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// Its password.
    pub password: Secret<String>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection that is logged in.
pub struct Connection {
    place: String,
    stream: BufReader<Box<dyn Stream>>,
    limit: Duration,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The server cannot be reached in time, or does not accept the login.
    pub async fn open(target: &Target, login: &Login) -> Result<Self, ValkeyError> {
        let mut connection = Self::open_anonymous(target).await?;
        let password = login.password.expose();
        connection.call(&["AUTH", &login.user, password]).await?;
        Ok(connection)
    }

    /// Connects, and does not log in.
    ///
    /// # Errors
    /// The server cannot be reached in time.
    pub async fn open_anonymous(target: &Target) -> Result<Self, ValkeyError> {
        let place = target.to_string();
        let stream = match tokio::time::timeout(LIMIT, connect(target)).await {
            Ok(stream) => stream.map_err(|source| ValkeyError::Connect {
                place: place.clone(),
                source,
            })?,
            Err(_) => {
                return Err(ValkeyError::Timeout {
                    place,
                    limit: LIMIT,
                });
            }
        };
        Ok(Self {
            place,
            stream: BufReader::new(stream),
            limit: LIMIT,
        })
    }

    /// The same connection, on which each answer may take so long.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends a command and reads its answer.
    ///
    /// # Errors
    /// The server refuses, does not answer in time, or is gone.
    pub async fn call(&mut self, words: &[&str]) -> Result<Value, ValkeyError> {
        let exchange = async {
            self.stream.write_all(&resp::command(words)).await?;
            self.stream.flush().await?;
            resp::read(&mut self.stream).await
        };
        let Ok(value) = tokio::time::timeout(self.limit, exchange).await else {
            return Err(self.timeout());
        };
        match self.understood(value)? {
            Value::Error(text) => Err(ValkeyError::Refused {
                place: self.place.clone(),
                command: name_of(words),
                text: shown(&text),
            }),
            value => Ok(value),
        }
    }

    /// Reads what the server sends by itself, after a subscription.
    ///
    /// # Errors
    /// Nothing came in time, or the server is gone.
    pub async fn next(&mut self, limit: Duration) -> Result<Value, ValkeyError> {
        let read = tokio::time::timeout(limit, resp::read(&mut self.stream)).await;
        match read {
            Ok(value) => self.understood(value),
            Err(_) => Err(self.timeout()),
        }
    }

    /// An error about an answer that is not what the command is known to give.
    pub(crate) fn unexpected(&self, problem: &'static str) -> ValkeyError {
        ValkeyError::Answer {
            place: self.place.clone(),
            problem,
        }
    }

    fn timeout(&self) -> ValkeyError {
        ValkeyError::Timeout {
            place: self.place.clone(),
            limit: self.limit,
        }
    }

    fn understood(&self, value: io::Result<Value>) -> Result<Value, ValkeyError> {
        value.map_err(|source| match source.kind() {
            io::ErrorKind::InvalidData => self.unexpected("it is no answer in RESP"),
            _ => ValkeyError::Connect {
                place: self.place.clone(),
                source,
            },
        })
    }
}

async fn connect(target: &Target) -> io::Result<Box<dyn Stream>> {
    Ok(match target {
        Target::Socket(path) => Box::new(UnixStream::connect(path).await?),
        Target::Plain(address) => Box::new(tcp(*address).await?),
        Target::Tls(address, authority) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
                roots
                    .add(certificate.map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
            }
            let config = ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let connector = TlsConnector::from(Arc::new(config));
            let name = ServerName::from(address.host);
            Box::new(connector.connect(name, tcp(*address).await?).await?)
        }
    })
}

async fn tcp(address: Address) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((address.host, address.port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The command and, of a container of commands, the one in it. What follows may
/// be a secret.
fn name_of(words: &[&str]) -> String {
    match words {
        [
            container @ ("ACL" | "CLIENT" | "CONFIG" | "SENTINEL"),
            command,
            ..,
        ] => {
            format!("{container} {command}")
        }
        [command, ..] => (*command).to_owned(),
        [] => String::new(),
    }
}

/// What a server says, in one line. It repeats arguments in some of its errors;
/// none of those that hold a password.
fn shown(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(200).collect()
}
