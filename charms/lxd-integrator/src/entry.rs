//! The names of our entries in LXD's trust store. An entry says by its name
//! whose it is, so nothing has to be remembered here: LXD keeps it, beside the
//! certificate that it is about.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use certificates::Fingerprint;
use juju_hooks::{AppName, ModelUuid, RelationId};

/// How many digits of the fingerprint stand in the name: enough to see that an
/// entry has another certificate than the one that it was made for.
const MARK_DIGITS: usize = 12;

/// The name of an entry that this application made:
/// `juju:<model uuid>:<application>:<relation>[+<relation>…]:<first 12 digits of the fingerprint>`.
///
/// Model and application are in it since several integrators may share one LXD;
/// all relations that want the certificate, so that one of them can go without a
/// look at the others. It has no `/` and no leading `-`, which LXD refuses from
/// 5.21 on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryName {
    /// The model of this application.
    pub model: ModelUuid,
    /// This application.
    pub app: AppName,
    /// The relations over which the certificate is wanted.
    pub relations: BTreeSet<RelationId>,
    /// The first digits of the fingerprint of the certificate that was added.
    pub mark: String,
}

/// A name that is not one of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotOurs;

impl EntryName {
    /// The name for a certificate that these relations want.
    pub fn new(
        model: &ModelUuid,
        app: &AppName,
        relations: BTreeSet<RelationId>,
        fingerprint: &Fingerprint,
    ) -> Self {
        Self {
            model: model.clone(),
            app: app.clone(),
            relations,
            mark: mark(fingerprint),
        }
    }

    /// Whether the entry still has the certificate that it was made for: the
    /// holder of a restricted entry may replace the certificate in it
    /// (LXD's `certificate_self_renewal`).
    pub fn is_for(&self, fingerprint: &Fingerprint) -> bool {
        self.mark == mark(fingerprint)
    }
}

fn mark(fingerprint: &Fingerprint) -> String {
    fingerprint.as_str().chars().take(MARK_DIGITS).collect()
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relations: Vec<_> = self.relations.iter().map(RelationId::to_string).collect();
        let relations = relations.join("+");
        let Self {
            model, app, mark, ..
        } = self;
        write!(f, "juju:{model}:{app}:{relations}:{mark}")
    }
}

impl FromStr for EntryName {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let parts: Vec<_> = text.split(':').collect();
        let ["juju", model, app, relations, mark] = parts[..] else {
            return Err(NotOurs);
        };
        let name = Self {
            model: model.parse().map_err(|_| NotOurs)?,
            app: app.parse().map_err(|_| NotOurs)?,
            relations: relations
                .split('+')
                .map(|id| id.parse().map_err(|_| NotOurs))
                .collect::<Result<_, _>>()?,
            mark: mark.to_owned(),
        };
        // Compared whole: what we would not write so is not ours.
        (name.to_string() == text).then_some(name).ok_or(NotOurs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";

    #[test]
    fn a_name_is_read_back_whole() {
        let fingerprint = Fingerprint::of_der(b"a certificate");
        let relations = [RelationId(10), RelationId(1)].into();
        let model = MODEL.parse().expect("a UUID");
        let app = "lxd-integrator".parse().expect("a name");
        let name = EntryName::new(&model, &app, relations, &fingerprint);
        let text = name.to_string();
        assert!(text.starts_with(&format!("juju:{MODEL}:lxd-integrator:1+10:")));
        assert_eq!(text.parse(), Ok(name.clone()));
        assert!(name.is_for(&fingerprint));
        assert!(!name.is_for(&Fingerprint::of_der(b"another")));
    }

    #[test]
    fn what_others_named_is_not_ours() {
        for text in [
            "juju-relation-app",
            "juju:x:y:1:abc",
            &format!("juju:{MODEL}:app::abc"),
            &format!("juju:{MODEL}:app:2+1:abc"),
            &format!("juju:{MODEL}:app:1:abc:more"),
            "",
        ] {
            assert_eq!(text.parse::<EntryName>(), Err(NotOurs), "{text}");
        }
    }
}
