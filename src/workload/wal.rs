//! Whose data it is that etcd has written: every file of its log begins with the
//! identifiers of the member and of its cluster (`server/storage/wal`). That is
//! what etcd itself goes by, and a directory without such a file it takes for
//! that of a member that has never run.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::facts::{Cause, MemberData, MemberId, MemberIdentity};

/// How much of a file is read: the two records that are wanted take fewer than
/// a hundred bytes.
const HEAD_BYTES: u64 = 4096;

/// The types of records (`wal.go`).
const METADATA_TYPE: u64 = 1;
const CRC_TYPE: u64 = 4;

/// Why a file of a log does not say whose it is.
#[derive(Debug, Error)]
enum LogError {
    /// It does not begin as every such file does.
    #[error("{0} is damaged")]
    Damaged(PathBuf),
    /// It cannot be read.
    #[error("failed to read {file}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Whose data is in a directory of etcd.
pub fn identity(data_dir: &Path) -> MemberData {
    let file = match newest(&data_dir.join("member/wal")) {
        Ok(Some(file)) => file,
        Ok(None) => return MemberData::Absent,
        Err(error) => return MemberData::Unreadable(Cause::of(&error)),
    };
    let mut head = Vec::new();
    let read = File::open(&file).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    match read {
        Ok(_) => match first_metadata(&head) {
            Some(identity) => MemberData::Of(identity),
            None => MemberData::Unreadable(Cause::of(&LogError::Damaged(file))),
        },
        Err(source) => MemberData::Unreadable(Cause::of(&LogError::Read { file, source })),
    }
}

/// The newest file of a log; each names the same member.
fn newest(log: &Path) -> std::io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut newest = None;
    for entry in entries {
        let path = entry?.path();
        let is_of_the_log = path.extension().is_some_and(|extension| extension == "wal");
        if is_of_the_log && newest.as_ref().is_none_or(|newest| path > *newest) {
            newest = Some(path);
        }
    }
    Ok(newest)
}

/// What the metadata says that follows the first checksum.
fn first_metadata(mut text: &[u8]) -> Option<MemberIdentity> {
    let (crc, _) = record(&mut text)?;
    let (metadata, data) = record(&mut text)?;
    if crc != CRC_TYPE || metadata != METADATA_TYPE {
        return None;
    }
    let number = |wanted: u64| {
        fields(data).find_map(|field| match field {
            Field::Number(number, value) if number == wanted => Some(value),
            _ => None,
        })
    };
    Some(MemberIdentity {
        member: MemberId(number(1)?),
        cluster: number(2)?,
    })
}

/// The type and the data of the next record. Before each stands its length; the
/// highest byte of that tells of padding (`encoder.go`).
fn record<'t>(text: &mut &'t [u8]) -> Option<(u64, &'t [u8])> {
    let (length, rest) = text.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    let padding = match length >> 63 {
        0 => 0,
        _ => (length >> 56) & 7,
    };
    let length = usize::try_from(length & 0x00ff_ffff_ffff_ffff).ok()?;
    let padding = usize::try_from(padding).ok()?;
    let (record, rest) = rest.split_at_checked(length)?;
    *text = rest.get(padding..)?;
    let mut kind = 0;
    let mut data: &[u8] = &[];
    for field in fields(record) {
        match field {
            Field::Number(1, value) => kind = value,
            Field::Bytes(3, value) => data = value,
            Field::Number(..) | Field::Bytes(..) => {}
        }
    }
    Some((kind, data))
}

/// A field of a message (protobuf), with its number.
enum Field<'t> {
    Number(u64, u64),
    Bytes(u64, &'t [u8]),
}

