//! A strict reader of DER, no more lenient than the one in Go's crypto/x509
//! (golang.org/x/crypto/cryptobyte): definite lengths in their shortest form,
//! one-byte tags, nothing left over.

use super::element::{Element, split};
use super::refusal::CertificateRefusal;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const NUMERIC_STRING: u8 = 0x12;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const T61_STRING: u8 = 0x14;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[number]` of a constructed value.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The tag `[number]` of a primitive value.
pub(super) const fn primitive(number: u8) -> u8 {
    0x80 | number
}

/// Reads the elements of a part of the certificate from first to last. The
/// part's name is what a refusal says.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    part: &'static str,
    rest: &'a [u8],
}

type Read<T> = Result<T, CertificateRefusal>;

impl<'a> Reader<'a> {
    pub(super) fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self { part, rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that have not been read yet.
    pub(super) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// The refusal of this part.
    pub(super) fn malformed(&self) -> CertificateRefusal {
        CertificateRefusal::Malformed(self.part)
    }

    /// Refuses unless `fits`.
    pub(super) fn ensure(&self, fits: bool) -> Read<()> {
        if fits { Ok(()) } else { Err(self.malformed()) }
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Read<Element<'a>> {
        let (element, rest) = split(self.rest).ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub(super) fn element(&mut self, tag: u8) -> Read<Element<'a>> {
        let element = self.any()?;
        self.ensure(element.tag == tag)?;
        Ok(element)
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Read<&'a [u8]> {
        Ok(self.element(tag)?.content)
    }

    /// The content of the next element if it has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Read<Option<&'a [u8]>> {
        if self.rest.first() == Some(&tag) {
            self.take(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A reader of the next element, a part of its own.
    pub(super) fn nested(&mut self, part: &'static str, tag: u8) -> Read<Self> {
        let content = self
            .take(tag)
            .map_err(|_| CertificateRefusal::Malformed(part))?;
        Ok(Self::new(part, content))
    }

    /// A reader of the next element, as a piece of this part.
    pub(super) fn inner(&mut self, tag: u8) -> Read<Self> {
        self.nested(self.part, tag)
    }

    /// Nothing may follow: what one parser ignores, another reads.
    pub(super) fn end(&self) -> Read<()> {
        self.ensure(self.rest.is_empty())
    }

    /// An object identifier with numbers that fit into 31 bits: Go parses no
    /// larger ones.
    pub(super) fn oid(&mut self) -> Read<&'a [u8]> {
        let content = self.take(OID)?;
        let whole = content.last().is_some_and(|last| last & 0x80 == 0);
        let fits = content.split_inclusive(|b| b & 0x80 == 0).all(|number| {
            let leading = number.first().copied().unwrap_or(0x80);
            leading != 0x80 && (number.len() < 5 || number.len() == 5 && leading <= 0x87)
        });
        self.ensure(whole && fits)?;
        Ok(content)
    }

    /// An integer in its shortest form that is not negative, without the zero
    /// byte that only keeps it positive.
    pub(super) fn unsigned(&mut self) -> Read<&'a [u8]> {
        let content = self.take(INTEGER)?;
        match content {
            [] => Err(self.malformed()),
            [first, ..] if first & 0x80 != 0 => Err(self.malformed()),
            [0, second, ..] if second & 0x80 == 0 => Err(self.malformed()),
            [0, rest @ ..] => Ok(rest),
            _ => Ok(content),
        }
    }

    /// A boolean, where one is given. Go and many issuers write the default,
    /// false, too, although DER leaves it out; there is no doubt what it means.
    pub(super) fn boolean_or_false(&mut self) -> Read<bool> {
        match self.take_if(BOOLEAN)? {
            None | Some([0x00]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(self.malformed()),
        }
    }

    /// A bit string, first bit first: its bytes, unused bits all zero.
    pub(super) fn bits(&mut self) -> Read<&'a [u8]> {
        let (unused, bytes) = self
            .take(BIT_STRING)?
            .split_first()
            .ok_or_else(|| self.malformed())?;
        let last = bytes.last().copied();
        let fits = match last {
            None => *unused == 0,
            Some(last) => *unused <= 7 && last.trailing_zeros() >= u32::from(*unused),
        };
        self.ensure(fits)?;
        Ok(bytes)
    }

    /// A bit string of whole bytes.
    pub(super) fn bit_string_bytes(&mut self) -> Read<&'a [u8]> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] if !bytes.is_empty() => Ok(bytes),
            _ => Err(self.malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_> {
        Reader::new("test", bytes)
    }

    #[test]
    fn numbers_and_identifiers_have_one_form() {
        assert_eq!(reader(&[2, 2, 0, 0x80]).unsigned(), Ok(&[0x80][..]));
        assert_eq!(reader(&[2, 1, 0]).unsigned(), Ok(&[][..]));
        for bytes in [
            &[2, 0][..],
            &[2, 1, 0x80],
            &[2, 2, 0, 1],
            &[2, 2, 0xff, 0xff],
        ] {
            assert!(reader(bytes).unsigned().is_err(), "{bytes:02x?}");
        }
        assert!(reader(&[6, 5, 0x87, 0xff, 0xff, 0xff, 0x7f]).oid().is_ok());
        for bytes in [
            &[6, 0][..],
            &[6, 1, 0x80],
            &[6, 2, 0x80, 0x01],
            &[6, 5, 0x88, 0x80, 0x80, 0x80, 0x00],
            &[6, 6, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] {
            assert!(reader(bytes).oid().is_err(), "{bytes:02x?}");
        }
        assert!(reader(&[3, 2, 3, 0xf8]).bits().is_ok());
        for bytes in [&[3, 0][..], &[3, 1, 1], &[3, 2, 8, 0], &[3, 2, 4, 0xf8]] {
            assert!(reader(bytes).bits().is_err(), "{bytes:02x?}");
        }
        for bytes in [&[1, 1, 1][..], &[1, 0], &[1, 2, 0, 0]] {
            assert!(reader(bytes).boolean_or_false().is_err(), "{bytes:02x?}");
        }
    }
}
