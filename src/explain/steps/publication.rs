//! What is published, in words.

use super::{VERIFY, Words, write};
use crate::facts::{CommonName, Relation, RequestKey, SecretUri};
use crate::plan::publish::{Changes, Publication, RelationPublication, SigningPublication};

pub(super) fn publish(publication: &Publication) -> Vec<Words> {
    // Destructured whole, so that a field that is added cannot be forgotten.
    let Publication {
        makes_authorities,
        ledger,
        relations,
        obsolete_secrets,
        departed,
        peer_app,
        peer_unit,
        legacy,
        ended,
        authorities,
        makes_client_authority,
        signing,
        transfers,
        request,
        // It is set in every full pass, and mostly to what it is.
        version: _,
    } = publication;
    let mut words: Vec<Words> = Vec::new();
    if *makes_authorities {
        let summary = "make the certificate authorities, and say which unit bootstraps the cluster";
        words.push(("make-authorities", String::new(), summary.to_owned()));
    }
    words.extend(ledger.iter().filter_map(write));
    words.extend(relations.iter().map(answer));
    words.extend(legacy.iter().map(|told| answer_legacy(told.relation)));
    let names = ended.iter().flat_map(|ended| &ended.names);
    words.extend(names.map(forget_issued));
    if *makes_client_authority {
        let summary = "make the authority that signs certificates of clients";
        words.push(("make-authorities", String::new(), summary.to_owned()));
    }
    words.extend(signing.iter().map(sign));
    words.extend(transfers.iter().map(|told| tell_authorities(told.relation)));
    if let Some((relation, _)) = request {
        let summary = format!("ask for a certificate over relation {relation}");
        words.push(("ask", relation.id.to_string(), summary));
    }
    if authorities.is_some() {
        let summary = "take the next step of replacing an authority";
        words.push(("replace-authority", String::new(), summary.to_owned()));
    }
    let of_answers = relations.iter().flat_map(|told| &told.obsolete_secrets);
    words.extend(of_answers.chain(obsolete_secrets).map(remove_secret));
    words.extend(departed.iter().map(|gone| forget_request(&gone.key)));
    words.extend(tell_units("all units", peer_app));
    words.extend(tell_units("the other units", peer_unit));
    words
}

fn answer_legacy(relation: Relation) -> Words {
    let summary = format!("answer relation {relation} for this unit");
    ("answer", relation.id.to_string(), summary)
}

fn forget_issued(name: &CommonName) -> Words {
    let summary = format!("forget the identity {name}, whose relation is gone");
    ("forget-issued", name.to_string(), summary)
}

fn sign(publication: &SigningPublication) -> Words {
    let relation = publication.relation;
    let count = publication.to_sign.len();
    let summary = format!("sign {count} certificates and answer relation {relation}");
    ("sign", relation.id.to_string(), summary)
}

fn tell_authorities(relation: Relation) -> Words {
    let summary = format!("tell relation {relation} whom to trust");
    ("tell-authorities", relation.id.to_string(), summary)
}

fn remove_secret(secret: &SecretUri) -> Words {
    let id = secret.id().to_string();
    let summary = format!("remove secret {id}, which nobody needs any more");
    ("remove-secret", id, summary)
}

fn forget_request(key: &RequestKey) -> Words {
    let summary = format!("remove what is left of the request of relation {key}");
    ("forget-request", key.to_string(), summary)
}

fn tell_units(whose: &str, changes: &Changes) -> Option<Words> {
    let keys: Vec<_> = changes.keys().map(String::as_str).collect();
    let summary = format!("tell {whose} anew: {}", keys.join(", "));
    (!keys.is_empty()).then(|| ("tell-units", String::new(), summary))
}

fn answer(publication: &RelationPublication) -> Words {
    let relation = publication.relation.to_string();
    let is_written = publication.changes(&Default::default()).is_empty();
    let has_secrets = publication
        .answers
        .iter()
        .all(|answer| answer.user.uri.is_some() && answer.tls.uri.is_some());
    if publication.makes_encryption_key {
        let summary = format!("make an encryption key for relation {relation}");
        return ("make-encryption-key", relation, summary);
    }
    if is_written && has_secrets {
        let summary =
            format!("make sure that the secrets of relation {relation} hold what they should");
        return (VERIFY, relation, summary);
    }
    let summary = match publication.answers.len() {
        0 => format!("take back the answer to relation {relation}"),
        _ => format!("answer relation {relation}"),
    };
    ("answer", relation, summary)
}
