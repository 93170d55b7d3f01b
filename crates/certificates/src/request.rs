//! The strict check of a certificate signing request (PKCS #10, RFC 2986) that
//! is to become a client's certificate.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::der::{OID, Reader, SEQUENCE, SET, constructed};
use super::refusal::CertificateRefusal;
use super::{element, extensions, key, name, pem_text, signature};
use crate::CommonName;

/// Longest request in PEM: about three times what one has for an RSA key of 4096
/// bits with a dozen names.
const MAX_BYTES: usize = 8 * 1024;

/// 1.2.840.113549.1.9.14, `extensionRequest`.
const EXTENSION_REQUEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e";

/// A certificate signing request of a client, after every check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientRequest {
    /// The one common name, which becomes the name of a user.
    pub common_name: CommonName,
    /// SubjectPublicKeyInfo in DER.
    public_key: Vec<u8>,
}

/// Why a request is not signed: the requirer's to correct. One short line, in
/// which what comes from the requirer is escaped and cut.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestRefusal {
    /// It is not one that a client's certificate could be made from; said in
    /// the words for a certificate, of which a request is the beginning.
    #[error("{}", .0.to_string().replacen("certificate", "request", 1))]
    Content(CertificateRefusal),
    /// Its signature is not that of its own key: whoever sent it need not have
    /// the key.
    #[error("the request is not signed with its own key")]
    Signature,
}

impl From<CertificateRefusal> for RequestRefusal {
    fn from(refusal: CertificateRefusal) -> Self {
        Self::Content(refusal)
    }
}

impl ClientRequest {
    /// Checks what a requirer sent: one block, no text around it, exactly one
    /// common name as a user may have it, a key as clients may have it, no
    /// request for an authority or for a certificate that is not a client's, and
    /// a signature with that key.
    ///
    /// Other attributes of the subject and other extensions are read and
    /// dropped: nothing but name and key gets into a certificate.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(text: &str) -> Result<Self, RequestRefusal> {
        if text.len() > MAX_BYTES {
            return Err(CertificateRefusal::TooLong(MAX_BYTES).into());
        }
        let der = pem_text::decode_request(text.as_bytes())?;
        let request = read(&der)?;
        // A parser with nothing in common with ours, which has to agree.
        let Ok(([], theirs)) = X509CertificationRequest::from_der(&der) else {
            return Err(CertificateRefusal::ReadersDisagree.into());
        };
        let info = &theirs.certification_request_info;
        let names: Vec<_> = info.subject.iter_common_name().collect();
        let is_same = matches!(
            names.as_slice(),
            [name] if name.as_str() == Ok(request.common_name.as_str())
        ) && info.subject_pki.raw == request.public_key;
        if !is_same {
            return Err(CertificateRefusal::ReadersDisagree.into());
        }
        if theirs.verify_signature().is_err() {
            return Err(RequestRefusal::Signature);
        }
        Ok(request)
    }

    /// The encoded public key (SubjectPublicKeyInfo).
    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// Reads a request in the order of its fields (RFC 2986, 4).
fn read(der: &[u8]) -> Result<ClientRequest, CertificateRefusal> {
    let mut input = Reader::new("encoding", der);
    input.ensure(element::is_well_formed(der))?;
    let mut request = input.inner(SEQUENCE)?;
    let mut fields = request.nested("signed part", SEQUENCE)?;
    signature::check(request.nested("signature algorithm", SEQUENCE)?)?;
    Reader::new("signature", request.any()?.whole).bit_string_bytes()?;
    request.end()?;

    let version = fields.unsigned()?;
    // There is one version, 0.
    fields.ensure(version.is_empty())?;
    let subject = name::attributes(fields.nested("subject", SEQUENCE)?)?;
    let common_name = name::common_name(&subject)?;
    name::check_values("subject", &subject)?;
    let public_key = fields.element(SEQUENCE)?.whole;
    key::check(Reader::new("public key", public_key).nested("public key", SEQUENCE)?)?;
    // Some requesters leave the empty set of attributes out.
    if let Some(attributes) = fields.take_if(constructed(0))? {
        check_attributes(Reader::new("attributes", attributes))?;
    }
    fields.end()?;
    Ok(ClientRequest {
        common_name,
        public_key: public_key.to_vec(),
    })
}

fn check_attributes(mut attributes: Reader<'_>) -> Result<(), CertificateRefusal> {
    let mut asks = false;
    while !attributes.is_empty() {
        let mut attribute = attributes.inner(SEQUENCE)?;
        let oid = attribute.take(OID)?;
        let mut values = attribute.inner(SET)?;
        attribute.end()?;
        if oid != EXTENSION_REQUEST {
            continue;
        }
        // Of two lists one reader obeys the first and another the second.
        values.ensure(!std::mem::replace(&mut asks, true))?;
        let requested = values.inner(SEQUENCE)?;
        values.end()?;
        if !requested.is_empty() {
            extensions::check(requested)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
