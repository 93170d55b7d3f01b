//! Clients' certificates, made by an authority that the charm has never seen.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// What kind of certificate is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A client's, in order.
    #[default]
    Client,
    /// A certificate authority.
    Authority,
    /// A client's whose time is over.
    Expired,
    /// One that is no authority and may sign certificates all the same.
    Signer,
    /// A client's that does not say whether it is an authority.
    Plain,
    /// A client's of X.509 version 1, which cannot say anything of the kind.
    Version1,
}

/// Somebody's certificate authority.
#[derive(Debug)]
pub struct ClientAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The common name.
    pub common_name: String,
    /// The certificate alone.
    pub certificate: String,
    /// The certificate and the authority that signed it.
    pub chain: String,
    /// The private key.
    pub key: String,
}

impl Default for ClientAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientAuthority {
    /// A new authority.
    #[must_use]
    pub fn new() -> Self {
        let mut params = named("somebody's authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("keys can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority can be made");
        Self { issuer }
    }

    /// The authority's own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's key, PEM.
    #[must_use]
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate for a client of this name.
    #[must_use]
    pub fn issue(&self, common_name: &str) -> Certificate {
        self.issue_kind(common_name, Kind::Client)
    }

    /// A client's certificate with an organization of so many characters in its
    /// subject, and an extension of so many bytes that nobody knows.
    #[must_use]
    pub fn issue_large(
        &self,
        common_name: &str,
        organization: usize,
        extension: usize,
    ) -> Certificate {
        let mut params = named(common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.is_ca = IsCa::ExplicitNoCa;
        if organization > 0 {
            let name = "o".repeat(organization);
            params
                .distinguished_name
                .push(DnType::OrganizationName, name);
        }
        if extension > 0 {
            let oid = [1, 3, 6, 1, 4, 1, 32473, 1];
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&oid, vec![7; extension]));
        }
        self.sign(common_name, &params)
    }

    fn sign(&self, common_name: &str, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a certificate can be signed")
            .pem();
        Certificate {
            common_name: common_name.to_owned(),
            chain: format!("{certificate}{}", self.issuer.pem()),
            certificate,
            key: key.serialize_pem(),
        }
    }

    /// A certificate of some kind.
    #[must_use]
    pub fn issue_kind(&self, common_name: &str, kind: Kind) -> Certificate {
        let mut params = named(common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.is_ca = match kind {
            Kind::Authority => IsCa::Ca(BasicConstraints::Unconstrained),
            Kind::Plain => IsCa::NoCa,
            Kind::Client | Kind::Expired | Kind::Signer | Kind::Version1 => IsCa::ExplicitNoCa,
        };
        if kind == Kind::Signer {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }
        if kind == Kind::Expired {
            params.not_before = (SystemTime::now() - Duration::from_secs(7200)).into();
            params.not_after = (SystemTime::now() - Duration::from_secs(3600)).into();
        }
        let mut issued = self.sign(common_name, &params);
        if kind == Kind::Version1 {
            issued.certificate = crate::version_1::of(&issued.certificate);
            issued.chain = format!("{}{}", issued.certificate, self.issuer.pem());
        }
        issued
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    if !common_name.is_empty() {
        name.push(DnType::CommonName, common_name);
    }
    params.distinguished_name = name;
    params.not_before = (SystemTime::now() - Duration::from_secs(3600)).into();
    params.not_after = (SystemTime::now() + Duration::from_secs(365 * 24 * 3600)).into();
    params
}
