//! Certificates of X.509 version 1, which no tool of today issues: a good one
//! without its version and its extensions. Nobody checks the signature of a
//! certificate that is trusted as itself, so that it is wrong does not matter.

/// The certificate as one of version 1.
pub(crate) fn of(pem: &str) -> String {
    let parsed = pem::parse(pem).expect("a certificate is PEM");
    let (_, certificate) = element(parsed.contents());
    let (rest, first) = split(certificate);
    let (_, mut fields) = element(first);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (after, field) = split(fields);
        // [0] is the version, [3] are the extensions.
        if !matches!(field[0], 0xa0 | 0xa3) {
            kept.extend_from_slice(field);
        }
        fields = after;
    }
    let der = sequence(&[sequence(&kept), rest.to_vec()].concat());
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

/// The length of the header and the content of the element that is first.
fn element(der: &[u8]) -> (usize, &[u8]) {
    let (header, length) = match usize::from(der[1]) {
        short if short < 0x80 => (2, short),
        long => {
            let digits = long - 0x80;
            let length = der[2..2 + digits]
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (2 + digits, length)
        }
    };
    (header, &der[header..header + length])
}

/// What follows the first element, and that element whole.
fn split(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, content) = element(der);
    let (first, rest) = der.split_at(header + content.len());
    (rest, first)
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a certificate is short");
    let [high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..0x80 => &[0x30, low],
        0x80..0x100 => &[0x30, 0x81, low],
        _ => &[0x30, 0x82, high, low],
    };
    [header, content].concat()
}
