//! What a provider writes: certificates, and why there is none.

use serde_json::{Value, json};

use crate::{Databag, Unreadable, list, normalized, text};

/// The key with the certificates, in the databag of the provider's application.
pub const CERTIFICATES: &str = "certificates";

/// The key with the reasons why requests are not answered by a certificate.
pub const ERRORS: &str = "request_errors";

/// Most entries of one list that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// A certificate that was issued for a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The request, [`normalized`].
    pub csr: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// The authority that signed it, PEM.
    pub ca: String,
    /// From the certificate to the root, PEM; it may be empty, and the certificate
    /// itself may be missing.
    pub chain: Vec<String>,
    /// The certificate must not be used any more; the request stands.
    pub is_revoked: bool,
}

/// Why a request is not answered by a certificate: the codes of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// 101: an IP address that is asked for is not allowed.
    IpNotAllowed,
    /// 102: a name that is asked for is not allowed.
    DomainNotAllowed,
    /// 103: a wildcard is not allowed.
    WildcardNotAllowed,
    /// 201: who should sign cannot be reached.
    ServerNotAvailable,
    /// 999, and every number that is none of the above.
    Other,
}

impl Code {
    const ALL: [(Self, u64, &'static str); 5] = [
        (Self::IpNotAllowed, 101, "IP_NOT_ALLOWED"),
        (Self::DomainNotAllowed, 102, "DOMAIN_NOT_ALLOWED"),
        (Self::WildcardNotAllowed, 103, "WILDCARD_NOT_ALLOWED"),
        (Self::ServerNotAvailable, 201, "SERVER_NOT_AVAILABLE"),
        (Self::Other, 999, "OTHER"),
    ];

    /// The number that stands in a databag.
    #[must_use]
    pub fn number(self) -> u64 {
        Self::entry(self).1
    }

    /// The name that Canonical's providers write beside it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::entry(self).2
    }

    fn entry(self) -> (Self, u64, &'static str) {
        let found = Self::ALL.into_iter().find(|(code, ..)| *code == self);
        found.unwrap_or((Self::Other, 999, "OTHER"))
    }

    fn of(number: Option<u64>) -> Self {
        let found = Self::ALL.into_iter().find(|entry| Some(entry.1) == number);
        found.map_or(Self::Other, |(code, ..)| code)
    }
}

/// Why there is no certificate for a request. It stands until there is one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestError {
    /// The request, [`normalized`].
    pub csr: String,
    /// What kind of reason it is.
    pub code: Code,
    /// One line for a person.
    pub message: String,
    /// More about it, where a provider says more.
    pub reason: Option<String>,
}

/// What a provider has answered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answers {
    /// The certificates.
    pub certificates: Vec<Answer>,
    /// The reasons.
    pub errors: Vec<RequestError>,
    /// How many entries could not be read.
    pub unreadable: usize,
}

impl Answers {
    /// The certificate for this request that is to be used: the last one that was
    /// not revoked.
    #[must_use]
    pub fn certificate(&self, csr: &str) -> Option<&Answer> {
        let csr = normalized(csr);
        let mut answers = self.certificates.iter().rev();
        answers.find(|answer| answer.csr == csr && !answer.is_revoked)
    }

    /// Whether all certificates for this request were revoked, and there was one.
    #[must_use]
    pub fn is_revoked(&self, csr: &str) -> bool {
        let csr = normalized(csr);
        self.certificate(&csr).is_none() && self.certificates.iter().any(|answer| answer.csr == csr)
    }

    /// Why there is no certificate for this request, where the provider says so.
    #[must_use]
    pub fn error(&self, csr: &str) -> Option<&RequestError> {
        let csr = normalized(csr);
        self.errors.iter().find(|error| error.csr == csr)
    }
}

/// Reads what a provider has answered.
///
/// # Errors
/// The list of certificates as a whole makes no sense. That of the errors may be
/// missing or nonsense: it only explains.
pub fn read(bag: &Databag) -> Result<Answers, Unreadable> {
    let mut answers = Answers::default();
    for entry in list(bag, CERTIFICATES)?.iter().take(MAX_ENTRIES) {
        match read_certificate(entry) {
            Some(answer) => answers.certificates.push(answer),
            None => answers.unreadable += 1,
        }
    }
    for entry in list(bag, ERRORS)
        .unwrap_or_default()
        .iter()
        .take(MAX_ENTRIES)
    {
        match read_error(entry) {
            Some(error) => answers.errors.push(error),
            None => answers.unreadable += 1,
        }
    }
    Ok(answers)
}

fn read_certificate(entry: &Value) -> Option<Answer> {
    let pem = |key| Some(normalized(entry.get(key)?.as_str()?));
    let chain = match entry.get("chain") {
        None | Some(Value::Null) => Vec::new(),
        Some(chain) => {
            let chain = chain.as_array()?.iter();
            chain
                .map(|pem| Some(normalized(pem.as_str()?)))
                .collect::<Option<_>>()?
        }
    };
    Some(Answer {
        csr: pem("certificate_signing_request")?,
        certificate: pem("certificate")?,
        ca: pem("ca")?,
        chain,
        is_revoked: entry.get("revoked").and_then(Value::as_bool) == Some(true),
    })
}

