//! One certificate, read strictly from its DER encoding.

use time::{Date, Month, Time};

use super::der::{GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME, constructed};
use super::name;
use super::refusal::CertificateRefusal;
use super::{element, extensions, key, signature};
use crate::{CommonName, Timestamp};

/// Largest subject, in DER. A server sends the subjects of all that it trusts to
/// whoever connects, in a list of at most 65,535 bytes. A subject with each of
/// the usual six attributes as long as RFC 5280 lets it be has about 550.
const MAX_SUBJECT_BYTES: usize = 1024;

/// What is of interest in a certificate that passed every check which depends
/// on nothing but the certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) common_name: CommonName,
    /// How many bytes the subject has, in DER.
    pub(super) subject_bytes: usize,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

type Read<T> = Result<T, CertificateRefusal>;

impl Certificate {
    /// Reads a client's certificate (RFC 5280, 4.1), in the order of its
    /// fields.
    ///
    /// # Errors
    /// It is malformed, or it is not one that a client should have.
    pub(super) fn read(der: &[u8]) -> Read<Self> {
        // Before all else, since parsers recover from this in different ways:
        // one element, no bytes after it, and elements all the way down.
        let mut input = Reader::new("encoding", der);
        input.ensure(element::is_well_formed(der))?;
        let mut certificate = input.inner(SEQUENCE)?;
        let mut fields = certificate.nested("signed part", SEQUENCE)?;
        let outer_algorithm = certificate.nested("signature algorithm", SEQUENCE)?;
        let outer_bytes = outer_algorithm.clone().remaining();
        Reader::new("signature", certificate.any()?.whole).bit_string_bytes()?;
        certificate.end()?;

        check_version(&mut fields)?;
        check_serial_number(&mut fields)?;
        let algorithm = fields.nested("signature algorithm", SEQUENCE)?;
        // RFC 5280, 4.1.1.2. The outer one is not signed; Go refuses to parse
        // the certificate when they differ.
        algorithm.ensure(algorithm.remaining() == outer_bytes)?;
        signature::check(algorithm)?;
        let issuer = name::attributes(fields.nested("issuer", SEQUENCE)?)?;
        name::check_values("issuer", &issuer)?;
        let mut validity = fields.nested("validity", SEQUENCE)?;
        let not_before = read_time(&mut validity)?;
        let not_after = read_time(&mut validity)?;
        validity.end()?;
        let before = fields.remaining().len();
        let subject = fields.nested("subject", SEQUENCE)?;
        let subject_bytes = before - fields.remaining().len();
        let subject = name::attributes(subject)?;
        // First, since its refusals say more.
        let common_name = name::common_name(&subject)?;
        name::check_values("subject", &subject)?;
        if subject_bytes > MAX_SUBJECT_BYTES {
            return Err(CertificateRefusal::SubjectTooLong(MAX_SUBJECT_BYTES));
        }
        key::check(fields.nested("public key", SEQUENCE)?)?;
        // The unique identifiers [1] and [2] are not let in: RFC 5280, 4.1.2.8,
        // forbids to issue them.
        if let Some(content) = fields.take_if(constructed(3))? {
            let mut wrapped = Reader::new("extensions", content);
            extensions::check(wrapped.inner(SEQUENCE)?)?;
            wrapped.end()?;
        }
        fields.end()?;
        Ok(Self {
            common_name,
            subject_bytes,
            not_before,
            not_after,
        })
    }
}

/// Only v3 has extensions. To Go an older certificate is an authority (its
/// `CheckSignatureFrom` asks for BasicConstraints of v3 certificates only): in
/// a server's trust file it could sign a certificate of any name.
fn check_version(fields: &mut Reader<'_>) -> Read<()> {
    let Some(content) = fields.take_if(constructed(0))? else {
        return Err(CertificateRefusal::Version(1));
    };
    let mut version = Reader::new("version", content);
    let number = version.unsigned()?;
    version.end()?;
    match number {
        [2] => Ok(()),
        // Written out, though DER leaves the default out.
        [] => Err(CertificateRefusal::Version(1)),
        [1] => Err(CertificateRefusal::Version(2)),
        _ => Err(version.malformed()),
    }
}

/// Go parses no negative serial number since 1.23, and RFC 5280, 4.1.2.2, has
/// at most 20 bytes.
fn check_serial_number(fields: &mut Reader<'_>) -> Read<()> {
    const MAX_BYTES: usize = 20;
    let mut serial = Reader::new("serial number", fields.element(INTEGER)?.whole);
    let digits = serial.unsigned()?;
    serial.ensure(digits.len() <= MAX_BYTES)
}

/// A point in time in the only two forms of RFC 5280, 4.1.2.5: `YYMMDDHHMMSSZ`
/// and `YYYYMMDDHHMMSSZ`. Go takes more (time zones, no seconds), others less.
fn read_time(validity: &mut Reader<'_>) -> Read<Timestamp> {
    let element = validity.any()?;
    let parse = || {
        let (year, rest) = match element.tag {
            UTC_TIME => {
                let (short, rest) = digits(element.content, 2)?;
                // RFC 5280, 4.1.2.5.1.
                (
                    if short >= 50 {
                        1900 + short
                    } else {
                        2000 + short
                    },
                    rest,
                )
            }
            GENERALIZED_TIME => digits(element.content, 4)?,
            _ => return None,
        };
        let (month, rest) = digits(rest, 2)?;
        let (day, rest) = digits(rest, 2)?;
        let (hour, rest) = digits(rest, 2)?;
        let (minute, rest) = digits(rest, 2)?;
        let (second, rest) = digits(rest, 2)?;
        let small = |number: u16| u8::try_from(number).ok();
        let month = Month::try_from(small(month)?).ok()?;
        let date = Date::from_calendar_date(i32::from(year), month, small(day)?).ok()?;
        let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
        let point = date.with_time(time).assume_utc().unix_timestamp();
        (rest == b"Z").then_some(Timestamp(point))
    };
    parse().ok_or_else(|| validity.malformed())
}

/// The number that the first `count` bytes are the decimal digits of.
fn digits(text: &[u8], count: usize) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let number = digits.iter().try_fold(0u16, |number, b| {
        b.is_ascii_digit()
            .then(|| number * 10 + u16::from(b - b'0'))
    })?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<String> {
        let mut der = vec![tag, u8::try_from(text.len()).expect("short")];
        der.extend(text.bytes());
        let time = read_time(&mut Reader::new("validity", &der)).ok()?;
        Some(time.to_string())
    }

    #[test]
    fn times_have_two_forms() {
        let utc = |text| time(UTC_TIME, text);
        assert_eq!(
            utc("500101000000Z").as_deref(),
            Some("1950-01-01T00:00:00Z")
        );
        assert_eq!(
            utc("491231235959Z").as_deref(),
            Some("2049-12-31T23:59:59Z")
        );
        for text in [
            "4912312359Z",
            "491231235959",
            "491231235960Z",
            "490229000000Z",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
        for text in [
            "491231235959+0000",
            "4912312359591Z",
            "49123123595 Z",
            "490100000000Z",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
        let generalized = |text| time(GENERALIZED_TIME, text);
        assert_eq!(
            generalized("99991231235959Z").as_deref(),
            Some("9999-12-31T23:59:59Z")
        );
        assert_eq!(generalized("20490101000000.5Z"), None);
        assert_eq!(generalized("490101000000Z"), None);
        assert_eq!(time(INTEGER, "490101000000Z"), None);
    }
}
