//! Providers of `tls-certificates`, played by hand: what charms with Canonical's
//! library write and read.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use juju_simulator::{Charm, RelationId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

use crate::world::World;

/// The metadata of an application that signs certificates.
const METADATA: &str = "
name: provider
provides:
  certificates:
    interface: tls-certificates
    scope: global
";

/// How long certificates are valid.
const VALIDITY: Duration = Duration::from_secs(90 * 24 * 3600);

/// An authority of somebody else's.
#[derive(Debug)]
pub struct ProviderAuthority {
    /// Its certificate, PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl ProviderAuthority {
    /// A new authority of this name.
    ///
    /// # Panics
    /// Panics if no key can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.self_signed(&key).expect("authorities can be made");
        Self {
            certificate: certificate.pem().replace("\r\n", "\n").trim().to_owned(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Signs a request as it stands, but for what is changed.
    ///
    /// # Panics
    /// Panics if it is no request.
    #[must_use]
    pub fn sign(&self, csr: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut asked = CertificateSigningRequestParams::from_pem(csr).expect("a request");
        let now = SystemTime::now();
        asked.params.not_before = now.into();
        asked.params.not_after = (now + VALIDITY).into();
        change(&mut asked.params);
        let signed = asked.signed_by(&self.issuer).expect("a certificate");
        signed.pem().replace("\r\n", "\n").trim().to_owned()
    }

    /// An entry of the databag that answers a request with this certificate.
    #[must_use]
    pub fn entry(&self, csr: &str, certificate: &str) -> Value {
        json!({
            "ca": self.certificate,
            "certificate_signing_request": csr,
            "certificate": certificate,
            "chain": [certificate, self.certificate],
        })
    }
}

/// An application that signs for members of etcd.
#[derive(Debug)]
pub struct Provider {
    /// The application.
    pub app: String,
    /// The relation.
    pub relation: RelationId,
    /// What signs.
    pub authority: ProviderAuthority,
    answered: BTreeMap<String, Value>,
}

impl World {
    /// Relates an application over `client-certificates`, and deploys it where it is
    /// new; it has an authority of its own.
    pub fn relate_provider(&mut self, app: &str) -> Provider {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(METADATA));
        }
        let ends = ("etcd:client-certificates", format!("{app}:certificates"));
        Provider {
            app: app.to_owned(),
            relation: self.model.integrate(ends.0, &ends.1),
            authority: ProviderAuthority::new(app),
            answered: BTreeMap::new(),
        }
    }

    /// The requests of all units of etcd.
    ///
    /// # Panics
    /// Panics if they are not as the interface has them.
    #[must_use]
    pub fn requests_to(&self, provider: &Provider) -> Vec<String> {
        let units = self.machines.keys();
        let bags = units.map(|unit| self.model.unit_bag(provider.relation, unit.clone()));
        let texts = bags.filter_map(|bag| bag.get("certificate_signing_requests").cloned());
        let lists = texts.map(|text| serde_json::from_str::<Vec<Value>>(&text).expect("a list"));
        lists
            .flatten()
            .map(|entry| {
                assert_eq!(entry["ca"], false);
                let csr = entry["certificate_signing_request"].as_str();
                csr.expect("a request").to_owned()
            })
            .collect()
    }

    /// Answers every request that is not answered yet, and forgets those that are
    /// gone, as the library does. How many answers are new.
    pub fn answer(&mut self, provider: &mut Provider) -> usize {
        let requests = self.requests_to(provider);
        provider.answered.retain(|csr, _| requests.contains(csr));
        let mut new = 0;
        for csr in requests {
            if !provider.answered.contains_key(&csr) {
                let certificate = provider.authority.sign(&csr, |_| {});
                let entry = provider.authority.entry(&csr, &certificate);
                provider.answered.insert(csr, entry);
                new += 1;
            }
        }
        let entries: Vec<_> = provider.answered.values().cloned().collect();
        self.tell(provider, &entries);
        new
    }

    /// Writes these entries and nothing else.
    pub fn tell(&mut self, provider: &Provider, entries: &[Value]) {
        let text = Value::from(entries.to_vec()).to_string();
        let pairs = [("certificates", text.as_str())];
        self.model
            .relation_set_app(provider.relation, &provider.app, &pairs);
    }

    /// Replaces the authority, and revokes what the one before has signed, as
    /// `self-signed-certificates` does: the requests are answered anew by the next
    /// [`Self::answer`].
    pub fn replace_authority(&mut self, provider: &mut Provider, name: &str) {
        provider.authority = ProviderAuthority::new(name);
        let revoked = |mut entry: Value| {
            entry["revoked"] = Value::Bool(true);
            entry
        };
        let entries: Vec<_> = std::mem::take(&mut provider.answered)
            .into_values()
            .map(revoked)
            .collect();
        self.tell(provider, &entries);
    }
}
