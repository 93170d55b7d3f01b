//! How LXD is reached, and with which credentials.
//!
//! What the operator set with the `lxd_` options goes before what Juju knows of
//! the model's cloud, and the two are never mixed: a key of the one beside a
//! certificate of the other is nobody's intention. The one exception is
//! `lxd_server_cert`, which alone says which server is meant.

use std::path::PathBuf;

use certificates::{Fingerprint, Timestamp};
use secret_value::Secret;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::facts::{Cloud, Credentials, Juju, Known};

/// The port of LXD by convention, which Juju adds as well.
const PORT: u16 = 8443;

/// How LXD is reached.
#[derive(Clone, Debug)]
pub enum Connection {
    /// Over the network.
    Https(Box<Https>),
    /// Over the socket of an LXD on this machine.
    Socket(PathBuf),
}

/// An LXD that is reached over the network.
#[derive(Clone, Debug)]
pub struct Https {
    /// Where it is.
    pub address: Address,
    /// Our certificates, DER, the leaf first.
    pub client_chain: Vec<Vec<u8>>,
    /// The leaf's private key, PEM.
    pub client_key: Secret<String>,
    /// The server's certificate, DER: exactly this one.
    pub server: Vec<u8>,
    /// What key and certificate are called where they come from.
    pub names: (&'static str, &'static str),
}

/// Host and port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// `host:port`, with brackets where the host is an IPv6 address.
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The complete URL.
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }
}

