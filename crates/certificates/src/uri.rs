//! URIs in a certificate: Go parses each, and refuses the certificate when it
//! cannot.

/// Whether `text` is a URI that Go's `url.Parse` takes, and whose host Go takes
/// for a domain name. Go's rules are wide and change between its versions; this
/// is the part of them in use (`spiffe://domain/path`, `https://host:443/path`,
/// `urn:uuid:…`), which has been the same in all.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let Some((scheme, rest)) = split_once(text, b':') else {
        return false;
    };
    let scheme_fits = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    let Some(after_slashes) = rest.strip_prefix(b"//") else {
        return scheme_fits && !rest.is_empty() && is_plain_path(rest);
    };
    let end = after_slashes
        .iter()
        .position(|b| b"/?#".contains(b))
        .unwrap_or(after_slashes.len());
    let (authority, path) = after_slashes.split_at(end);
    let (host, port) = split_once(authority, b':').unwrap_or((authority, b"1"));
    scheme_fits
        && is_plain_host(host)
        && !port.is_empty()
        && port.iter().all(u8::is_ascii_digit)
        && is_plain_path(path)
}

/// Labels with dots between them; no user, no brackets, no escapes.
fn is_plain_host(host: &[u8]) -> bool {
    host.split(|b| *b == b'.').all(|label| {
        !label.is_empty()
            && label
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
    })
}

/// Unreserved characters and delimiters of RFC 3986, and escapes of two digits.
fn is_plain_path(path: &[u8]) -> bool {
    let mut rest = path.iter();
    while let Some(b) = rest.next() {
        let fits = match b {
            b'%' => [rest.next(), rest.next()]
                .iter()
                .all(|digit| digit.is_some_and(u8::is_ascii_hexdigit)),
            b => b.is_ascii_alphanumeric() || b"-._~/?:@!$&'()*+,;=#".contains(b),
        };
        if !fits {
            return false;
        }
    }
    true
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|b| *b == at)?;
    Some((text.get(..position)?, text.get(position + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_in_use_are_plain() {
        for text in [
            "spiffe://example.org/ns/default/sa/app",
            "https://ca.example.com:8443/a%20b?x=1#y",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ] {
            assert!(is_plain(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn others_are_not() {
        for text in [
            "",
            ":",
            "x:",
            "1x:y",
            "no-scheme",
            "http://",
            "http://a..b/",
            "http://a./",
            "http://[::1]/",
            "http://u@h/",
            "http://a:x/",
            "http://a:/",
            "http://a b/",
            "http://a/%zz",
            "http://a/%1",
            "http://%41/",
            "x:a\0",
            "x:a b",
            "x:ü",
        ] {
            assert!(!is_plain(text.as_bytes()), "{text:?}");
        }
    }
}
