//! The check of what another authority answered to a request of ours: the
//! certificate of a server, and whom clients have to trust for it.

use std::collections::BTreeSet;

use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::own::address_or_name;
use super::{own::normal_form, pem_text};
use crate::{Fingerprint, Issued, Timestamp};
use secret_value::Secret;

/// Longest text of one certificate or chain that is looked at.
const MAX_BYTES: usize = 64 * 1024;

/// More certificates than any chain has.
const MAX_BLOCKS: usize = 10;

/// By how much the clock of whoever signed may be ahead of ours.
const CLOCKS_DIFFER_SECONDS: i64 = 300;

/// A certificate for a server of ours that another authority has signed, after
/// every check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerCertificate {
    /// What the server shows: its certificate and the intermediate ones, without
    /// the root, PEM in our own encoding.
    pub presented: String,
    /// Whom clients have to trust, PEM in our own encoding: all authorities on
    /// the way up, since some clients want the root and others take the nearest.
    pub authorities: BTreeSet<String>,
    /// What the authority that signed it is called, for people: short, and without
    /// what a terminal would act on.
    pub issuer: String,
    /// Of the server's own certificate.
    pub fingerprint: Fingerprint,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
}

/// What is wrong with an answer: the provider's to correct.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AnswerRefusal {
    /// A text is not PEM of certificates, or far too long.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// It belongs to another key.
    #[error("the certificate is for another key")]
    OtherKey,
    /// It is an authority's.
    #[error("the certificate is a CA certificate")]
    Authority,
    /// Extended key usage is there without serverAuth.
    #[error("the certificate is not for servers")]
    NotForServers,
    /// A name or address that was asked for is missing.
    #[error("the certificate is not for {0}")]
    Name(String),
    /// It has ended.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    /// It has not begun.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(Timestamp),
    /// The authority beside it has not signed it, or is none.
    #[error("the certificate is not signed by the CA beside it")]
    NotSigned,
    /// An authority on the way up has ended.
    #[error("the CA of the certificate expired at {0}")]
    AuthorityExpired(Timestamp),
}

impl ServerCertificate {
    /// Checks an answer: `certificate` and the authority `ca` that signed it, with
    /// those above it in `chain` in whatever order, for the key of ours and for
    /// all names and addresses in `wanted`.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(
        certificate: &str,
        ca: &str,
        chain: &[String],
        key: &Secret<String>,
        wanted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self, AnswerRefusal> {
        let leaf_der = one(certificate, "the certificate")?;
        let leaf = parsed(&leaf_der, "the certificate")?;
        if !Issued::is_key_of(leaf.public_key().raw, key) {
            return Err(AnswerRefusal::OtherKey);
        }
        let not_before = Timestamp(leaf.validity().not_before.timestamp());
        let not_after = Timestamp(leaf.validity().not_after.timestamp());
        check_leaf(&leaf, wanted)?;
        if now.plus_seconds(CLOCKS_DIFFER_SECONDS) < not_before {
            return Err(AnswerRefusal::NotYetValid(not_before));
        }
        if now > not_after {
            return Err(AnswerRefusal::Expired(not_after));
        }
        let path = path(&leaf, ca, chain, now)?;
        let is_root = |der: &&Vec<u8>| {
            X509Certificate::from_der(der)
                .is_ok_and(|(_, ca)| ca.subject().as_raw() == ca.issuer().as_raw())
        };
        let intermediates = path.iter().filter(|der| !is_root(der));
        let presented = std::iter::once(&leaf_der).chain(intermediates);
        Ok(Self {
            presented: presented.map(|der| pem_text::encode(der)).collect(),
            authorities: path.iter().map(|der| pem_text::encode(der)).collect(),
            issuer: called(&leaf),
            fingerprint: Fingerprint::of_der(&leaf_der),
            not_before,
            not_after,
        })
    }
}

impl ServerCertificate {
    /// All that is known of it in one text: the server's certificate, those above it,
    /// and the root. A server may show the root as well; whoever reads the text
    /// later knows by it whom clients have to trust.
    pub fn whole(&self) -> String {
        let root = self.authorities.iter();
        let root = root.filter(|authority| !self.presented.contains(authority.as_str()));
        let root: String = root.map(String::as_str).collect();
        self.presented.clone() + &root
    }

