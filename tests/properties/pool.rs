//! Real certificates, made once, since the planner parses them and keys are
//! slow to make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use etcd_charm::facts::authorities::Authorities;
use etcd_charm::facts::machine::ServicePaths;
use etcd_charm::facts::{Fingerprint, Timestamp};
use etcd_charm::tls::{Authority, ClientCertificate, OwnCertificate};

/// The time of all hooks.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000);

const DAY: i64 = 24 * 3600;

/// How many units a world has at most.
pub(crate) const UNITS: usize = 3;

/// A text that a requirer may offer as its certificate.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// Common name and fingerprint, where the certificate is one that a client
    /// may have; found out by how it was made, not by the charm's checks.
    pub(crate) good: Option<(&'static str, Fingerprint)>,
}

pub(crate) struct Pool {
    pub(crate) authorities: Authorities,
    /// The certificate of the units as administrators.
    pub(crate) admin: OwnCertificate,
    pub(crate) offers: Vec<Offer>,
    /// Where the files lie on every machine.
    pub(crate) service_paths: ServicePaths,
}

/// How many offers there are, and how many of them are good ones, which come
/// first: two names with several keys, others with one.
pub(crate) const OFFERS: usize = 13;
pub(crate) const GOOD: usize = 7;

pub(crate) static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let authority = |name| Authority::create(name, NOW, 3650 * DAY).expect("an authority");
    let authorities = Authorities {
        server: authority("servers"),
        admin: authority("administrators"),
        client: None,
        rotation: None,
        admin_rotation: None,
        client_rotation: None,
    };
    let admin = authorities.admin.issue_client("root", NOW, 90 * DAY);
    let admin = admin.expect("a certificate").certificate;
    // The requirers' authority; it never matters which one.
    let requirers = authority("requirers");
    let issued = |name, begin: Timestamp| {
        let issued = requirers.issue_client(name, begin, 300 * DAY);
        issued.expect("a certificate").certificate
    };
    let mut offers: Vec<_> = ["alpha", "alpha", "alpha", "beta", "beta", "gamma", "delta"]
        .into_iter()
        .map(|name| {
            let text = issued(name, NOW);
            let leaf = ClientCertificate::read_back(&text).expect("a leaf");
            Offer {
                name,
                text,
                good: Some((name, leaf.fingerprint)),
            }
        })
        .collect();
    let bad = |name, text| Offer {
        name,
        text,
        good: None,
    };
    offers.extend([
        bad(
            "expired alpha",
            issued("alpha", NOW.plus_seconds(-400 * DAY)),
        ),
        bad("an authority", requirers.certificate.clone()),
        bad("root", issued("root", NOW)),
        bad("a member's name", issued("etcd-0", NOW)),
        bad("a server's name", issued("etcd-charm:etcd-0", NOW)),
        bad(
            "no certificate",
            "-----BEGIN CERTIFICATE-----\nx".to_owned(),
        ),
    ]);
    assert_eq!(offers.len(), OFFERS);
    Pool {
        authorities,
        admin: OwnCertificate::read(&admin).expect("a certificate"),
        offers,
        service_paths: service_paths(),
    }
});

pub(crate) fn address(unit: usize) -> String {
    format!("10.0.0.{}", unit + 1)
}

fn service_paths() -> ServicePaths {
    let path = |text: &str| Path::new(text).try_into().expect("a path");
    ServicePaths {
        root: path("/"),
        charm: path("/charm/dispatch"),
        etcd: path("/usr/bin/etcd"),
        data_dir: path("/srv/data/etcd"),
        wanted_config: path("/etc/wanted/etcd.yaml"),
        wanted_trust: path("/etc/wanted/trust.pem"),
        loaded_dir: path("/run/loaded"),
        loaded_trust: path("/run/loaded/trust.pem"),
        served_pair: path("/etc/pki/clients.pem"),
        server_certificate: path("/etc/pki/server.crt"),
        server_key: path("/etc/pki/server.key"),
        server_ca: path("/etc/pki/server-ca.crt"),
    }
}

/// The certificate of a member for these names, made once.
pub(crate) fn server(names: &BTreeSet<String>) -> OwnCertificate {
    static MADE: Mutex<BTreeMap<BTreeSet<String>, OwnCertificate>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("nobody panics in here");
    let new = || {
        let authority = &POOL.authorities.server;
        let issued = authority.issue_server("server", names, NOW, 90 * DAY);
        OwnCertificate::read(&issued.expect("a certificate").certificate).expect("a certificate")
    };
    made.entry(names.clone()).or_insert_with(new).clone()
}
