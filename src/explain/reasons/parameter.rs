//! What is wrong with a parameter of an action, as the end of a sentence that the
//! parameter begins.

use super::no_defragmentation;
use crate::facts::RelationId;
use crate::plan::refusal::ParameterFault;

/// Why a parameter cannot be used.
pub fn parameter(fault: &ParameterFault) -> String {
    let text = match fault {
        ParameterFault::Unknown => "is not known to this action",
        ParameterFault::NotText => "is no text",
        ParameterFault::NotANumber => "is no whole number",
        ParameterFault::NotAFlag => "is neither true nor false",
        ParameterFault::NoName => "is missing: whose certificates?",
        ParameterFault::NotACommonName => {
            "is no common name: 1 to 64 characters, no control characters"
        }
        ParameterFault::BesideFullAccess => "contradicts `full-access=true`: leave one out",
        ParameterFault::NoKeys => "is false: name the keys by `prefix`",
        ParameterFault::GraceTooLong => "is more than a year",
        ParameterFault::NotARevision => {
            "is no revision: give a whole number from 1 on, or nothing for the latest"
        }
        ParameterFault::NotAbsolute => "is no absolute path",
        ParameterFault::NoFile => "is missing: name the file to restore",
        ParameterFault::Prefix(refusal) => return format!("cannot be granted: {refusal}"),
        ParameterFault::Days(days, most) => return format!("is {days}: choose 1 to {most}"),
        ParameterFault::NotAClient(all) => return no_client(all),
        ParameterFault::Member(refusal) => return no_defragmentation(refusal),
        ParameterFault::Compacted(revision, latest) => {
            return format!("is too old: {revision} is compacted already; the latest is {latest}");
        }
        ParameterFault::Future(latest) => {
            return format!("is in the future: the latest is {latest}");
        }
        ParameterFault::NotADirectory(target) => {
            return format!("is no directory: {} is a file", target.display());
        }
        ParameterFault::Unwritable(error) => {
            return format!("cannot be written to ({error}): name another directory");
        }
        ParameterFault::Unusable(error) => {
            return format!("cannot be used ({error}): name another directory");
        }
        ParameterFault::NotAFile(unit) => {
            return format!("names no file: copy it to the unit with `juju scp <file> {unit}:`");
        }
        ParameterFault::NotASnapshot(error) => return format!("cannot be used: {error}"),
    };
    text.to_owned()
}

fn no_client(all: &[RelationId]) -> String {
    let all: Vec<_> = all.iter().map(RelationId::to_string).collect();
    match all.as_slice() {
        [] => "is no relation with a client; there is none".to_owned(),
        all => format!("is no relation with a client; there are {}", all.join(", ")),
    }
}
