//! Certificates that requirers in other models encrypt with the provider's key.
//!
//! Across models a requirer cannot share a secret (juju/juju#21248), so it takes
//! the key from the provider's `encryption-secret` and puts its certificate into
//! the databag as a Fernet token. Tokens of the same text differ each time: compare
//! what is decrypted, never the token.
//!
//! [`new_key`] and [`encrypt`] draw random numbers, as nothing else in this crate
//! does, and only a step that writes may call them.

use ::fernet::Fernet;
use secret_value::Secret;
use thiserror::Error;

/// Why a token cannot be read. The requirer may simply have used an earlier key:
/// the next token will do.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TokenRefusal {
    /// The key itself is damaged.
    #[error("the encryption key of the relation is not a Fernet key")]
    Key,
    /// The token was changed, is cut off, was made with another key.
    #[error("the encrypted certificate does not fit the relation's key")]
    Token,
    /// What was encrypted is not text.
    #[error("the encrypted certificate is not text")]
    Text,
}

/// A new random key, as the libraries keep it: 44 characters of base64.
pub fn new_key() -> Secret<String> {
    Secret::new(Fernet::generate_key())
}

/// A token of `text`, another one at every call.
///
/// # Errors
/// [`TokenRefusal::Key`] if the key is not one.
pub fn encrypt(key: &Secret<String>, text: &str) -> Result<String, TokenRefusal> {
    let fernet = Fernet::new(key.expose()).ok_or(TokenRefusal::Key)?;
    Ok(fernet.encrypt(text.as_bytes()))
}

/// A time to compare tokens with that none of them is ahead of. Requirers' clocks
/// may be wrong by more than the minute that the format allows for, which says
/// nothing about a certificate; sixty seconds of room keep the sum from
/// overflowing.
const ANY_TIME: u64 = u64::MAX - 60;

/// What was encrypted with `key`.
///
/// # Errors
/// See [`TokenRefusal`].
pub fn decrypt(key: &Secret<String>, token: &str) -> Result<String, TokenRefusal> {
    let fernet = Fernet::new(key.expose()).ok_or(TokenRefusal::Key)?;
    let bytes = fernet
        .decrypt_at_time(token, None, ANY_TIME)
        .map_err(|_| TokenRefusal::Token)?;
    String::from_utf8(bytes).map_err(|_| TokenRefusal::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_specification_is_read() {
        // `generate.json` of the Fernet specification.
        let key = Secret::new("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=".to_owned());
        let token = concat!(
            "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7J",
            "cbmrR64jVmpU4IwqDA=="
        );
        assert_eq!(decrypt(&key, token), Ok("hello".to_owned()));
        assert_eq!(decrypt(&new_key(), token), Err(TokenRefusal::Token));
        assert_eq!(decrypt(&key, "gAAAA"), Err(TokenRefusal::Token));
        assert_eq!(decrypt(&key, ""), Err(TokenRefusal::Token));
        let damaged = Secret::new("x".to_owned());
        assert_eq!(decrypt(&damaged, token), Err(TokenRefusal::Key));
    }

    #[test]
    fn a_new_key_is_what_the_libraries_make() {
        let key = new_key();
        assert_eq!(key.expose().len(), 44);
        assert_ne!(key, new_key());
        let fernet = Fernet::new(key.expose()).expect("a key");
        let pem = "-----BEGIN CERTIFICATE-----\n";
        let token = encrypt(&key, pem).expect("a key");
        assert_eq!(decrypt(&key, &token), Ok(pem.to_owned()));
        assert_ne!(encrypt(&key, pem), Ok(token));
        assert_eq!(
            decrypt(&key, &fernet.encrypt(b"\xff")),
            Err(TokenRefusal::Text)
        );
    }
}
