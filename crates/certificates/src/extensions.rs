//! The extensions of a leaf certificate, held to what Go's crypto/x509 parses.
//!
//! Go parses more than a dozen extensions while it parses the certificate, and
//! refuses the whole certificate when one of them is malformed. Each is parsed
//! here at least as strictly; what neither Go nor we know may stay if it is not
//! critical, since then nobody reads it.

use std::collections::BTreeSet;

use super::der::{OCTET_STRING, Reader, SEQUENCE, constructed, primitive};
use super::name::dotted;
use super::refusal::{CertificateRefusal, Shown};
use super::{element, uri};

/// The first bytes of 2.5.29, `id-ce`.
const ID_CE: [u8; 2] = [0x55, 0x1d];
/// 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
/// 1.3.6.1.5.5.7.1.1, `id-pe-authorityInfoAccess`.
const AUTHORITY_INFO_ACCESS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x01";
/// 1.3.6.1.5.5.7.3.2, `id-kp-clientAuth`.
const CLIENT_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x02";
/// 2.5.29.37.0, `anyExtendedKeyUsage`, which Go takes for every use.
const ANY_USE: &[u8] = b"\x55\x1d\x25\x00";

type Checked = Result<(), CertificateRefusal>;

/// Checks all extensions of a certificate that is to be a client's.
///
/// # Errors
/// One is malformed, twice there, critical and unknown, or makes the
/// certificate something else than a client's.
pub(super) fn check(mut extensions: Reader<'_>) -> Checked {
    extensions.ensure(!extensions.is_empty())?;
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    while !extensions.is_empty() {
        let mut extension = extensions.inner(SEQUENCE)?;
        let oid = extension.oid()?;
        let critical = extension.boolean_or_false()?;
        let value = extension.take(OCTET_STRING)?;
        extension.end()?;
        // RFC 5280, 4.2. Of two, one parser obeys the first and another the
        // second; Go refuses to parse the certificate.
        if !seen.insert(oid) {
            return Err(CertificateRefusal::DuplicateExtension(shown(oid)));
        }
        all.push((oid, critical, value));
    }
    // That it is an authority says more than what an authority may do.
    all.sort_by_key(|(oid, ..)| *oid != BASIC_CONSTRAINTS);
    all.into_iter()
        .try_for_each(|(oid, critical, value)| check_one(oid, critical, value))
}

fn check_one(oid: &[u8], critical: bool, value: &[u8]) -> Checked {
    let part = |name| Reader::new(name, value);
    // Go refuses to parse a certificate that has one of these critical.
    let not_critical = |name, check: fn(Reader<'_>) -> Checked| {
        part(name)
            .ensure(!critical)
            .and_then(|()| check(part(name)))
    };
    if oid == AUTHORITY_INFO_ACCESS {
        return not_critical("authority information access", authority_info_access);
    }
    let number = match oid {
        [first, second, number] if [*first, *second] == ID_CE => *number,
        _ => 0,
    };
    match number {
        14 => not_critical("subject key identifier", subject_key_identifier),
        15 => key_usage(part("key usage")),
        17 => subject_alternative_name(part("subject alternative name"), critical, oid),
        19 => basic_constraints(part("basic constraints")),
        // Name constraints, policy mappings, policy constraints and inhibit
        // anyPolicy speak of certificates further down a chain: RFC 5280, 4.2.1,
        // gives them to authorities only. Go would hold them against the leaf.
        30 | 33 | 36 | 54 => Err(CertificateRefusal::AuthorityExtension(shown(oid))),
        31 => distribution_points(part("CRL distribution points")),
        32 => policies(part("certificate policies")),
        35 => not_critical("authority key identifier", authority_key_identifier),
        37 => extended_key_usage(part("extended key usage")),
        // Go's Verify fails on a critical extension that it does not handle, so
        // the client would be told it has access and then fail its handshake.
        _ if critical => Err(CertificateRefusal::UnknownCriticalExtension(shown(oid))),
        _ => Ok(()),
    }
}

/// With CA:TRUE in a server's trust file the holder could issue a certificate of any
/// name, `root` included. CA:FALSE and no BasicConstraints at all are the same:
/// a v3 certificate cannot sign without (Go's `CheckSignatureFrom`).
fn basic_constraints(mut value: Reader<'_>) -> Checked {
    let mut constraints = value.inner(SEQUENCE)?;
    value.end()?;
    if constraints.boolean_or_false()? {
        return Err(CertificateRefusal::Authority);
    }
    // RFC 5280, 4.2.1.9: no path length where there is no authority.
    constraints.end()
}

