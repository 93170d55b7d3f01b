//! Digests of what is published or shown, by which it is told from what was before.

use sha2::{Digest, Sha256};

use crate::facts::Secret;

/// Of the content of secrets.
pub(crate) fn content_digest<'c>(
    content: impl Iterator<Item = (&'c String, &'c Secret<String>)>,
) -> String {
    let mut hash = Sha256::new();
    for (key, value) in content {
        // Lengths keep two neighbouring texts apart.
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(key);
        let value = value.expose();
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value);
    }
    hex(&hash.finalize()[..16])
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
