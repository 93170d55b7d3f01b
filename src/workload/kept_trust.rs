//! Who is in the trust files of this unit, kept in memory: they are read anew once one
//! of them is another file. With many clients the reading is most of what a hook does.
//!
//! A note is of three certain files and of this very program. One that cannot be read is
//! none; and a pass over all relations reads the files themselves.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file_stamp::FileStamp;
use super::paths::Paths;
use super::{MachineError, note};
use crate::facts::machine::Leaves;
use crate::facts::{NotedLeaves, ToNote};

/// Which trust files there are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TrustStamp([FileStamp; 4]);

impl TrustStamp {
    /// Those that there are now.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn now(paths: &Paths, program: &Path) -> Result<Self, MachineError> {
        Ok(Self([
            FileStamp::of(&paths.wanted_trust())?,
            FileStamp::of(&paths.loaded_trust())?,
            FileStamp::of(&paths.served_trust())?,
            FileStamp::of(program)?,
        ]))
    }
}

/// What the trust files say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustFiles {
    /// The leaves in the file that etcd will read at its next start.
    pub written: Option<Leaves>,
    /// The authorities and the leaves in the file that the running etcd read.
    pub loaded: Option<(Leaves, Leaves)>,
    /// Whether that is another one than the file with which it was seen to serve last.
    pub is_unproven: bool,
}

/// The leaves that etcd will read at its next start, as they are noted.
#[derive(Debug, Deserialize, Serialize)]
enum Written<T> {
    /// They are those that it has read.
    AsLoaded,
    /// They are these.
    Others(Option<T>),
}

/// A note, as it is read.
type Kept = (
    TrustStamp,
    Option<(NotedLeaves, NotedLeaves)>,
    Written<NotedLeaves>,
    bool,
);

/// What was noted of these files; `None` where nothing was.
pub fn recall(paths: &Paths, stamp: &TrustStamp) -> Option<TrustFiles> {
    let (of, loaded, written, is_unproven): Kept = note::read(&paths.kept_trust())?;
    if of != *stamp {
        return None;
    }
    let loaded = loaded.map(|(authorities, leaves)| (authorities.0, leaves.0));
    let written = match written {
        Written::AsLoaded => loaded.as_ref().map(|(_, leaves)| leaves.clone()),
        Written::Others(leaves) => leaves.map(|leaves| leaves.0),
    };
    Some(TrustFiles {
        written,
        loaded,
        is_unproven,
    })
}

/// Notes what these files say.
///
/// # Errors
/// The note could not be written.
pub fn note(paths: &Paths, stamp: &TrustStamp, files: &TrustFiles) -> Result<(), MachineError> {
    let TrustFiles {
        written,
        loaded,
        is_unproven,
    } = files;
    let loaded_leaves = loaded.as_ref().map(|(_, leaves)| leaves);
    let written = match written.as_ref() == loaded_leaves {
        true => Written::AsLoaded,
        false => Written::Others(written.as_ref().map(ToNote)),
    };
    let loaded = loaded.as_ref();
    let loaded = loaded.map(|(authorities, leaves)| (ToNote(authorities), ToNote(leaves)));
    note::write(&paths.kept_trust(), &(stamp, loaded, written, is_unproven))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::layout::ensure_layout;
    use super::super::testing::Machine;
    use super::*;
    use crate::facts::Fingerprint;

    fn leaves(digits: &[&str]) -> Leaves {
        let leaf = |digit: &&str| Fingerprint::try_from(digit.repeat(64)).expect("64 digits");
        digits.iter().map(leaf).collect()
    }

    #[test]
    fn a_note_is_of_the_files_that_there_are() {
        let machine = Machine::new();
        let paths = machine.paths();
        ensure_layout(&paths).expect("directories");
        fs::create_dir_all(paths.loaded_dir()).expect("a directory");
        let program = machine.root().join("program");
        let stamp = || TrustStamp::now(&paths, &program).expect("a stamp");
        let loaded = (leaves(&["a"]), leaves(&["b", "c"]));
        let all = [
            TrustFiles::default(),
            TrustFiles {
                written: Some(leaves(&["b", "c"])),
                loaded: Some(loaded.clone()),
                is_unproven: false,
            },
            TrustFiles {
                written: Some(leaves(&["b"])),
                loaded: Some(loaded),
                is_unproven: true,
            },
            TrustFiles {
                written: Some(Leaves::new()),
                loaded: None,
                is_unproven: false,
            },
        ];
        for path in [
            program.clone(),
            paths.wanted_trust(),
            paths.loaded_trust(),
            paths.served_trust(),
        ] {
            for files in &all {
                let before = stamp();
                assert_eq!(recall(&paths, &before), None);
                note(&paths, &before, files).expect("written");
                assert_eq!(stamp(), before);
                assert_eq!(recall(&paths, &before).as_ref(), Some(files));
                let whole = fs::read(paths.kept_trust()).expect("there");
                for length in 0..whole.len() {
                    fs::write(paths.kept_trust(), &whole[..length]).expect("writable");
                    assert_eq!(recall(&paths, &before), None, "{length}");
                }
                fs::write(paths.kept_trust(), &whole).expect("writable");
                let new = path.with_extension("new");
                fs::write(&new, "other").expect("writable");
                fs::rename(&new, &path).expect("renamed");
                assert_eq!(recall(&paths, &stamp()), None, "{path:?}");
            }
        }
    }
}