/// Who may sign certificates or revocation lists is an authority, whatever else
/// the certificate says; some parsers look at this alone.
fn key_usage(mut value: Reader<'_>) -> Checked {
    const KEY_CERT_SIGN: u8 = 0x04;
    const CRL_SIGN: u8 = 0x02;
    let bits = value.bits()?;
    value.end()?;
    let first = bits.first().copied().unwrap_or_default();
    if first & KEY_CERT_SIGN != 0 {
        Err(CertificateRefusal::CertificateSigning)
    } else if first & CRL_SIGN != 0 {
        Err(CertificateRefusal::CrlSigning)
    } else {
        Ok(())
    }
}

/// Go's Verify demands clientAuth from a server's point of view, or any use.
fn extended_key_usage(mut value: Reader<'_>) -> Checked {
    let mut uses = value.inner(SEQUENCE)?;
    value.end()?;
    uses.ensure(!uses.is_empty())?;
    let mut for_clients = false;
    while !uses.is_empty() {
        let purpose = uses.oid()?;
        for_clients |= purpose == CLIENT_AUTH || purpose == ANY_USE;
    }
    if for_clients {
        Ok(())
    } else {
        Err(CertificateRefusal::NotForClients)
    }
}

fn subject_alternative_name(mut value: Reader<'_>, critical: bool, oid: &[u8]) -> Checked {
    let mut names = value.inner(SEQUENCE)?;
    value.end()?;
    names.ensure(!names.is_empty())?;
    let mut handled_by_go = false;
    while !names.is_empty() {
        handled_by_go |= general_name(&mut names)?;
    }
    // Critical, but with no name in it that Go knows, is unknown to Go.
    if critical && !handled_by_go {
        return Err(CertificateRefusal::UnknownCriticalExtension(shown(oid)));
    }
    Ok(())
}

/// One GeneralName; says whether it is of a kind that Go handles.
fn general_name(names: &mut Reader<'_>) -> Result<bool, CertificateRefusal> {
    const EMAIL: u8 = primitive(1);
    const DNS: u8 = primitive(2);
    const URI: u8 = primitive(6);
    const IP: u8 = primitive(7);
    const REGISTERED_ID: u8 = primitive(8);
    // otherName, x400Address, directoryName and ediPartyName: Go skips them.
    const SKIPPED: [u8; 4] = [
        constructed(0),
        constructed(3),
        constructed(4),
        constructed(5),
    ];
    let name = names.any()?;
    let content = name.content;
    let fits = match name.tag {
        EMAIL | DNS => !content.is_empty() && content.iter().all(u8::is_ascii_graphic),
        URI => uri::is_plain(content),
        IP => matches!(content.len(), 4 | 16),
        tag => {
            tag == REGISTERED_ID || SKIPPED.contains(&tag) && element::is_well_formed(name.whole)
        }
    };
    names.ensure(fits)?;
    Ok(matches!(name.tag, EMAIL | DNS | URI | IP))
}

fn subject_key_identifier(mut value: Reader<'_>) -> Checked {
    value.take(OCTET_STRING)?;
    value.end()
}

fn authority_key_identifier(mut value: Reader<'_>) -> Checked {
    let mut identifier = value.inner(SEQUENCE)?;
    value.end()?;
    identifier.take_if(primitive(0))?;
    identifier.take_if(constructed(1))?;
    identifier.take_if(primitive(2))?;
    identifier.end()
}

fn authority_info_access(mut value: Reader<'_>) -> Checked {
    let mut descriptions = value.inner(SEQUENCE)?;
    value.end()?;
    while !descriptions.is_empty() {
        let mut description = descriptions.inner(SEQUENCE)?;
        description.oid()?;
        description.any()?;
        description.end()?;
    }
    Ok(())
}

/// Go wants full names in `[0] { [0] { … } }` and parses nothing else there.
fn distribution_points(mut value: Reader<'_>) -> Checked {
    let mut points = value.inner(SEQUENCE)?;
    value.end()?;
    while !points.is_empty() {
        let mut point = points.inner(SEQUENCE)?;
        if let Some(name) = point.take_if(constructed(0))? {
            let mut name = Reader::new("CRL distribution points", name);
            let mut names = name.inner(constructed(0))?;
            name.end()?;
            while !names.is_empty() {
                names.any()?;
            }
        }
        point.take_if(primitive(1))?;
        point.take_if(constructed(2))?;
        point.end()?;
    }
    Ok(())
}

fn policies(mut value: Reader<'_>) -> Checked {
    let mut policies = value.inner(SEQUENCE)?;
    value.end()?;
    let mut seen = BTreeSet::new();
    while !policies.is_empty() {
        let mut policy = policies.inner(SEQUENCE)?;
        let oid = policy.oid()?;
        // RFC 5280, 4.2.1.4: not twice; Go refuses to parse it.
        policies.ensure(seen.insert(oid))?;
        policy.take_if(SEQUENCE)?;
        policy.end()?;
    }
    Ok(())
}

fn shown(oid: &[u8]) -> Shown {
    Shown::new(&dotted(oid))
}