/// The fields of a message, up to its end or to what is none.
fn fields(mut text: &[u8]) -> impl Iterator<Item = Field<'_>> {
    std::iter::from_fn(move || {
        let key = varint(&mut text)?;
        match key & 7 {
            0 => Some(Field::Number(key >> 3, varint(&mut text)?)),
            2 => {
                let length = usize::try_from(varint(&mut text)?).ok()?;
                let (value, rest) = text.split_at_checked(length)?;
                text = rest;
                Some(Field::Bytes(key >> 3, value))
            }
            _ => None,
        }
    })
}

fn varint(text: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = text.split_first()?;
        *text = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a log of etcd 3.4.23, as it stands on the disk.
    const OLDEST: &[u8] = &[
        0x04, 0, 0, 0, 0, 0, 0, 0x84, 0x08, 0x04, 0x10, 0, 0, 0, 0, 0, 0x1f, 0, 0, 0, 0, 0, 0,
        0x81, 0x08, 0x01, 0x10, 0xc9, 0x95, 0xcb, 0x86, 0x04, 0x1a, 0x15, 0x08, 0x9f, 0x82, 0xc5,
        0xf1, 0xb3, 0x87, 0xce, 0xaa, 0x7d, 0x10, 0x8c, 0xe2, 0xc6, 0xfe, 0xdb, 0xe0, 0x9f, 0xa7,
        0xd5, 0x01, 0,
    ];

    /// The same of etcd 3.7.3.
    const NEWEST: &[u8] = &[
        0x04, 0, 0, 0, 0, 0, 0, 0x84, 0x08, 0x04, 0x10, 0, 0, 0, 0, 0, 0x1e, 0, 0, 0, 0, 0, 0,
        0x82, 0x08, 0x01, 0x10, 0x81, 0xa7, 0x96, 0xe9, 0x05, 0x1a, 0x14, 0x08, 0xaf, 0xc8, 0x82,
        0xc7, 0xc9, 0x9a, 0xfb, 0xff, 0x7c, 0x10, 0xf9, 0x96, 0xad, 0xda, 0xfd, 0x8d, 0xe5, 0xa3,
        0x65, 0, 0,
    ];

    fn log(head: &[u8]) -> (tempfile::TempDir, MemberData) {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("member/wal");
        fs::create_dir_all(&log).expect("a directory");
        fs::write(log.join("0.tmp"), "not of the log").expect("written");
        fs::write(log.join("0000000000000000-0000000000000000.wal"), head).expect("written");
        let data = identity(dir.path());
        (dir, data)
    }

    #[test]
    fn a_log_says_whose_it_is() {
        // As each etcd called itself when it wrote them.
        for (head, member, cluster) in [
            (OLDEST, 0x7d55_383b_3e31_411f, 0xd54e_7f05_bfd1_b10c),
            (NEWEST, 0x7cff_ecd4_98e0_a42f, 0x6547_946f_db4b_4b79),
        ] {
            let identity = MemberIdentity {
                member: MemberId(member),
                cluster,
            };
            assert_eq!(log(head).1, MemberData::Of(identity));
        }
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_nobodys() {
        for end in 0..OLDEST.len() {
            let (_, data) = log(&OLDEST[..end]);
            assert!(matches!(data, MemberData::Unreadable(_)), "{end}: {data:?}");
        }
        let mut wrong = OLDEST.to_vec();
        wrong[9] = 2;
        assert!(matches!(log(&wrong).1, MemberData::Unreadable(_)));
    }

    #[test]
    fn a_directory_without_a_log_has_no_data() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(identity(dir.path()), MemberData::Absent);
        fs::create_dir_all(dir.path().join("member/wal")).expect("a directory");
        assert_eq!(identity(dir.path()), MemberData::Absent);
        fs::write(dir.path().join("member/wal/0.tmp"), "").expect("written");
        assert_eq!(identity(dir.path()), MemberData::Absent);
        fs::remove_dir_all(dir.path().join("member/wal")).expect("removed");
        fs::write(dir.path().join("member/wal"), "no directory").expect("written");
        assert!(matches!(identity(dir.path()), MemberData::Unreadable(_)));
    }
}