/// Why there is no way to LXD before an operator has done something.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CredentialProblem {
    /// The certificate is over.
    #[error("{0} has expired: renew it")]
    Expired(&'static str),
    /// Some of what is needed is set, and some is not.
    #[error("set {} too, or clear all lxd_ options to use juju trust", list(.0))]
    Incomplete(Vec<&'static str>),
    /// What is set is not what it should be.
    #[error("{0} is not {1}")]
    Invalid(&'static str, &'static str),
    /// Neither trust nor options.
    #[error("Missing credentials access; grant with: juju trust {0}, or set the lxd_ options")]
    Missing(String),
    /// The same is set twice, or things that exclude each other.
    #[error("clear {}: {reason}", list(.names))]
    Mixture {
        /// The options to clear.
        names: Vec<&'static str>,
        /// Why.
        reason: &'static str,
    },
    /// The model is on another cloud.
    #[error("the model's cloud is {0}, not lxd: set the lxd_ options")]
    OtherCloud(String),
    /// The credential has no certificate of the server.
    #[error("Juju's credential has no server-cert: set lxd_server_cert")]
    NoServerCertificate,
    /// The secret cannot be read.
    #[error("the secret of lxd-credentials cannot be read: juju grant-secret it to {0}")]
    Secret(String),
    /// Juju does not say.
    #[error("waiting for Juju to say which cloud this is")]
    Unanswered(String),
    /// Certificate and key are of two pairs.
    #[error("{0} does not belong to {1}")]
    WrongKey(&'static str, &'static str),
}

fn list(names: &[&str]) -> String {
    names.join(", ")
}

/// What each part of the credentials is called where it comes from.
struct Names {
    endpoint: &'static str,
    client_cert: &'static str,
    client_key: &'static str,
    server_cert: &'static str,
}

const OPTIONS: Names = Names {
    endpoint: "lxd_endpoint",
    client_cert: "lxd_client_cert",
    client_key: "lxd_client_key",
    server_cert: "lxd_server_cert",
};

const CREDENTIAL: Names = Names {
    endpoint: "the cloud's endpoint",
    client_cert: "the credential's client-cert",
    client_key: "the credential's client-key",
    server_cert: "the credential's server-cert",
};

/// Whether the options say where LXD is, so that Juju need not be asked.
pub fn options_decide(juju: &Juju) -> bool {
    let Credentials {
        client_cert,
        client_key,
        server_cert: _,
    } = &juju.options.credentials;
    juju.options.endpoint.is_some()
        || client_cert.is_some()
        || client_key.is_some()
        || juju.secret.is_some()
}

/// How to reach LXD.
///
/// # Errors
/// What an operator has to do first.
pub fn connection(juju: &Juju) -> Result<Connection, CredentialProblem> {
    let options = &juju.options;
    if let Some(endpoint) = &options.endpoint
        && let Some(path) = endpoint.strip_prefix("unix:")
    {
        return socket(juju, path);
    }
    if options_decide(juju) {
        let credentials = with_secret(juju)?;
        return https(options.endpoint.as_deref(), credentials, &OPTIONS, juju.now);
    }
    let (endpoint, mut credentials) = match &juju.cloud {
        Cloud::Denied | Cloud::Unasked => {
            return Err(CredentialProblem::Missing(juju.unit.app().to_string()));
        }
        Cloud::Other(kind) => return Err(CredentialProblem::OtherCloud(kind.clone())),
        Cloud::Unknown(reason) => return Err(CredentialProblem::Unanswered(reason.clone())),
        Cloud::Lxd {
            endpoint,
            credentials,
        } => (endpoint.as_deref(), credentials.clone()),
    };
    let mut names = CREDENTIAL;
    if let Some(server) = &options.credentials.server_cert {
        credentials.server_cert = Some(server.clone());
        names.server_cert = OPTIONS.server_cert;
    }
    if credentials.server_cert.is_none() {
        return Err(CredentialProblem::NoServerCertificate);
    }
    https(endpoint, credentials, &names, juju.now)
}

/// An LXD on this machine: the socket gives full access, so it wants no
/// credentials, and whoever sets some means another LXD.
fn socket(juju: &Juju, path: &str) -> Result<Connection, CredentialProblem> {
    let Credentials {
        client_cert,
        client_key,
        server_cert,
    } = &juju.options.credentials;
    let set: Vec<_> = [
        (client_cert.is_some(), "lxd_client_cert"),
        (client_key.is_some(), "lxd_client_key"),
        (server_cert.is_some(), "lxd_server_cert"),
        (juju.secret.is_some(), "lxd-credentials"),
    ]
    .into_iter()
    .filter_map(|(is_set, name)| is_set.then_some(name))
    .collect();
    if !set.is_empty() {
        return Err(CredentialProblem::Mixture {
            names: set,
            reason: "a unix socket needs none",
        });
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    match path.starts_with('/') {
        true => Ok(Connection::Socket(path.into())),
        false => Err(CredentialProblem::Invalid(
            "lxd_endpoint",
            "unix:///<path of a socket>",
        )),
    }
}

/// The options, completed by the secret; nothing may be in both.
fn with_secret(juju: &Juju) -> Result<Credentials, CredentialProblem> {
    let options = juju.options.credentials.clone();
    let secret = match &juju.secret {
        None => return Ok(options),
        Some(Known::Known(secret)) => secret.clone(),
        Some(Known::Unknown(_)) => {
            return Err(CredentialProblem::Secret(juju.unit.app().to_string()));
        }
    };
    let twice: Vec<_> = [
        (
            options.client_cert.is_some() && secret.client_cert.is_some(),
            "lxd_client_cert",
        ),
        (
            options.client_key.is_some() && secret.client_key.is_some(),
            "lxd_client_key",
        ),
        (
            options.server_cert.is_some() && secret.server_cert.is_some(),
            "lxd_server_cert",
        ),
    ]
    .into_iter()
    .filter_map(|(is_twice, name)| is_twice.then_some(name))
    .collect();
    if !twice.is_empty() {
        return Err(CredentialProblem::Mixture {
            names: twice,
            reason: "the secret of lxd-credentials has it too",
        });
    }
    Ok(Credentials {
        client_cert: options.client_cert.or(secret.client_cert),
        client_key: options.client_key.or(secret.client_key),
        server_cert: options.server_cert.or(secret.server_cert),
    })
}

fn https(
    endpoint: Option<&str>,
    credentials: Credentials,
    names: &Names,
    now: Timestamp,
) -> Result<Connection, CredentialProblem> {
    let Credentials {
        client_cert,
        client_key,
        server_cert,
    } = credentials;
    let (Some(endpoint), Some(certificate), Some(key), Some(server)) =
        (endpoint, &client_cert, &client_key, &server_cert)
    else {
        let missing = [
            (endpoint.is_none(), names.endpoint),
            (client_cert.is_none(), names.client_cert),
            (client_key.is_none(), names.client_key),
            (server_cert.is_none(), names.server_cert),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        return Err(CredentialProblem::Incomplete(
            missing.map(|(_, name)| name).collect(),
        ));
    };
    let address = address(endpoint).ok_or(CredentialProblem::Invalid(
        names.endpoint,
        "https://<host>:<port>",
    ))?;
    let client_chain = certificates_of(certificate, names.client_cert)?;
    let server = certificates_of(server, names.server_cert)?.swap_remove(0);
    check_validity(&client_chain[0], names.client_cert, now)?;
    check_server(&server, names.server_cert)?;
    let client_key = private_key(key, names.client_key)?;
    Ok(Connection::Https(Box::new(Https {
        address,
        client_chain,
        client_key,
        server,
        names: (names.client_key, names.client_cert),
    })))
}

/// Host and port of an endpoint, completed as Juju does it (`EnsureHTTPS`,
/// `EnsureHostPort`): `https://` and 8443 where they are missing.
fn address(endpoint: &str) -> Option<Address> {
    let endpoint = endpoint.trim().trim_end_matches('/');
    let authority = match endpoint.split_once("://") {
        None => endpoint,
        Some(("https", authority)) => authority,
        Some(_) => return None,
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':')?),
            };
            (host, port)
        }
        None if authority.parse::<std::net::Ipv6Addr>().is_ok() => (authority, None),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_plain) {
        return None;
    }
    let port = port.map_or(Ok(PORT), str::parse).ok()?;
    Some(Address {
        host: host.to_owned(),
        port,
    })
}

