//! A client certificate that somebody else signs, over `tls-certificates`.

use std::collections::BTreeSet;

use certificates::{CommonName, Issued, OwnCertificate, OwnRequest, Timestamp};
use juju_hooks::{
    Databag, Hook, Relation, Revision, SecretContent, SecretOwner, SecretUnavailable, SecretUri,
    Tools,
};
use secret_value::Secret;
use tls_certificates::{answers, requests};

use crate::ending::{clears_up, is_ending};
use crate::identity::Pair;
use crate::{Identity, RequirerError};

const REQUEST: &str = "request";
const REQUEST_KEY: &str = "request-key";
const ASKED: &str = "asked";
const CERTIFICATE_BEFORE: &str = "client-cert-before";
const KEY_BEFORE: &str = "client-key-before";

/// The shortest time between two requests: a provider whose certificates have ended
/// when they come is not asked again by every hook.
const PAUSE_SECONDS: i64 = 600;

/// One relation with a provider of `tls-certificates` that signs the certificate of
/// a client, the same for all units. An etcd that signs it itself trusts it without
/// a restart.
///
/// A charm calls [`SignedIdentity::publish`] and [`SignedIdentity::answer`] in every
/// hook, and [`SignedIdentity::withdraw`] in the one that ends the relation.
#[derive(Debug)]
pub struct SignedIdentity<'h> {
    tools: &'h Tools,
    hook: &'h Hook,
    relation: Relation,
    now: Timestamp,
}

/// What came of the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignedAnswer {
    /// There is no certificate yet.
    Pending,
    /// There is none, for this reason of the provider's, in one line.
    Refused(String),
    /// The certificate that is to be shown, and its key.
    Ready(Identity),
}

/// What the leader has asked for last, and what it had before.
struct Asked {
    csr: String,
    key: Secret<String>,
    at: Timestamp,
    before: Option<Pair>,
}

impl<'h> SignedIdentity<'h> {
    /// The relation in this hook.
    pub const fn new(tools: &'h Tools, hook: &'h Hook, relation: Relation, now: Timestamp) -> Self {
        Self {
            tools,
            hook,
            relation,
            now,
        }
    }

    /// Asks for a certificate of this name, and for another one with another key
    /// when a third of its time is left or the provider has revoked it. Only the
    /// leader does anything. The name is for as long as the relation lives.
    ///
    /// # Errors
    /// No key could be made, our own secret cannot be read, or a hook tool failed.
    pub fn publish(&self, name: &CommonName) -> Result<(), RequirerError> {
        if is_ending(self.hook, self.relation) || !self.tools.is_leader()? {
            return Ok(());
        }
        let asked = match self.asked()? {
            None => self.ask(name, None)?,
            Some(asked) if self.now < asked.at.plus_seconds(PAUSE_SECONDS) => asked,
            Some(asked) => {
                let answers = self.answers()?;
                if asked.is_due(&answers, self.now) {
                    self.ask(name, asked.replaced(&answers))?
                } else {
                    asked
                }
            }
        };
        let request = requests::Request {
            csr: asked.csr,
            is_ca: false,
        };
        let wanted = requests::write(&[request]);
        let app = self.hook.unit.app();
        let own = self.tools.relation_get_own_app(self.relation, app)?;
        if own.unwrap_or_default().get(requests::KEY) != wanted.as_ref() {
            let change = [(requests::KEY.to_owned(), wanted)].into_iter().collect();
            self.tools.relation_set_app(self.relation, &change)?;
        }
        Ok(())
    }

    /// What came of the request, for any unit. While a renewal is on its way it is
    /// the certificate before.
    ///
    /// # Errors
    /// Our own secret cannot be read, or a hook tool failed.
    pub fn answer(&self) -> Result<SignedAnswer, RequirerError> {
        let Some(asked) = self.asked()? else {
            return Ok(SignedAnswer::Pending);
        };
        let answers = self.answers()?;
        if let Some(pair) = asked.signed(&answers) {
            return Ok(SignedAnswer::Ready(Identity::of(pair, asked.before)));
        }
        if answers.is_revoked(&asked.csr) {
            return Ok(SignedAnswer::Pending);
        }
        if let Some(before) = asked.before {
            return Ok(SignedAnswer::Ready(Identity::of(before, None)));
        }
        Ok(match answers.error(&asked.csr) {
            Some(error) => SignedAnswer::Refused(error.message.replace('\n', " ")),
            None => SignedAnswer::Pending,
        })
    }

