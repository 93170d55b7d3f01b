//! Records of requests: most of them are looked at and not read.

use super::super::records::Record;
use super::super::records::packed::{Reader, parsed, write_text};
use super::super::{ClientRecord, Fingerprint, Grant, Timestamp};

/// What a record of a request says. Texts are bytes here, since none of them is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientView<'a> {
    /// See [`ClientRecord::app`].
    pub app: Option<&'a [u8]>,
    /// See [`ClientRecord::grant`].
    pub grant: Option<GrantView<'a>>,
    /// Whether there is a [`ClientRecord::condition`].
    pub has_condition: bool,
    /// See [`ClientRecord::secret`].
    pub secret: Option<&'a [u8]>,
    /// See [`ClientRecord::answer`].
    pub answer: Option<&'a [u8]>,
    /// See [`ClientRecord::departed`].
    pub departed: bool,
    /// See [`ClientRecord::ungranted`].
    pub ungranted: bool,
}

/// What a grant says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GrantView<'a> {
    /// See [`Grant::common_name`].
    pub common_name: &'a [u8],
    /// See [`Grant::prefix`].
    pub prefix: &'a [u8],
    /// See [`Grant::certificate`].
    pub certificate: &'a [u8],
    /// See [`Grant::issuer`].
    pub issuer: Option<&'a [u8]>,
    /// See [`Grant::fingerprint`].
    pub fingerprint: &'a [u8],
    /// See [`Grant::not_after`].
    pub not_after: Timestamp,
    /// See [`Grant::granted_at`].
    pub granted_at: Timestamp,
}

impl<'a> From<&'a Grant> for GrantView<'a> {
    fn from(grant: &'a Grant) -> Self {
        let Grant {
            common_name,
            prefix,
            certificate,
            issuer,
            fingerprint,
            not_after,
            granted_at,
        } = grant;
        let issuer = issuer.as_ref();
        Self {
            common_name: common_name.as_str().as_bytes(),
            prefix: prefix.as_str().as_bytes(),
            certificate: certificate.as_bytes(),
            issuer: issuer.map(|issuer| issuer.as_str().as_bytes()),
            fingerprint: fingerprint.as_str().as_bytes(),
            not_after: *not_after,
            granted_at: *granted_at,
        }
    }
}

impl<'a> GrantView<'a> {
    /// The fingerprint.
    pub fn leaf(&self) -> Fingerprint {
        parsed(self.fingerprint).expect("a grant is noted with a fingerprint")
    }

    /// The certificate.
    pub fn certificate_text(&self) -> &'a str {
        std::str::from_utf8(self.certificate).expect("a certificate is noted as text")
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.not_after.0.to_le_bytes());
        bytes.extend_from_slice(&self.granted_at.0.to_le_bytes());
        for text in [
            self.fingerprint,
            self.issuer.unwrap_or_default(),
            self.common_name,
            self.prefix,
            self.certificate,
        ] {
            write_text(bytes, text);
        }
    }

    fn of(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            not_after: Timestamp(reader.number()?),
            granted_at: Timestamp(reader.number()?),
            fingerprint: reader.text()?,
            issuer: Some(reader.text()?).filter(|issuer| !issuer.is_empty()),
            common_name: reader.text()?,
            prefix: reader.text()?,
            certificate: reader.text()?,
        })
    }

    fn read(&self) -> Option<Grant> {
        Some(Grant {
            common_name: parsed(self.common_name)?,
            prefix: parsed(self.prefix)?,
            certificate: std::str::from_utf8(self.certificate).ok()?.to_owned(),
            issuer: match self.issuer {
                Some(issuer) => Some(parsed(issuer)?),
                None => None,
            },
            fingerprint: parsed(self.fingerprint)?,
            not_after: self.not_after,
            granted_at: self.granted_at,
        })
    }
}

/// What is there of a record, bit by bit.
const APP: u8 = 1;
const GRANT: u8 = 1 << 1;
const CONDITION: u8 = 1 << 2;
const SECRET: u8 = 1 << 3;
const ANSWER: u8 = 1 << 4;
const DEPARTED: u8 = 1 << 5;
const UNGRANTED: u8 = 1 << 6;

impl<'a> ClientView<'a> {
    /// What these bytes say, and the condition, as it is stored.
    fn of(bytes: &'a [u8]) -> Option<(Self, Option<&'a [u8]>)> {
        let mut reader = Reader(bytes);
        let parts = reader.byte()?;
        let has = |part| parts & part != 0;
        let grant = match has(GRANT) {
            true => Some(GrantView::of(&mut reader)?),
            false => None,
        };
        let app = reader.text_if(has(APP))?;
        let condition = reader.text_if(has(CONDITION))?;
        let view = Self {
            app,
            grant,
            has_condition: condition.is_some(),
            secret: reader.text_if(has(SECRET))?,
            answer: reader.text_if(has(ANSWER))?,
            departed: has(DEPARTED),
            ungranted: has(UNGRANTED),
        };
        reader.end((view, condition))
    }
}

impl Record for ClientRecord {
    type View<'a> = ClientView<'a>;

    fn write(&self, bytes: &mut Vec<u8>) {
        let view = self.view();
        let parts = [
            (APP, view.app.is_some()),
            (GRANT, view.grant.is_some()),
            (CONDITION, view.has_condition),
            (SECRET, view.secret.is_some()),
            (ANSWER, view.answer.is_some()),
            (DEPARTED, view.departed),
            (UNGRANTED, view.ungranted),
        ];
        let parts = parts.into_iter().filter(|(_, is_there)| *is_there);
        bytes.push(parts.fold(0, |parts, (part, _)| parts | part));
        if let Some(grant) = &view.grant {
            grant.write(bytes);
        }
        let condition = self.condition.as_ref().map(|condition| {
            serde_json::to_vec(condition).expect("a condition has no failing serializer")
        });
        let texts = [view.app, condition.as_deref(), view.secret, view.answer];
        for text in texts.into_iter().flatten() {
            write_text(bytes, text);
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (view, condition) = ClientView::of(bytes)?;
        let text = |text: &[u8]| std::str::from_utf8(text).ok().map(str::to_owned);
        // What is there and cannot be read is no record.
        fn whole<'a, T>(
            part: Option<&'a [u8]>,
            read: impl FnOnce(&'a [u8]) -> Option<T>,
        ) -> Option<Option<T>> {
            match part {
                Some(part) => read(part).map(Some),
                None => Some(None),
            }
        }
        Some(Self {
            app: whole(view.app, parsed)?,
            grant: match &view.grant {
                Some(grant) => Some(grant.read()?),
                None => None,
            },
            condition: whole(condition, |condition| {
                serde_json::from_slice(condition).ok()
            })?,
            secret: whole(view.secret, parsed)?,
            answer: whole(view.answer, text)?,
            departed: view.departed,
            ungranted: view.ungranted,
        })
    }

    fn view(&self) -> ClientView<'_> {
        let Self {
            app,
            grant,
            condition,
            secret,
            answer,
            departed,
            ungranted,
        } = self;
        ClientView {
            app: app.as_ref().map(|app| app.as_str().as_bytes()),
            grant: grant.as_ref().map(GrantView::from),
            has_condition: condition.is_some(),
            secret: secret.as_ref().map(|secret| secret.as_str().as_bytes()),
            answer: answer.as_ref().map(String::as_bytes),
            departed: *departed,
            ungranted: *ungranted,
        }
    }

    fn view_of(bytes: &[u8]) -> Option<ClientView<'_>> {
        ClientView::of(bytes).map(|(view, _)| view)
    }
}
