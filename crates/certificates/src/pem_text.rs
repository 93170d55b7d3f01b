//! PEM text, read strictly: nothing but blocks of one label and white space.
//!
//! Readers differ in what they skip. Go's `pem.Decode` passes over any text, over
//! indented markers and over broken blocks, so the first block that it finds
//! need not be the first that another parser finds; and a server may take a block of
//! any label in its trust file for a root. A text that could be read in two
//! ways is therefore refused here, before any of it is decoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal::{CertificateRefusal, Shown};

/// The label of certificates.
const CERTIFICATE: &str = "CERTIFICATE";
/// The label of certificate signing requests (RFC 7468, 7).
const REQUEST: &str = "CERTIFICATE REQUEST";
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// The columns of a line, as [`encode`] writes them.
const COLUMNS: usize = 64;
/// What is around a certificate, as [`encode`] writes it.
const HEAD: &str = "-----BEGIN CERTIFICATE-----\n";
const FOOT: &str = "-----END CERTIFICATE-----\n";

/// The DER contents of the blocks of `text`, of which there are 1 to
/// `max_blocks`.
///
/// # Errors
/// Whoever wrote the text is at fault; block numbers count from 1.
pub(super) fn decode(text: &[u8], max_blocks: usize) -> Result<Vec<Vec<u8>>, CertificateRefusal> {
    match decode_canonical(text) {
        Some(blocks) if blocks.len() <= max_blocks => Ok(blocks),
        _ => decode_all(text, CERTIFICATE, max_blocks),
    }
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

/// The same for a text that is as [`encode`] writes it, one certificate after the
/// other; `None` for any other text, be it good or bad. Trust files of many clients
/// are read by each hook, and this is many times as fast.
fn decode_canonical(mut text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut blocks = Vec::new();
    let mut base64 = Vec::new();
    while !text.is_empty() {
        text = text.strip_prefix(HEAD.as_bytes())?;
        base64.clear();
        while !text.starts_with(b"-") {
            let end = match text.get(COLUMNS - 1..=COLUMNS) {
                // The line after a shorter one may end here as well.
                Some([byte, b'\n']) if *byte != b'-' => COLUMNS,
                _ => text.iter().take(COLUMNS).position(|byte| *byte == b'\n')?,
            };
            if end == 0 {
                return None;
            }
            let (line, rest) = text.split_at(end);
            base64.extend_from_slice(line);
            text = &rest[1..];
        }
        text = text.strip_prefix(FOOT.as_bytes())?;
        // Whatever is no base64 fails here, the ends of shorter lines included.
        let der = STANDARD.decode(&base64).ok()?;
        if der.is_empty() {
            return None;
        }
        blocks.push(der);
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// One certificate as PEM text: 64 columns, LF, a new line at the end. Readers
/// of any kind agree on this form.
pub(super) fn encode(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.len() / COLUMNS + 1;
    let mut text = String::with_capacity(HEAD.len() + base64.len() + lines + FOOT.len());
    text.push_str(HEAD);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at(rest.len().min(COLUMNS));
        text.push_str(line);
        text.push('\n');
        rest = others;
    }
    text.push_str(FOOT);
    text
}

/// Decodes what follows a BEGIN line, and takes the END line too.
fn decode_block<'a>(
    number: usize,
    wanted: &str,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Vec<u8>, CertificateRefusal> {
    let invalid = || CertificateRefusal::Base64(number);
    let mut block = String::new();
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
    }
    let der = STANDARD.decode(block).map_err(|_| invalid())?;
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

    /// The quick way gives what the other would, and takes no text that it refuses.
    #[test]
    fn both_ways_to_read_agree() {
        let text = encode(&[0xa5; 100]) + &encode(&[0x5a; 48]) + &encode(&[1]);
        let blocks = vec![vec![0xa5; 100], vec![0x5a; 48], vec![1]];
        assert_eq!(decode_canonical(text.as_bytes()), Some(blocks));
        let mut quick = 0;
        for position in 0..text.len() {
            for byte in *b"\n\r -=:A\0" {
                let mut changed = text.clone().into_bytes();
                changed[position] = byte;
                let mut inserted = text.clone().into_bytes();
                inserted.insert(position, byte);
                let mut removed = text.clone().into_bytes();
                removed.remove(position);
                let cut = text.as_bytes()[..position].to_vec();
                for text in [changed, inserted, removed, cut] {
                    if let Some(blocks) = decode_canonical(&text) {
                        quick += 1;
                        assert_eq!(decode_all(&text, CERTIFICATE, usize::MAX), Ok(blocks));
                    }
                }
            }
        }
        // Where one letter of base64 stands for another, and at each end of a block.
        assert!(quick > 100, "{quick}");
        assert_eq!(
            decode(text.as_bytes(), 2),
            Err(CertificateRefusal::TooManyBlocks(2))
        );
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
