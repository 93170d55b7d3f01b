//! Notes that a hook leaves in memory for later ones: a checksum, and MessagePack, which
//! is read several times as fast as the JSON of the same records. Whatever is not exactly
//! that is no note.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MachineError;
use super::files::{PRIVATE_FILE, read as read_file, write_note};

/// What was noted at this path; `None` where nothing was, or what is there is damaged.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let file = read_file(path).ok().flatten()?;
    let (checksum, content) = file.split_first_chunk()?;
    if u32::from_le_bytes(*checksum) != crc32fast::hash(content) {
        return None;
    }
    rmp_serde::from_slice(content).ok()
}

/// Leaves a note at this path.
///
/// # Errors
/// It could not be written; the one before it is still there.
pub(super) fn write(path: &Path, content: &impl Serialize) -> Result<(), MachineError> {
    // With names, since records leave out what they do not have.
    let content = rmp_serde::to_vec_named(content);
    let content = content.expect("what is noted has no failing serializer");
    let checksum = crc32fast::hash(&content).to_le_bytes();
    write_note(path, &[&checksum, &content], PRIVATE_FILE)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_damaged_is_no_note() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("note");
        let content = (7_u32, "text".to_owned(), Some(vec![-1_i64]));
        let found = || read::<(u32, String, Option<Vec<i64>>)>(&path);
        assert_eq!(found(), None);
        write(&path, &content).expect("written");
        assert_eq!(found(), Some(content));
        let whole = fs::read(&path).expect("there");
        for at in 0..whole.len() {
            fs::write(&path, &whole[..at]).expect("writable");
            assert_eq!(found(), None, "{at}");
            let mut damaged = whole.clone();
            damaged[at] ^= 0x20;
            fs::write(&path, &damaged).expect("writable");
            assert_eq!(found(), None, "{at}");
        }
    }
}