fn read_error(entry: &Value) -> Option<RequestError> {
    // The specification and the library differ in the name of this key.
    let csr = entry
        .get("csr")
        .or_else(|| entry.get("certificate_signing_request"))?;
    let error = entry.get("error")?;
    let text = |key| error.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(RequestError {
        csr: normalized(csr.as_str()?),
        code: Code::of(error.get("code").and_then(Value::as_u64)),
        message: text("message").unwrap_or_default(),
        reason: text("reason"),
    })
}

/// The values of [`CERTIFICATES`] and [`ERRORS`]; `None`, which deletes the key,
/// where there is nothing to say.
#[must_use]
pub fn write(answers: &[Answer], errors: &[RequestError]) -> [(&'static str, Option<String>); 2] {
    let certificates: Vec<_> = answers
        .iter()
        .map(|answer| {
            let mut entry = json!({
                "ca": normalized(&answer.ca),
                "certificate_signing_request": normalized(&answer.csr),
                "certificate": normalized(&answer.certificate),
                "chain": answer.chain.iter().map(|pem| normalized(pem)).collect::<Vec<_>>(),
            });
            // As the library does it: absent means that it was not revoked.
            if answer.is_revoked {
                entry["revoked"] = Value::Bool(true);
            }
            entry
        })
        .collect();
    let errors: Vec<_> = errors
        .iter()
        .map(|error| {
            let mut detail = json!({
                "code": error.code.number(),
                "name": error.code.name(),
                "message": error.message,
            });
            if let Some(reason) = &error.reason {
                detail["reason"] = Value::String(reason.clone());
            }
            json!({ "csr": normalized(&error.csr), "error": detail })
        })
        .collect();
    [(CERTIFICATES, text(&certificates)), (ERRORS, text(&errors))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(csr: &str, certificate: &str) -> Answer {
        Answer {
            csr: csr.to_owned(),
            certificate: certificate.to_owned(),
            ca: "ca".to_owned(),
            chain: vec![certificate.to_owned(), "ca".to_owned()],
            is_revoked: false,
        }
    }

    fn bag(answers: &[Answer], errors: &[RequestError]) -> Databag {
        let values = write(answers, errors).into_iter();
        values
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let answers = [
            answer("a", "old"),
            Answer {
                is_revoked: true,
                ..answer("b", "gone")
            },
        ];
        let errors = [RequestError {
            csr: "c".to_owned(),
            code: Code::DomainNotAllowed,
            message: "no".to_owned(),
            reason: Some("because".to_owned()),
        }];
        let read = read(&bag(&answers, &errors)).expect("answers");
        assert_eq!(read.certificates, answers);
        assert_eq!(read.errors, errors);
        assert_eq!(read.unreadable, 0);
        assert!(bag(&[], &[]).is_empty());
    }

    #[test]
    fn a_revoked_certificate_is_followed_by_another() {
        let revoked = Answer {
            is_revoked: true,
            ..answer("a", "old")
        };
        let only = Answers {
            certificates: vec![revoked.clone()],
            ..Answers::default()
        };
        assert!(only.is_revoked("a\n") && only.certificate("a").is_none());
        let both = Answers {
            certificates: vec![answer("a", "new"), revoked],
            ..Answers::default()
        };
        assert!(!both.is_revoked("a"));
        let used = both
            .certificate("a")
            .map(|answer| answer.certificate.as_str());
        assert_eq!(used, Some("new"));
        assert!(!both.is_revoked("b"));
    }

    #[test]
    fn both_names_of_the_request_are_read_in_errors() {
        let bag = [(
            ERRORS.to_owned(),
            r#"[{"csr":"a","error":{"code":101,"message":"m"}},
                {"certificate_signing_request":"b","error":{"code":12,"name":"x"}},
                {"csr":"c"}, 7]"#
                .to_owned(),
        )]
        .into();
        let read = read(&bag).expect("answers");
        assert_eq!(
            read.error("a").map(|error| error.code),
            Some(Code::IpNotAllowed)
        );
        assert_eq!(read.error("b").map(|error| error.code), Some(Code::Other));
        assert_eq!(read.unreadable, 2);
    }

    #[test]
    fn a_bad_entry_costs_only_itself_and_errors_nothing() {
        let bag = |certificates: &str, errors: &str| -> Databag {
            [(CERTIFICATES, certificates), (ERRORS, errors)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into()
        };
        let good = r#"{"ca":"c","certificate_signing_request":"a","certificate":"l"}"#;
        let mixed = format!(r#"[{{"ca":"c"}},{good},{{"chain":7}}]"#);
        let found = read(&bag(&mixed, "nonsense")).expect("answers");
        assert_eq!(found.certificates.len(), 1);
        assert_eq!(found.certificates[0].chain, [""; 0]);
        assert_eq!(found.unreadable, 2);
        assert!(read(&bag("nonsense", "[]")).is_err());
    }

    #[test]
    fn codes_are_those_of_the_interface() {
        for (code, number, _) in Code::ALL {
            assert_eq!(Code::of(Some(number)), code);
            assert_eq!(code.number(), number);
        }
        assert_eq!(Code::of(None), Code::Other);
    }
}
