//! Requirers of `tls-certificates`, played by hand: what Canonical's library writes
//! and reads.

use std::collections::BTreeMap;

use juju_simulator::{Charm, RelationId};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};

use crate::client::Certificate;
use crate::world::World;

/// The metadata of an application that takes its certificate from etcd.
const METADATA: &str = "
name: signing
requires:
  etcd:
    interface: etcd_client
  certificates:
    interface: tls-certificates
";

/// The key in which requests stand.
const REQUESTS: &str = "certificate_signing_requests";

/// A request with its key, PEM.
#[derive(Clone, Debug)]
pub struct SigningRequest {
    /// The common name.
    pub common_name: String,
    /// PKCS #10, as the library writes it.
    pub csr: String,
    /// The private key.
    pub key: String,
}

impl SigningRequest {
    /// A request for a certificate of this name, with a new key.
    ///
    /// # Panics
    /// Panics if no key can be made.
    #[must_use]
    pub fn new(common_name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("keys can be made");
        let csr = params.serialize_request(&key).and_then(|csr| csr.pem());
        let csr = csr.expect("a request can be made").replace("\r\n", "\n");
        Self {
            common_name: common_name.to_owned(),
            csr: csr.trim().to_owned(),
            key: key.serialize_pem(),
        }
    }
}

/// An application that asks etcd for certificates.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The application.
    pub app: String,
    /// The relation.
    pub relation: RelationId,
}

impl World {
    /// Relates an application over `certificates`, and deploys it where it is new.
    pub fn relate_certificates(&mut self, app: &str) -> Signing {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(METADATA));
        }
        let ends = ("etcd:certificates", format!("{app}:certificates"));
        Signing {
            app: app.to_owned(),
            relation: self.model.integrate(ends.0, &ends.1),
        }
    }

    /// Asks for these certificates, as the leader does for all of its units.
    pub fn ask_to_sign(&mut self, signing: &Signing, requests: &[&SigningRequest]) {
        let entries: Vec<_> = requests
            .iter()
            .map(|request| json!({ "certificate_signing_request": request.csr, "ca": false }))
            .collect();
        let value = match entries.is_empty() {
            true => String::new(),
            false => Value::from(entries).to_string(),
        };
        let (relation, app) = (signing.relation, &signing.app);
        self.model
            .relation_set_app(relation, app, &[(REQUESTS, &value)]);
    }

    /// What was answered to a request, as the library finds it.
    ///
    /// # Panics
    /// Panics if it is not as the interface has it.
    #[must_use]
    pub fn signed(&self, signing: &Signing, request: &SigningRequest) -> Option<Certificate> {
        let entry = self
            .answers(signing, "certificates")
            .into_iter()
            .find(|entry| {
                entry["certificate_signing_request"] == request.csr.as_str()
                    && entry["revoked"].as_bool() != Some(true)
            })?;
        let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
        let certificate = format!("{}\n", text("certificate"));
        Some(Certificate {
            common_name: request.common_name.clone(),
            chain: format!("{certificate}{}\n", text("ca")),
            certificate,
            key: request.key.clone(),
        })
    }

    /// Why there is no certificate for a request: the code and the message.
    #[must_use]
    pub fn not_signed(&self, signing: &Signing, request: &SigningRequest) -> Option<(u64, String)> {
        let entries = self.answers(signing, "request_errors");
        let entry = entries
            .iter()
            .find(|entry| entry["csr"] == request.csr.as_str())?;
        let error = &entry["error"];
        Some((
            error["code"].as_u64()?,
            error["message"].as_str()?.to_owned(),
        ))
    }

    fn answers(&self, signing: &Signing, key: &str) -> Vec<Value> {
        let bag: BTreeMap<String, String> = self.model.relation_get_app(signing.relation, "etcd");
        let value = bag.get(key).map(String::as_str).unwrap_or("[]");
        serde_json::from_str(value).expect("a list")
    }
}
