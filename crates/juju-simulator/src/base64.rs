//! Base64, in which Juju takes and shows secrets and etcd shows keys.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How long so many bytes are as base64.
pub(crate) const fn length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Bytes as base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(length(bytes.len()));
    for chunk in bytes.chunks(3) {
        let joined = (0..3).fold(0_u32, |joined, index| {
            joined << 8 | u32::from(*chunk.get(index).unwrap_or(&0))
        });
        for index in 0..4 {
            let used = index <= chunk.len();
            let letter = ALPHABET[(joined >> (18 - 6 * index) & 63) as usize];
            text.push(if used { char::from(letter) } else { '=' });
        }
    }
    text
}

/// What base64 stands for; `None` if it is none.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let body = text
        .strip_suffix(b"==")
        .or_else(|| text.strip_suffix(b"="))
        .unwrap_or(text);
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let (mut bytes, mut joined, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in body {
        let value = ALPHABET.iter().position(|other| other == letter)?;
        joined = joined << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(joined >> bits & 255).ok()?);
        }
    }
    Some(bytes)
}
