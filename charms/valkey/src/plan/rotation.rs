//! When the application's own passwords and its authority are replaced, and when
//! the next step of that is taken.

use certificates::{OwnCertificate, Timestamp};

use crate::facts::{Juju, OwnSecret, Stage};

/// How long clients have to take over another authority before it signs, where
/// nobody says otherwise: an hour.
pub const GRACE_SECONDS: i64 = 3600;

/// An authority is replaced so long before its end: certificates that it signs are
/// valid for a year.
const AUTHORITY_BEFORE_SECONDS: i64 = 400 * 24 * 3600;

/// Whether the authority has to be replaced because its end is near. One that
/// cannot be read is not: what would sign then is unknown.
pub fn is_due(own: &OwnSecret, now: Timestamp) -> bool {
    let authority = OwnCertificate::read(&own.authority.certificate);
    own.stage.is_none()
        && authority.is_ok_and(|authority| {
            now.plus_seconds(AUTHORITY_BEFORE_SECONDS) >= authority.not_after
        })
}

/// The units that have not taken the last step yet. Of one that does not tell,
/// nothing is assumed.
fn behind(juju: &Juju, own: &OwnSecret) -> Vec<String> {
    let members = juju.members.iter();
    let behind = members.filter(|(_, member)| member.step != Some(own.step));
    behind.map(|(unit, _)| unit.to_string()).collect()
}

/// The secret as the leader should store it next, if it is time for the next step.
pub fn next(juju: &Juju, own: &OwnSecret) -> Option<OwnSecret> {
    let stage = own.stage?;
    if !juju.leader || !behind(juju, own).is_empty() {
        return None;
    }
    let mut next = own.clone();
    next.step += 1;
    match stage {
        Stage::Next(from) if juju.now.0 < from => return None,
        Stage::Next(_) => {
            next.stage = Some(Stage::Previous);
            if let Some(mut other) = next.internal.other.take() {
                std::mem::swap(&mut next.internal, &mut other);
                next.internal.other = Some(other);
            }
            if let Some(other) = &mut next.other {
                std::mem::swap(&mut next.authority, other);
            }
        }
        Stage::Previous => {
            next.stage = None;
            next.internal.other = None;
            next.other = None;
        }
    }
    Some(next)
}

/// How far a replacement is, for an operator.
pub fn progress(juju: &Juju, own: &OwnSecret) -> Option<String> {
    let stage = own.stage?;
    let what = match &own.other {
        Some(_) => "the CA",
        None => "internal passwords",
    };
    let behind = behind(juju, own);
    let how_far = match (stage, behind.is_empty()) {
        (_, false) => format!("waiting for {}", behind.join(", ")),
        (Stage::Next(from), true) => format!("the next signs from {}", Timestamp(from)),
        (Stage::Previous, true) => "removing the previous".to_owned(),
    };
    Some(format!("replacing {what}: {how_far}"))
}

#[cfg(test)]
mod tests {
    use certificates::Authority;
    use secret_value::Secret;

    use super::*;
    use crate::acl::Internal;
    use crate::facts::OwnAuthority;
    use crate::plan::testing::{juju, unit};

    fn users(text: &str) -> Internal {
        let password = || Secret::new(text.to_owned());
        Internal {
            operator: password(),
            peer: password(),
            replication: password(),
            sentinel: password(),
            other: None,
        }
    }

    fn own() -> OwnSecret {
        let authority = Authority::create("a", Timestamp(0), 1000 * 24 * 3600).expect("made");
        OwnSecret {
            internal: users("old"),
            authority: OwnAuthority {
                certificate: authority.certificate.clone(),
                key: authority.key().clone(),
            },
            other: None,
            step: 6,
            stage: None,
        }
    }

    #[test]
    fn each_step_waits_for_every_unit() {
        let mut juju = juju(&[1, 2]);
        let mut own = own();
        assert_eq!(next(&juju, &own), None, "nothing is replaced");
        own.stage = Some(Stage::Next(0));
        own.internal.other = Some(Box::new(users("new")));
        for (number, step) in [(1, Some(6)), (2, None)] {
            juju.members.get_mut(&unit(number)).expect("a member").step = step;
        }
        assert_eq!(next(&juju, &own), None);
        let waits = "replacing internal passwords: waiting for valkey/2";
        assert_eq!(progress(&juju, &own).as_deref(), Some(waits));
        let set = |juju: &mut Juju, step| {
            for member in juju.members.values_mut() {
                member.step = Some(step);
            }
        };
        set(&mut juju, 6);
        let own = next(&juju, &own).expect("the new ones are used");
        assert_eq!((own.step, own.stage), (7, Some(Stage::Previous)));
        assert_eq!(own.internal.operator.expose(), "new");
        let other = own.internal.other.as_ref().expect("still accepted");
        assert_eq!(other.operator.expose(), "old");
        assert_eq!(next(&juju, &own), None);
        set(&mut juju, 7);
        juju.leader = false;
        assert_eq!(next(&juju, &own), None, "only the leader stores");
        juju.leader = true;
        let own = next(&juju, &own).expect("the old ones end");
        assert_eq!((own.step, own.stage), (8, None));
        assert_eq!(own.internal, users("new"));
    }

    #[test]
    fn an_authority_signs_from_its_time_on_and_is_replaced_before_its_end() {
        let mut juju = juju(&[1]);
        let mut own = own();
        juju.members.get_mut(&unit(1)).expect("a member").step = Some(6);
        assert!(!is_due(&own, Timestamp(599 * 24 * 3600)));
        assert!(is_due(&own, Timestamp(601 * 24 * 3600)));
        let old = own.authority.clone();
        let new = OwnAuthority {
            certificate: "new".to_owned(),
            ..old.clone()
        };
        own.other = Some(new.clone());
        own.stage = Some(Stage::Next(100));
        assert!(!is_due(&own, Timestamp(601 * 24 * 3600)), "it is under way");
        assert_eq!(next(&juju, &own), None);
        juju.now = Timestamp(100);
        let own = next(&juju, &own).expect("the new one signs");
        assert_eq!((own.authority.clone(), own.other.clone()), (new, Some(old)));
        juju.members.get_mut(&unit(1)).expect("a member").step = Some(7);
        assert_eq!(next(&juju, &own).expect("the end").other, None);
    }
}