    /// Removes the key when the relation has ended, in the hook that says so.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn withdraw(&self) -> Result<(), RequirerError> {
        if clears_up(self.tools, self.hook)?
            && let Some(uri) = self.secret()?
        {
            self.tools.secret_remove(&uri, None)?;
        }
        Ok(())
    }

    /// Keeps a new request, with the certificate that there was; it is not sent
    /// before its key is kept.
    fn ask(&self, name: &CommonName, before: Option<Pair>) -> Result<Asked, RequirerError> {
        let request = OwnRequest::create(name.as_str(), &BTreeSet::new(), None)?;
        let asked = Asked {
            csr: tls_certificates::normalized(&request.csr),
            key: request.key,
            at: self.now,
            before,
        };
        let content = asked.content();
        match self.secret()? {
            Some(uri) => self.tools.secret_set(&uri, None, &content)?,
            None => {
                let description = format!("Key of the client over {}", self.relation);
                let (label, owner) = (self.label(), SecretOwner::Application);
                self.tools
                    .secret_add(&label, &description, &content, owner)?;
            }
        }
        Ok(asked)
    }

    fn answers(&self) -> Result<answers::Answers, RequirerError> {
        let read = self
            .tools
            .remote_app(self.relation)
            .and_then(|app| self.tools.relation_get_app(self.relation, &app));
        let bag = match read {
            // The agent may still know a relation that the model has no more.
            Err(error) if error.is_not_found() || error.is_denied() => Databag::new(),
            read => read?,
        };
        // Nonsense answers nothing.
        Ok(answers::read(&bag).unwrap_or_default())
    }

    fn asked(&self) -> Result<Option<Asked>, RequirerError> {
        let label = self.label();
        match self.tools.secret_get_by_label(&label, Revision::Refresh)? {
            Ok(content) => Ok(Asked::read(&content)),
            Err(SecretUnavailable::NotFound) => Ok(None),
            Err(source) => Err(RequirerError::OwnSecret { label, source }),
        }
    }

    fn secret(&self) -> Result<Option<SecretUri>, RequirerError> {
        let info = self.tools.secret_info(&self.label())?;
        Ok(info.and_then(|info| format!("secret:{}", info.id).parse().ok()))
    }

    fn label(&self) -> String {
        format!("{}-{}-request", self.relation.endpoint.0, self.relation.id)
    }
}

impl Asked {
    /// The certificate for the request, if it is one for its key.
    fn signed(&self, answers: &answers::Answers) -> Option<Pair> {
        let text = &answers.certificate(&self.csr)?.certificate;
        let certificate = OwnCertificate::read(text).ok()?;
        Issued::belongs_together(&certificate, &self.key).then(|| Pair {
            certificate: text.clone(),
            key: self.key.clone(),
        })
    }

    /// Whether another certificate is needed.
    fn is_due(&self, answers: &answers::Answers, now: Timestamp) -> bool {
        let signed = self.signed(answers);
        let read = signed.and_then(|pair| OwnCertificate::read(&pair.certificate).ok());
        answers.is_revoked(&self.csr)
            || read.is_some_and(|certificate| {
                let Timestamp(begin) = certificate.not_before;
                let Timestamp(end) = certificate.not_after;
                now >= certificate.not_after.plus_seconds(-(end - begin) / 3)
            })
    }

    /// What is used until the next certificate is there.
    fn replaced(self, answers: &answers::Answers) -> Option<Pair> {
        let signed = self.signed(answers);
        signed.or_else(|| self.before.filter(|_| !answers.is_revoked(&self.csr)))
    }

