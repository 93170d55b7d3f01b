//! Certificates of every kind that a requirer might send, each with what the
//! check has to say about it. A module, so that other tests can hold the same
//! certificates against a real etcd.

// Each test that includes this module uses a part of it.
#![allow(dead_code)]

mod extensions;
mod fields;
mod issued;
mod keys;
mod names;
mod others;
pub(crate) mod recipe;
mod texts;

use std::io::Write;

use etcd_charm::facts::Timestamp;
use etcd_charm::tls::{CertificateRefusal, ClientCertificate};

/// One thing that a requirer might send.
pub(crate) struct Entry {
    /// What is particular about it.
    pub(crate) name: String,
    /// What the requirer sends.
    pub(crate) text: Vec<u8>,
    /// What the check has to say about it.
    pub(crate) expected: Outcome,
    /// The private key (PEM), where there is one, to connect with.
    pub(crate) key: Option<String>,
}

/// What the check has to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The certificate is taken, under this common name.
    Accepted(String),
    /// It is refused, with this text.
    Refused(String),
}

impl Outcome {
    pub(crate) fn of(result: &Result<ClientCertificate, CertificateRefusal>) -> Self {
        match result {
            Ok(leaf) => Self::Accepted(leaf.common_name.to_string()),
            Err(refusal) => Self::Refused(refusal.to_string()),
        }
    }

    pub(crate) fn accepted() -> Self {
        Self::Accepted("client".to_owned())
    }

    pub(crate) fn refused(reason: &str) -> Self {
        Self::Refused(reason.to_owned())
    }
}

/// All certificates, to be checked at this time. Where the `openssl` command is
/// missing, a line on standard error says that those made by it are left out.
///
/// # Panics
/// It is missing, and the environment has `CI`, where nothing may be skipped.
pub(crate) fn entries(now: Timestamp) -> Vec<Entry> {
    let mut entries = texts::entries(now);
    entries.extend(fields::entries(now));
    entries.extend(issued::entries(now));
    if openssl_is_there() {
        entries.extend(issued::openssl_entries());
    } else {
        assert!(std::env::var_os("CI").is_none(), "the corpus needs openssl");
        // Not by eprintln, whose output a passing test does not show.
        writeln!(
            std::io::stderr(),
            "SKIPPED certificates made by openssl: it is not installed"
        )
        .expect("stderr");
    }
    entries
}

fn openssl_is_there() -> bool {
    std::process::Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// PEM text of one block, made without the code under test.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    pem::encode_config(
        &pem::Pem::new(label, der),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}
