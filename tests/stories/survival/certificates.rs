//! The charm's own certificates: renewed without a restart, also when it is too
//! late, and the end of an authority is told in time.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use etcd_charm_world::{UnitName, World};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use x509_parser::extensions::GeneralName;

use crate::support::options;
use crate::survival::support::{assert_caught_up, assert_healthy, assert_whole, programs, serving};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The secret with the authorities, and its URI.
fn authorities(world: &World) -> (String, BTreeMap<String, String>) {
    let mut secrets = world.model.secrets("etcd").into_iter();
    let found = secrets.find(|secret| secret.latest().contains_key("server-ca-key"));
    let found = found.expect("the leader has made the authorities");
    (found.id.clone(), found.latest().clone())
}

/// The addresses and names in a certificate.
fn names(pem: &str) -> Vec<SanType> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let certificate = block.parse_x509().unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let names = names.value.general_names.iter();
    names
        .map(|name| match name {
            GeneralName::DNSName(name) => SanType::DnsName((*name).try_into().unwrap()),
            GeneralName::IPAddress(bytes) => SanType::IpAddress(match bytes.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(*bytes).unwrap()),
                _ => IpAddr::from(<[u8; 16]>::try_from(*bytes).unwrap()),
            }),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Replaces the certificate of a unit's member by one of the same authority for
/// the same addresses, which is valid for this time from now; or was, until so
/// long ago.
fn replace(world: &World, unit: &UnitName, left: Result<Duration, Duration>) -> String {
    let (_, authorities) = authorities(world);
    let key = KeyPair::from_pem(&authorities["server-ca-key"]).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&authorities["server-ca-cert"], key).unwrap();
    let path = world.pki(unit).join("server.crt");
    let mut params = CertificateParams::default();
    params.subject_alt_names = names(&fs::read_to_string(&path).unwrap());
    let name = format!("etcd-charm {}", unit.with_dash());
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let now = SystemTime::now();
    params.not_before = (now - 80 * DAY).into();
    params.not_after = match left {
        Ok(left) => (now + left).into(),
        Err(ago) => (now - ago).into(),
    };
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap().pem();
    fs::write(world.pki(unit).join("server.key"), key.serialize_pem()).unwrap();
    fs::write(path, &certificate).unwrap();
    let pair = certificate.clone() + &key.serialize_pem();
    fs::write(world.pki(unit).join("clients.pem"), pair).unwrap();
    certificate
}

fn certificate(world: &World, unit: &UnitName) -> String {
    fs::read_to_string(world.pki(unit).join("server.crt")).unwrap()
}

/// Certificates of members that end soon are renewed by the next regular pass.
/// Nothing is restarted, and a client that writes notices nothing.
pub(crate) fn renewed() {
    let (mut world, units, client) = serving(3);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let writer = client.writer(&mut world);
    let old: Vec<String> = units
        .iter()
        .map(|unit| replace(&world, unit, Ok(10 * DAY)))
        .collect();
    client.rest(&mut world, &writer);
    for (unit, old) in units.iter().zip(&old) {
        assert_ne!(
            certificate(&world, unit),
            *old,
            "{unit} goes on with the old one"
        );
        assert!(world.admin(unit).run(&["member", "list"]).ok);
    }
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, starts, "nothing is restarted");
    assert_whole("own certificates renewed", &writer.finish());
    // One that is not near its end is left alone.
    let kept: Vec<String> = units
        .iter()
        .map(|unit| replace(&world, unit, Ok(60 * DAY)))
        .collect();
    world.rest();
    let after: Vec<String> = units.iter().map(|unit| certificate(&world, unit)).collect();
    assert_eq!(after, kept);
    assert_healthy(&world, &units);
}

/// A machine was away for so long that its certificate has ended. Nobody can
/// reach its member any more; one pass of its unit mends that, without a restart.
pub(crate) fn renewed_too_late() {
    let (mut world, units, _) = serving(3);
    let late = &units[2];
    let starts = world.starts(late);
    replace(&world, late, Err(Duration::from_secs(3600)));
    let answer = world.admin(late).impatient().run(&["member", "list"]);
    assert!(
        !answer.ok,
        "etcd shows another certificate than that of the file"
    );
    world.rest();
    assert!(world.admin(late).run(&["member", "list"]).ok);
    assert_eq!(world.starts(late), starts);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

/// An authority that ends in a few weeks: it is told, with what to do, and
/// certificates that end with it are not renewed over and over.
pub(crate) fn authority_ends() {
    let mut world = World::new(options(programs()));
    let unit = world.deploy();
    while !world
        .model
        .secrets("etcd")
        .iter()
        .any(|secret| secret.latest().contains_key("server-ca-key"))
    {
        let run = world
            .model
            .step()
            .expect("the leader makes the authorities");
        assert!(run.succeeded(), "{}", run.stderr);
    }
    // Bootstrapped with authorities that were made long ago.
    let (uri, mut content) = authorities(&world);
    for of in ["server", "admin"] {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("etcd {of} authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before = (SystemTime::now() - 3600 * DAY).into();
        params.not_after = (SystemTime::now() + 20 * DAY).into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        content.insert(format!("{of}-ca-cert"), certificate);
        content.insert(format!("{of}-ca-key"), key.serialize_pem());
    }
    let pairs: Vec<(&str, &str)> = content
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    world.model.secret_set("etcd", &uri, &pairs);
    world.rest();
    let status = world.model.app_status("etcd");
    assert_eq!(status.status, "active");
    let message = status.message;
    assert!(
        message.starts_with("run rotate-server-ca: the servers' CA ends "),
        "{message}"
    );
    assert!(
        message.contains("; the administrators' CA ends "),
        "{message}"
    );
    let before = certificate(&world, &unit);
    world.rest();
    assert_eq!(certificate(&world, &unit), before);
}
