//! The subject and the issuer of a certificate, and the common name in it.

use std::str;

use super::der::{
    IA5_STRING, NUMERIC_STRING, PRINTABLE_STRING, Reader, SEQUENCE, SET, T61_STRING, UTF8_STRING,
};
use super::refusal::{CertificateRefusal, Shown};
use crate::CommonName;

/// 2.5.4.3, `id-at-commonName`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Most characters of a common name: `ub-common-name` of RFC 5280.
const MAX_CHARS: usize = 64;

/// A value with its string type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    oid: &'a [u8],
    tag: u8,
    value: &'a [u8],
}

/// The attributes of a name in their order, those of multi-valued parts (RDNs)
/// included. Their values are still to be checked.
///
/// # Errors
/// The name is malformed.
pub(super) fn attributes<'a>(
    mut name: Reader<'a>,
) -> Result<Vec<Attribute<'a>>, CertificateRefusal> {
    let mut attributes = Vec::new();
    while !name.is_empty() {
        let mut set = name.inner(SET)?;
        // RFC 5280: a RelativeDistinguishedName has at least one attribute.
        name.ensure(!set.is_empty())?;
        while !set.is_empty() {
            let mut pair = set.inner(SEQUENCE)?;
            let oid = pair.oid()?;
            let value = pair.any()?;
            pair.end()?;
            attributes.push(Attribute {
                oid,
                tag: value.tag,
                value: value.content,
            });
        }
    }
    Ok(attributes)
}

/// Checks all values of a name, which `part` says which it is.
///
/// # Errors
/// There is one that some version of Go's `parseName` does not take.
pub(super) fn check_values(
    part: &'static str,
    attributes: &[Attribute<'_>],
) -> Result<(), CertificateRefusal> {
    if attributes.iter().all(Attribute::is_parsed_by_go) {
        Ok(())
    } else {
        Err(CertificateRefusal::Malformed(part))
    }
}

/// The one common name of a subject.
///
/// # Errors
/// There is none or more than one, or it is no name for a user.
pub(super) fn common_name(subject: &[Attribute<'_>]) -> Result<CommonName, CertificateRefusal> {
    let mut names = subject
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME);
    let name = names.next().ok_or(CertificateRefusal::CommonNameMissing)?;
    // Go takes the last of several, other parsers the first: a certificate that
    // we granted as one user would be another one to a server.
    match names.count() {
        0 => {}
        more => return Err(CertificateRefusal::CommonNameCount(more + 1)),
    }
    // BMPString, T61String and UniversalString are decoded in different ways by
    // different parsers, and T61String by different versions of Go.
    if !matches!(name.tag, UTF8_STRING | PRINTABLE_STRING | IA5_STRING) {
        return Err(CertificateRefusal::CommonNameType);
    }
    let malformed = CertificateRefusal::Malformed("common name");
    if !name.is_parsed_by_go() {
        return Err(malformed);
    }
    let text = str::from_utf8(name.value).map_err(|_| malformed.clone())?;
    let shown = || Shown::new(text);
    if text.is_empty() {
        return Err(CertificateRefusal::CommonNameEmpty);
    }
    if text.chars().count() > MAX_CHARS {
        return Err(CertificateRefusal::CommonNameTooLong(shown()));
    }
    if text.chars().any(is_invisible) {
        return Err(CertificateRefusal::CommonNameCharacters(shown()));
    }
    // Go keeps blanks at the ends: ` app` is another user than `app`,
    // and nobody who reads a list of users can tell them apart.
    if text.trim() != text {
        return Err(CertificateRefusal::CommonNamePadded(shown()));
    }
    text.parse().map_err(|_| malformed)
}

impl Attribute<'_> {
    /// Whether Go takes the value, with Go's idea of each string type. Of the
    /// types whose rules changed from one version of Go to the next, only
    /// T61String is let in, of which every version takes any bytes.
    fn is_parsed_by_go(&self) -> bool {
        let printable = |b: &u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(b);
        match self.tag {
            UTF8_STRING => str::from_utf8(self.value).is_ok(),
            PRINTABLE_STRING => self.value.iter().all(printable),
            IA5_STRING => self.value.is_ascii(),
            NUMERIC_STRING => self.value.iter().all(|b| b.is_ascii_digit() || *b == b' '),
            T61_STRING => true,
            _ => false,
        }
    }
}

/// Control characters, and those that show as nothing, break the line or turn
/// its direction: with them two different users look the same.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// An object identifier as it is usually written, `2.5.29.19`.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut numbers = oid.split_inclusive(|b| b & 0x80 == 0).map(|number| {
        number
            .iter()
            .fold(0u64, |sum, b| sum << 7 | u64::from(b & 0x7f))
    });
    let first = numbers.next().unwrap_or_default();
    // The first two numbers share a place: 40 times the one, plus the other.
    let top = (first / 40).min(2);
    let mut text = format!("{top}.{}", first - 40 * top);
    for number in numbers {
        text.push_str(&format!(".{number}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::der::OID;
    use super::*;

    fn name(tag: u8, value: &str) -> Result<CommonName, CertificateRefusal> {
        common_name(&[Attribute {
            oid: COMMON_NAME,
            tag,
            value: value.as_bytes(),
        }])
    }

    #[test]
    fn names_are_taken_as_they_are() {
        for text in ["a", "client1", "a b", "Größe", "x@y", &"ü".repeat(64)] {
            assert_eq!(name(UTF8_STRING, text).expect(text).as_str(), text);
        }
        // Go's PrintableString has neither `@` nor `_`.
        assert!(name(PRINTABLE_STRING, "*.a&b").is_ok());
        assert!(name(PRINTABLE_STRING, "x@y").is_err());
        assert!(name(IA5_STRING, "x@y").is_ok());
        assert!(name(IA5_STRING, "ü").is_err());
    }

    #[test]
    fn names_that_cannot_be_told_apart_are_refused() {
        for text in [
            "a\0",
            "a\u{200b}b",
            "\u{202e}toor",
            "a\u{ad}",
            "\u{feff}a",
            "a\u{2028}",
        ] {
            let refusal = name(UTF8_STRING, text).expect_err(text);
            assert!(
                matches!(refusal, CertificateRefusal::CommonNameCharacters(_)),
                "{text:?}"
            );
        }
        for text in [" a", "a ", "\u{a0}a", " "] {
            let refusal = name(UTF8_STRING, text).expect_err(text);
            assert!(
                matches!(refusal, CertificateRefusal::CommonNamePadded(_)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn identifiers_are_dotted() {
        assert_eq!(dotted(&[0x55, 0x1d, 0x13]), "2.5.29.19");
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]),
            "1.2.840.113549"
        );
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
    }

    #[test]
    fn the_tag_of_an_identifier_is_no_string() {
        let refusal = name(OID, "a");
        assert_eq!(refusal, Err(CertificateRefusal::CommonNameType));
    }
}