    /// Checks what [`Self::whole`] gave once more.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn read_back(
        whole: &str,
        key: &Secret<String>,
        wanted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self, AnswerRefusal> {
        let all = blocks(whole, "the certificate")?;
        let mut all = all.iter().map(|der| pem_text::encode(der));
        let leaf = all
            .next()
            .ok_or(AnswerRefusal::Unreadable("the certificate"))?;
        let above: Vec<_> = all.collect();
        let nearest = above.first().ok_or(AnswerRefusal::NotSigned)?;
        Self::check(&leaf, nearest, &above, key, wanted, now)
    }
}

/// What the issuer of this certificate is called: by its common name, if it has one.
fn called(leaf: &X509Certificate<'_>) -> String {
    /// As long as a common name may be.
    const LONGEST: usize = 64;
    let issuer = leaf.issuer();
    let common_name = issuer.iter_common_name().next();
    let name = common_name.and_then(|name| name.as_str().ok());
    let name = name.map_or_else(|| issuer.to_string(), str::to_owned);
    let shown = name.chars().flat_map(char::escape_debug);
    shown.take(LONGEST).collect()
}

fn check_leaf(leaf: &X509Certificate<'_>, wanted: &BTreeSet<String>) -> Result<(), AnswerRefusal> {
    const PART: AnswerRefusal = AnswerRefusal::Unreadable("an extension of the certificate");
    if leaf.is_ca() {
        return Err(AnswerRefusal::Authority);
    }
    let usage = leaf.extended_key_usage().map_err(|_| PART)?;
    if usage.is_some_and(|usage| !usage.value.server_auth && !usage.value.any) {
        return Err(AnswerRefusal::NotForServers);
    }
    let names = leaf.subject_alternative_name().map_err(|_| PART)?;
    let names: BTreeSet<_> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(address_or_name)
        .collect();
    let mut wanted = wanted.iter().map(|name| normal_form(name));
    match wanted.find(|name| !names.contains(name)) {
        Some(name) => Err(AnswerRefusal::Name(name)),
        None => Ok(()),
    }
}

/// The authorities from the one that signed the leaf as far up as they are
/// given; the first is one of `ca`.
fn path(
    leaf: &X509Certificate<'_>,
    ca: &str,
    chain: &[String],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, AnswerRefusal> {
    let nearest = blocks(ca, "the CA")?;
    let mut others = nearest.clone();
    for text in chain {
        others.extend(blocks(text, "the chain")?);
    }
    let mut path = vec![signer(leaf, &nearest, now)?.ok_or(AnswerRefusal::NotSigned)?];
    while let Some(last) = path.last().filter(|_| path.len() < MAX_BLOCKS) {
        let last = parsed(last, "the CA")?;
        match signer(&last, &others, now)? {
            Some(next) if !path.contains(&next) => path.push(next),
            _ => break,
        }
    }
    Ok(path)
}

/// Who of these has signed this certificate.
fn signer(
    certificate: &X509Certificate<'_>,
    authorities: &[Vec<u8>],
    now: Timestamp,
) -> Result<Option<Vec<u8>>, AnswerRefusal> {
    for der in authorities {
        let Ok(authority) = parsed(der, "the chain") else {
            continue;
        };
        let has_signed = authority.is_ca()
            && certificate.issuer().as_raw() == authority.subject().as_raw()
            && certificate
                .verify_signature(Some(authority.public_key()))
                .is_ok();
        if !has_signed {
            continue;
        }
        let end = Timestamp(authority.validity().not_after.timestamp());
        if now > end {
            return Err(AnswerRefusal::AuthorityExpired(end));
        }
        return Ok(Some(der.clone()));
    }
    Ok(None)
}

fn one(text: &str, what: &'static str) -> Result<Vec<u8>, AnswerRefusal> {
    let mut all = blocks(text, what)?.into_iter();
    match (all.next(), all.next()) {
        (Some(der), None) => Ok(der),
        _ => Err(AnswerRefusal::Unreadable(what)),
    }
}

fn blocks(text: &str, what: &'static str) -> Result<Vec<Vec<u8>>, AnswerRefusal> {
    let text = Some(text).filter(|text| text.len() <= MAX_BYTES);
    text.and_then(|text| pem_text::decode(text.as_bytes(), MAX_BLOCKS).ok())
        .ok_or(AnswerRefusal::Unreadable(what))
}

fn parsed<'a>(der: &'a [u8], what: &'static str) -> Result<X509Certificate<'a>, AnswerRefusal> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(AnswerRefusal::Unreadable(what)),
    }
}

#[cfg(test)]
mod tests;
