//! What a requirer writes: certificate signing requests.

use serde_json::{Value, json};

use crate::{Databag, Unreadable, list, normalized, text};

/// The key of the databag, of a unit or of the application.
pub const KEY: &str = "certificate_signing_requests";

/// Most entries of one databag that are looked at.
pub const MAX_REQUESTS: usize = 100;

/// The longest request, in bytes of PEM: about three times what one has for an
/// RSA key of 4096 bits with a dozen names.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024;

/// One certificate signing request.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Request {
    /// PKCS #10 in PEM, [`normalized`].
    pub csr: String,
    /// Whether a certificate authority is asked for.
    pub is_ca: bool,
}

/// What one databag asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Requests {
    /// In the order in which they stand there, each once.
    pub requests: Vec<Request>,
    /// The entries that are no requests, counted from 1, each with the reason.
    pub refused: Vec<(usize, EntryRefusal)>,
}

/// Why an entry is no request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryRefusal {
    /// It is no object with a text under `certificate_signing_request`.
    #[error("it has no certificate_signing_request")]
    NoRequest,
    /// `ca` is neither true, false nor null.
    #[error("ca is not true or false")]
    Ca,
    /// The request is longer than any honest one.
    #[error("the request is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    /// So many stand before it that no more are looked at.
    #[error("there are more than {MAX_REQUESTS} requests")]
    TooMany,
}

/// Reads what a unit or an application asks for.
///
/// An entry without `ca` asks for no authority. (Canonical's library ignores a
/// databag with such an entry, so nobody can rely on it.)
///
/// # Errors
/// The databag as a whole makes no sense: nothing is known of what is asked.
pub fn read(bag: &Databag) -> Result<Requests, Unreadable> {
    let mut found = Requests::default();
    for (index, entry) in list(bag, KEY)?.iter().enumerate() {
        match read_entry(entry) {
            Ok(_) if found.requests.len() >= MAX_REQUESTS => {
                found.refused.push((index + 1, EntryRefusal::TooMany));
                break;
            }
            Ok(request) if found.requests.iter().any(|known| known.csr == request.csr) => {}
            Ok(request) => found.requests.push(request),
            Err(_) if found.refused.len() >= MAX_REQUESTS => break,
            Err(reason) => found.refused.push((index + 1, reason)),
        }
    }
    Ok(found)
}

fn read_entry(entry: &Value) -> Result<Request, EntryRefusal> {
    let csr = entry.get("certificate_signing_request");
    let csr = csr.and_then(Value::as_str).ok_or(EntryRefusal::NoRequest)?;
    if csr.len() > MAX_REQUEST_BYTES {
        return Err(EntryRefusal::TooLong);
    }
    let is_ca = match entry.get("ca") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_ca)) => *is_ca,
        Some(_) => return Err(EntryRefusal::Ca),
    };
    Ok(Request {
        csr: normalized(csr),
        is_ca,
    })
}

/// The value of [`KEY`] for these requests; `None`, which deletes the key, where
/// nothing is asked for.
#[must_use]
pub fn write(requests: &[Request]) -> Option<String> {
    let entries: Vec<_> = requests
        .iter()
        .map(|request| {
            json!({
                "certificate_signing_request": normalized(&request.csr),
                // Never left out: Canonical's library would ignore the databag.
                "ca": request.is_ca,
            })
        })
        .collect();
    text(&entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(value: &str) -> Databag {
        [(KEY.to_owned(), value.to_owned())].into()
    }

    fn request(csr: &str) -> Request {
        Request {
            csr: csr.to_owned(),
            is_ca: false,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let requests = [
            request("one\ntwo"),
            Request {
                is_ca: true,
                ..request("three")
            },
        ];
        let value = write(&requests).expect("a value");
        let read = read(&bag(&value)).expect("requests");
        assert_eq!(read.requests, requests);
        assert_eq!(write(&[]), None);
        assert_eq!(super::read(&Databag::new()), Ok(Requests::default()));
    }

    #[test]
    fn line_ends_and_white_space_do_not_make_another_request() {
        let value = r#"[{"certificate_signing_request":"a\r\nb\r\n","ca":null},
                        {"certificate_signing_request":" a\nb","ca":false}]"#;
        let read = read(&bag(value)).expect("requests");
        assert_eq!(read.requests, [request("a\nb")]);
    }

    #[test]
    fn a_bad_entry_costs_only_itself() {
        let long = "x".repeat(MAX_REQUEST_BYTES + 1);
        let value = format!(
            r#"[1,null,{{}},{{"certificate_signing_request":1,"ca":false}},
               {{"certificate_signing_request":"a","ca":"no"}},
               {{"certificate_signing_request":"{long}","ca":false}},
               {{"certificate_signing_request":"good","ca":false,"more":[]}}]"#
        );
        let read = read(&bag(&value)).expect("requests");
        assert_eq!(read.requests, [request("good")]);
        let expected = [
            (1, EntryRefusal::NoRequest),
            (2, EntryRefusal::NoRequest),
            (3, EntryRefusal::NoRequest),
            (4, EntryRefusal::NoRequest),
            (5, EntryRefusal::Ca),
            (6, EntryRefusal::TooLong),
        ];
        assert_eq!(read.refused, expected);
    }

    #[test]
    fn what_is_no_list_is_unknown_and_not_empty() {
        for value in ["", "{}", "\"x\"", "[", "null", "{\"a\":[]}"] {
            assert_eq!(read(&bag(value)), Err(Unreadable::NotAList(KEY)), "{value}");
        }
        let long = " ".repeat(crate::MAX_VALUE_BYTES + 1);
        assert!(matches!(read(&bag(&long)), Err(Unreadable::TooLong(..))));
    }

    #[test]
    fn a_thousand_requests_are_cut_to_a_hundred() {
        let all: Vec<_> = (0..1000)
            .map(|number| request(&number.to_string()))
            .collect();
        let read = read(&bag(&write(&all).expect("a value"))).expect("requests");
        assert_eq!(read.requests.len(), MAX_REQUESTS);
        assert_eq!(read.refused, [(MAX_REQUESTS + 1, EntryRefusal::TooMany)]);
    }
}
