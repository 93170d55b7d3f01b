//! Who is in the trust files of this unit, kept in memory: they are read anew once one
//! of them is another file. With many clients the reading is most of what a hook does.
//!
//! A note is of three certain files and of this very program. One that cannot be read is
//! none; and a pass over all relations reads the files themselves.

use std::path::Path;

use super::MachineError;
use super::file_stamp::FileStamp;
use super::files::{PRIVATE_FILE, read, write_note};
use super::paths::Paths;
use crate::facts::ledger_note::{read_leaves, write_leaves};
use crate::facts::machine::Leaves;
use crate::facts::note_bytes::{NoteReader, NoteWriter};

/// Which trust files there are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustStamp(Vec<u8>);

impl TrustStamp {
    /// Those that there are now.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn now(paths: &Paths, program: &Path) -> Result<Self, MachineError> {
        let mut stamp = NoteWriter::default();
        let (wanted, loaded) = (paths.wanted_trust(), paths.loaded_trust());
        let served = paths.served_trust();
        for path in [&*wanted, &*loaded, &*served, program] {
            FileStamp::of(path)?.write(&mut stamp);
        }
        Ok(Self(stamp.finish()))
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

/// What was noted of these files; `None` where nothing was.
pub fn recall(paths: &Paths, stamp: &TrustStamp) -> Option<TrustFiles> {
    let content = read(&paths.kept_trust()).ok().flatten()?;
    let mut note = NoteReader::new(content.strip_prefix(stamp.0.as_slice())?)?;
    let loaded = note.option(|note| Some((read_leaves(note)?, read_leaves(note)?)))?;
    let is_same = note.flag()?;
    let written = match (is_same, &loaded) {
        (true, Some((_, leaves))) => Some(leaves.clone()),
        (true, None) => return None,
        (false, _) => note.option(read_leaves)?,
    };
    let is_unproven = note.flag()?;
    note.is_empty().then_some(TrustFiles {
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
    let mut note = NoteWriter::default();
    note.option(loaded.as_ref(), |note, (authorities, leaves)| {
        write_leaves(note, authorities);
        write_leaves(note, leaves);
    });
    let loaded_leaves = loaded.as_ref().map(|(_, leaves)| leaves);
    // As it is but between the writing of one and the start of etcd.
    let is_same = written.is_some() && written.as_ref() == loaded_leaves;
    note.flag(is_same);
    if !is_same {
        note.option(written.as_ref(), write_leaves);
    }
    note.flag(*is_unproven);
    write_note(
        &paths.kept_trust(),
        &[&stamp.0, &note.finish()],
        PRIVATE_FILE,
    )
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