/// The certificates of a text, DER, at least one.
fn certificates_of(text: &str, name: &'static str) -> Result<Vec<Vec<u8>>, CredentialProblem> {
    let invalid = |what| CredentialProblem::Invalid(name, what);
    let text = text.trim();
    if !text.starts_with("-----BEGIN") {
        // What is often pasted instead is the base64 of a whole PEM text.
        return Err(invalid(
            "PEM (-----BEGIN CERTIFICATE-----); base64 of PEM will not do",
        ));
    }
    let blocks = pem::parse_many(text).map_err(|_| invalid("a PEM certificate"))?;
    let ders: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .map(pem::Pem::into_contents)
        .collect();
    match ders.first().map(|der| X509Certificate::from_der(der)) {
        Some(Ok(([], _))) => Ok(ders),
        _ => Err(invalid("a PEM certificate")),
    }
}

fn private_key(
    key: &Secret<String>,
    name: &'static str,
) -> Result<Secret<String>, CredentialProblem> {
    let is_key = pem::parse(key.expose().trim())
        .is_ok_and(|block| block.tag().ends_with("PRIVATE KEY") && !block.tag().starts_with("ENC"));
    match is_key {
        true => Ok(Secret::new(key.expose().trim().to_owned() + "\n")),
        false => Err(CredentialProblem::Invalid(name, "a PEM private key")),
    }
}

fn check_validity(der: &[u8], name: &'static str, now: Timestamp) -> Result<(), CredentialProblem> {
    let expired = X509Certificate::from_der(der)
        .is_ok_and(|(_, parsed)| now > Timestamp(parsed.validity().not_after.timestamp()));
    match expired {
        true => Err(CredentialProblem::Expired(name)),
        false => Ok(()),
    }
}

/// People mix the two certificates up (juju/juju#14040): one that says what it is
/// for, and not for servers, is no server's.
fn check_server(der: &[u8], name: &'static str) -> Result<(), CredentialProblem> {
    let is_servers = X509Certificate::from_der(der).is_ok_and(|(_, parsed)| {
        let usage = parsed.extended_key_usage().ok().flatten();
        usage.is_none_or(|usage| usage.value.server_auth || usage.value.any)
    });
    match is_servers {
        true => Ok(()),
        false => Err(CredentialProblem::Invalid(
            name,
            "a certificate for servers",
        )),
    }
}

impl Connection {
    /// Where LXD is, in the words of a status.
    pub fn place(&self) -> String {
        match self {
            Self::Https(https) => https.address.authority(),
            Self::Socket(path) => path.display().to_string(),
        }
    }

    /// The fingerprint of the certificate that we show.
    pub fn own_fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Https(https) => https
                .client_chain
                .first()
                .map(|der| Fingerprint::of_der(der)),
            Self::Socket(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_completed_as_juju_completes_them() {
        for (text, url) in [
            ("10.0.8.1", "https://10.0.8.1:8443"),
            ("https://10.0.8.1:8443/", "https://10.0.8.1:8443"),
            ("lxd.example.com:443", "https://lxd.example.com:443"),
            ("https://[fe80::1]", "https://[fe80::1]:8443"),
            ("fe80::1", "https://[fe80::1]:8443"),
            ("[fe80::1]:9", "https://[fe80::1]:9"),
        ] {
            assert_eq!(
                address(text).map(|found| found.url()).as_deref(),
                Some(url),
                "{text}"
            );
        }
        for text in [
            "http://h",
            "https://h/path",
            "h:x",
            "h:99999",
            "",
            "https://",
            "a b",
            "[::1",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