    fn read(content: &SecretContent) -> Option<Self> {
        let before = content.get(CERTIFICATE_BEFORE).zip(content.get(KEY_BEFORE));
        Some(Self {
            csr: content.get(REQUEST)?.to_owned(),
            key: Secret::new(content.get(REQUEST_KEY)?.to_owned()),
            at: Timestamp(content.get(ASKED)?.parse().ok()?),
            before: before.map(|(certificate, key)| Pair {
                certificate: certificate.to_owned(),
                key: Secret::new(key.to_owned()),
            }),
        })
    }

    fn content(&self) -> SecretContent {
        let Timestamp(at) = self.at;
        let mut content = vec![
            (REQUEST, self.csr.clone()),
            (REQUEST_KEY, self.key.expose().clone()),
            (ASKED, at.to_string()),
        ];
        if let Some(before) = &self.before {
            content.push((CERTIFICATE_BEFORE, before.certificate.clone()));
            content.push((KEY_BEFORE, before.key.expose().clone()));
        }
        content.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use certificates::Authority;

    use super::*;

    const NOW: Timestamp = Timestamp(1_770_000_000);

    fn asked(before: Option<Pair>) -> Asked {
        let request = OwnRequest::create("app", &BTreeSet::new(), None).expect("a request");
        Asked {
            csr: tls_certificates::normalized(&request.csr),
            key: request.key,
            at: NOW,
            before,
        }
    }

    fn answer(csr: &str, certificate: &str, is_revoked: bool) -> answers::Answers {
        let answer = answers::Answer {
            csr: csr.to_owned(),
            certificate: certificate.to_owned(),
            ca: certificate.to_owned(),
            chain: Vec::new(),
            is_revoked,
        };
        let bag = answers::write(&[answer], &[]).into_iter();
        let bag = bag.filter_map(|(key, value)| Some((key.to_owned(), value?)));
        answers::read(&bag.collect()).expect("answers")
    }

    #[test]
    fn what_is_kept_is_read() {
        let one = asked(None);
        let before = Pair {
            certificate: "certificate".to_owned(),
            key: one.key,
        };
        let two = asked(Some(before.clone()));
        let read = Asked::read(&two.content()).expect("it is complete");
        assert_eq!((read.csr, read.key), (two.csr, two.key));
        assert_eq!((read.at, read.before), (NOW, Some(before)));
        assert!(Asked::read(&SecretContent::default()).is_none());
    }

    #[test]
    fn a_certificate_of_another_key_is_none() {
        let authority = Authority::create("ca", NOW, 1000).expect("an authority");
        let issued = authority.issue_client("app", NOW, 500).expect("issued");
        let mut asked = asked(None);
        let stolen = answer(&asked.csr, &issued.certificate, false);
        assert_eq!(asked.signed(&stolen), None);
        asked.key = issued.key.clone();
        let pair = asked.signed(&stolen).expect("it is for this key");
        assert_eq!(pair.key, issued.key);
        let another = answer("another", &issued.certificate, false);
        assert_eq!(asked.signed(&another), None);
    }

    #[test]
    fn another_one_is_asked_for_in_the_last_third_and_after_a_revocation() {
        let authority = Authority::create("ca", NOW, 9000).expect("an authority");
        let issued = authority.issue_client("app", NOW, 900).expect("issued");
        let read = OwnCertificate::read(&issued.certificate).expect("a certificate");
        let (Timestamp(begin), Timestamp(end)) = (read.not_before, read.not_after);
        let due = read.not_after.plus_seconds(-(end - begin) / 3);
        let mut asked = asked(None);
        asked.key = issued.key;
        let answers = |is_revoked| answer(&asked.csr, &issued.certificate, is_revoked);
        assert!(!asked.is_due(&answers(false), due.plus_seconds(-1)));
        assert!(asked.is_due(&answers(false), due));
        assert!(asked.is_due(&answers(true), NOW));
        assert!(
            !asked.is_due(&answers::Answers::default(), due),
            "it is asked for"
        );

        // The last certificate is used on, unless the provider has revoked it.
        let kept = answers(false);
        let revoked = answers(true);
        let copy = Asked::read(&asked.content()).expect("it is complete");
        assert_eq!(copy.replaced(&revoked), None);
        let before = asked.replaced(&kept).expect("there is one");
        assert_eq!(before.certificate, issued.certificate.trim());
    }
}
