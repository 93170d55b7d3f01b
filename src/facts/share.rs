//! Secrets that were shared over a relation, by a hook whose commit is not known
//! to have succeeded.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Databag, Timestamp};

/// What a hook did that shared secrets with a relation for the first time. Whoever
/// is given a secret is told of it in the databag, so a databag that is still the
/// same says that Juju has refused the commit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Share {
    /// The digest of our databag before.
    databag: String,
    /// How often it was tried on this databag.
    pub tries: u32,
    /// Whether the last try was for this relation alone.
    pub alone: bool,
    /// When the last try was.
    pub at: Timestamp,
}

impl Share {
    /// A try with this databag of ours, after those before.
    pub fn tried(before: Option<&Self>, databag: &Databag, alone: bool, at: Timestamp) -> Self {
        let before = before.filter(|share| share.was_refused(databag));
        Self {
            databag: digest(databag),
            tries: before.map_or(0, |share| share.tries).saturating_add(1),
            alone,
            at,
        }
    }

    /// Whether it came to nothing, judged by our databag as it is now.
    pub fn was_refused(&self, databag: &Databag) -> bool {
        self.databag == digest(databag)
    }
}

fn digest(databag: &Databag) -> String {
    let mut hash = Sha256::new();
    for text in databag.iter().flat_map(|(key, value)| [key, value]) {
        // Lengths keep two neighbouring texts apart.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_databag_that_stays_as_it_was_tells_of_a_refusal() {
        let bag = |value: &str| Databag::from([("secret-user".to_owned(), value.to_owned())]);
        let (before, after) = (Databag::new(), bag("secret:x"));
        let at = Timestamp(1);
        let first = Share::tried(None, &before, true, at);
        assert!(first.was_refused(&before) && !first.was_refused(&after));
        let second = Share::tried(Some(&first), &before, true, at);
        assert_eq!((first.tries, second.tries), (1, 2));
        let other = Share::tried(Some(&second), &after, true, at);
        assert_eq!(other.tries, 1);
    }
}
