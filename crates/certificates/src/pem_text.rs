//! PEM text, read strictly: nothing but blocks of one label and white space.
//!
//! Readers differ in what they skip. Go's `pem.Decode` passes over any text, over
//! indented markers and over broken blocks, so the first block that it finds
//! need not be the first that another parser finds; and a server may take a block of
//! any label in its trust file for a root. A text that could be read in two
//! ways is therefore refused here, before any of it is decoded.

use pem::{EncodeConfig, LineEnding, Pem};

use super::refusal::{CertificateRefusal, Shown};

/// The label of certificates.
const CERTIFICATE: &str = "CERTIFICATE";
/// The label of certificate signing requests (RFC 7468, 7).
const REQUEST: &str = "CERTIFICATE REQUEST";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The DER contents of the blocks of `text`, of which there are 1 to
/// `max_blocks`.
///
/// # Errors
/// Whoever wrote the text is at fault; block numbers count from 1.
pub(super) fn decode(text: &[u8], max_blocks: usize) -> Result<Vec<Vec<u8>>, CertificateRefusal> {
    decode_all(text, CERTIFICATE, max_blocks)
}

/// The DER content of a text that is one certificate signing request.
///
/// # Errors
/// Whoever wrote the text is at fault.
pub(super) fn decode_request(text: &[u8]) -> Result<Vec<u8>, CertificateRefusal> {
    let mut blocks = decode_all(text, REQUEST, 1)?;
    blocks.pop().ok_or(CertificateRefusal::Empty)
}

fn decode_all(
    text: &[u8],
    wanted: &str,
    max_blocks: usize,
) -> Result<Vec<Vec<u8>>, CertificateRefusal> {
    let text = std::str::from_utf8(text).map_err(|_| CertificateRefusal::NotText)?;
    // Told before anything else: whatever is wrong besides, the owner has to
    // know that this key has been seen by others. The labels are `PRIVATE KEY`,
    // `RSA PRIVATE KEY`, `EC PRIVATE KEY`, `ENCRYPTED PRIVATE KEY` and so on.
    if text.contains("PRIVATE KEY-----") {
        return Err(CertificateRefusal::PrivateKey);
    }
    let mut blocks = Vec::new();
    let mut lines = text.split('\n').map(trim_line_end);
    while let Some(line) = lines.next() {
        // Trimmed was white space of ASCII only: Go knows no other.
        if line.is_empty() {
            continue;
        }
        let number = blocks.len() + 1;
        let label = label(line, BEGIN).ok_or(CertificateRefusal::TextOutside)?;
        if label != wanted {
            return Err(CertificateRefusal::ForeignBlock(Shown::new(label)));
        }
        if number > max_blocks {
            return Err(CertificateRefusal::TooManyBlocks(max_blocks));
        }
        blocks.push(decode_block(number, wanted, &mut lines)?);
    }
    if blocks.is_empty() {
        return Err(CertificateRefusal::Empty);
    }
    Ok(blocks)
}

/// One certificate as PEM text: 64 columns, LF, a new line at the end. Readers
/// of any kind agree on this form.
pub(super) fn encode(der: &[u8]) -> String {
    let config = EncodeConfig::new()
        .set_line_ending(LineEnding::LF)
        .set_line_wrap(64);
    pem::encode_config(&Pem::new(CERTIFICATE, der), config)
}

/// Decodes what follows a BEGIN line, and takes the END line too.
fn decode_block<'a>(
    number: usize,
    wanted: &str,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Vec<u8>, CertificateRefusal> {
    let invalid = || CertificateRefusal::Base64(number);
    let mut block = format!("{BEGIN}{wanted}{DASHES}\n");
    loop {
        let line = lines.next().ok_or(CertificateRefusal::MissingEnd(number))?;
        if let Some(label) = label(line, END) {
            if label != wanted {
                return Err(CertificateRefusal::MissingEnd(number));
            }
            break;
        }
        if line.starts_with(BEGIN) {
            return Err(CertificateRefusal::MissingEnd(number));
        }
        if line.contains(':') {
            return Err(CertificateRefusal::Headers(number));
        }
        // An empty line would end headers that are not there, and blanks are
        // skipped by some decoders and not by others.
        let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        if line.is_empty() || !line.bytes().all(base64) {
            // A text that was cut off inside of the block has no END either;
            // that is what its owner can do something about.
            let ends = lines.any(|line| label(line, END) == Some(wanted));
            return Err(if ends {
                invalid()
            } else {
                CertificateRefusal::MissingEnd(number)
            });
        }
        block.push_str(line);
        block.push('\n');
    }
    block.push_str(&format!("{END}{wanted}{DASHES}\n"));
    let der = pem::parse(block).map_err(|_| invalid())?.into_contents();
    if der.is_empty() {
        return Err(invalid());
    }
    Ok(der)
}

/// The label of a marker line, if the line is one from end to end.
fn label<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    line.strip_prefix(marker)?.strip_suffix(DASHES)
}

/// Without what a line may end in: carriage returns, blanks and tabs, as Go's
/// `pem.Decode` trims them. Blanks at its beginning are kept, since indented
/// markers are no markers to Go.
fn trim_line_end(line: &str) -> &str {
    line.trim_end_matches([' ', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for length in [1, 47, 48, 49, 1000] {
            let der = vec![0xa5; length];
            let text = encode(&der);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert!(text.ends_with("-----\n") && !text.contains('\r'));
            assert_eq!(decode(text.as_bytes(), 1), Ok(vec![der]));
        }
    }

    #[test]
    fn base64_has_one_form_only() {
        for body in [
            "QQ", "QQ=", "QR==", "QQ==QQ==", "====", "Q", "Q Q=", "", "QQ-_",
        ] {
            let text = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
            let refusal = decode(text.as_bytes(), 1);
            assert_eq!(refusal, Err(CertificateRefusal::Base64(1)), "{body:?}");
        }
    }

    #[test]
    fn markers_must_be_whole_lines_of_one_label() {
        for (text, refusal) in [
            (
                "-----BEGIN CERTIFICATE-----",
                CertificateRefusal::MissingEnd(1),
            ),
            (
                "-----BEGIN CERTIFICATE----- x",
                CertificateRefusal::TextOutside,
            ),
            (
                "\u{feff}-----BEGIN CERTIFICATE-----",
                CertificateRefusal::TextOutside,
            ),
            ("-----END CERTIFICATE-----", CertificateRefusal::TextOutside),
            ("\u{a0}\n", CertificateRefusal::TextOutside),
            (
                "-----BEGIN CERTIFICATE-----\nQQ==\n-----END X509 CRL-----\n",
                CertificateRefusal::MissingEnd(1),
            ),
            (
                "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----\n",
                CertificateRefusal::MissingEnd(1),
            ),
        ] {
            assert_eq!(decode(text.as_bytes(), 1), Err(refusal), "{text:?}");
        }
    }
}
