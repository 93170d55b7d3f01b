//! Who is a member, as the data of one at rest says: etcd keeps the list of
//! the members in its database (bbolt), in the bucket `members`.
//!
//! Only what is needed for that is read here, page by page, and nothing is
//! trusted: what does not fit the format is an error. The database may be a moment
//! behind the log, so it knows of those that it names.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::facts::MemberId;
use serde::Deserialize;

/// The bucket with the members, by their identifiers.
const MEMBERS: &[u8] = b"members";

/// Larger than any page, with what belongs to it, that lists members.
const LONGEST_PAGE: u64 = 1 << 20;

/// How large pages are on most machines.
const USUAL_PAGE: u64 = 4096;

/// More levels than a tree with a few members has.
const DEEPEST: usize = 8;

const HEADER: usize = 16;
const ELEMENT: usize = 16;
const MAGIC: u64 = 0xed0c_daed;
const BRANCH: u64 = 1;
const LEAF: u64 = 2;
const META: u64 = 4;
const BUCKET: u64 = 1;

/// What is wrong with a database.
fn damaged<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"))
}

/// The members in the data of this directory, learners among them: whether one
/// still is a learner is not always told right there (etcd 3.5.1).
///
/// # Errors
/// The database cannot be read, or is none.
pub fn members(data_dir: &Path) -> io::Result<BTreeSet<MemberId>> {
    #[derive(Deserialize)]
    struct Member {
        id: MemberId,
    }
    let file = File::open(data_dir.join("member/snap/db"))?;
    let tree = Tree::open(&file)?;
    let mut top = Vec::new();
    tree.leaves(tree.root, 0, &mut top)?;
    let is_list = |entry: &&Entry| entry.is_bucket && entry.key == MEMBERS;
    let Some(Entry { value, .. }) = top.iter().find(is_list) else {
        return damaged();
    };
    let mut members = Vec::new();
    match number(value, 0, 8)? {
        // A small bucket lies within its own entry.
        0 => entries(value.get(HEADER..).unwrap_or_default(), &mut members)?,
        page => tree.leaves(page, 0, &mut members)?,
    }
    let mut identifiers = BTreeSet::new();
    for Entry { value, .. } in members {
        let member: Member = serde_json::from_slice(&value).map_err(io::Error::other)?;
        identifiers.insert(member.id);
    }
    Ok(identifiers)
}

struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
    is_bucket: bool,
}

struct Tree<'f> {
    file: &'f File,
    page_size: u64,
    root: u64,
}

impl<'f> Tree<'f> {
    /// Looks for the newer one of the two pages that a database begins with.
    fn open(file: &'f File) -> io::Result<Self> {
        let mut newest: Option<(u64, Self)> = None;
        // Where the second stands only the first tells.
        let mut page_size = USUAL_PAGE;
        for at in 0..2 {
            let mut page = [0; HEADER + 64];
            file.read_exact_at(&mut page, at * page_size)?;
            let Ok(meta) = Meta::read(&page) else {
                continue;
            };
            page_size = meta.page_size;
            let tree = Self {
                file,
                page_size: meta.page_size,
                root: meta.root,
            };
            if newest.as_ref().is_none_or(|(id, _)| *id < meta.transaction) {
                newest = Some((meta.transaction, tree));
            }
        }
        newest.map_or_else(damaged, |(_, tree)| Ok(tree))
    }

    /// All entries below a page.
    fn leaves(&self, page: u64, depth: usize, out: &mut Vec<Entry>) -> io::Result<()> {
        let text = self.page(page)?;
        if depth > DEEPEST {
            return damaged();
        }
        match number(&text, 8, 2)? {
            LEAF => entries(&text, out),
            BRANCH => {
                let count = usize::try_from(number(&text, 10, 2)?).unwrap_or(usize::MAX);
                for index in 0..count {
                    let below = number(&text, HEADER + index * ELEMENT + 8, 8)?;
                    self.leaves(below, depth + 1, out)?;
                }
                Ok(())
            }
            _ => damaged(),
        }
    }

    /// A page with what overflows into those after it.
    fn page(&self, page: u64) -> io::Result<Vec<u8>> {
        let Some(begin) = page.checked_mul(self.page_size) else {
            return damaged();
        };
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, begin)?;
        let pages = number(&header, 12, 4)?.saturating_add(1);
        let length = pages.saturating_mul(self.page_size);
        if length > LONGEST_PAGE {
            return damaged();
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut text, begin)?;
        Ok(text)
    }
}

/// What a database begins with.
struct Meta {
    page_size: u64,
    root: u64,
    transaction: u64,
}

impl Meta {
    fn read(page: &[u8]) -> io::Result<Self> {
        let body = page.get(HEADER..HEADER + 56).unwrap_or_default();
        // FNV-1a, over all that stands before it.
        let checksum = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        let page_size = number(page, HEADER + 8, 4)?;
        let is_whole = number(page, 8, 2)? == META
            && number(page, HEADER, 4)? == MAGIC
            && number(page, HEADER + 56, 8)? == checksum
            && (1024..=LONGEST_PAGE).contains(&page_size);
        if !is_whole {
            return damaged();
        }
        Ok(Self {
            page_size,
            root: number(page, HEADER + 16, 8)?,
            transaction: number(page, HEADER + 48, 8)?,
        })
    }
}

/// The entries of a leaf.
fn entries(page: &[u8], out: &mut Vec<Entry>) -> io::Result<()> {
    let count = usize::try_from(number(page, 10, 2)?).unwrap_or_default();
    for index in 0..count {
        let at = HEADER + index * ELEMENT;
        let field = |offset| number(page, at + offset, 4);
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let begin = at.saturating_add(size(field(4)?));
        let middle = begin.saturating_add(size(field(8)?));
        let end = middle.saturating_add(size(field(12)?));
        let (Some(key), Some(value)) = (page.get(begin..middle), page.get(middle..end)) else {
            return damaged();
        };
        out.push(Entry {
            key: key.to_vec(),
            value: value.to_vec(),
            is_bucket: field(0)? == BUCKET,
        });
    }
    Ok(())
}

/// A number of so many bytes.
fn number(text: &[u8], at: usize, bytes: usize) -> io::Result<u64> {
    let Some(text) = at
        .checked_add(bytes)
        .and_then(|end| text.get(at..end))
        .filter(|_| bytes <= 8)
    else {
        return damaged();
    };
    let mut number = [0; 8];
    number[..bytes].copy_from_slice(text);
    Ok(u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(numbers: &[(u64, usize)]) -> Vec<u8> {
        let bytes = numbers.iter();
        bytes
            .flat_map(|(number, bytes)| number.to_le_bytes()[..*bytes].to_vec())
            .collect()
    }

    fn header(flags: u64, count: usize) -> Vec<u8> {
        words(&[(0, 8), (flags, 2), (count as u64, 2), (0, 4)])
    }

    fn leaf(all: &[(&str, Vec<u8>, u64)]) -> Vec<u8> {
        let (mut page, mut content) = (header(LEAF, all.len()), Vec::new());
        for (index, (key, value, flags)) in all.iter().enumerate() {
            let at = (all.len() - index) * ELEMENT + content.len();
            let sizes = [at, key.len(), value.len()].map(|size| (size as u64, 4));
            page.extend(words(&[(*flags, 4), sizes[0], sizes[1], sizes[2]]));
            content.extend([key.as_bytes(), value].concat());
        }
        [page, content].concat()
    }

    fn meta(transaction: u64, root: u64) -> Vec<u8> {
        let mut body = words(&[(MAGIC, 4), (2, 4), (4096, 4), (0, 4), (root, 8)]);
        body.extend(words(&[(0, 8), (0, 8), (9, 8), (transaction, 8)]));
        let sum = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        [header(META, 0), body, words(&[(sum, 8)])].concat()
    }

    fn member(id: u64, more: &str) -> (&'static str, Vec<u8>, u64) {
        let text = format!(r#"{{"id":{id},"peerURLs":["https://10.0.0.1:2380"]{more}}}"#);
        ("8e9e05c52164694d", text.into_bytes(), 0)
    }

    /// What is read of a database of these pages.
    fn read(pages: &[Vec<u8>]) -> io::Result<BTreeSet<MemberId>> {
        let dir = tempfile::tempdir().expect("a directory");
        let snap = dir.path().join("member/snap");
        fs::create_dir_all(&snap).expect("a directory");
        let mut text = Vec::new();
        for (at, page) in pages.iter().enumerate() {
            text.extend(page);
            text.resize((at + 1) * 4096, 0);
        }
        fs::write(snap.join("db"), text).expect("written");
        members(dir.path())
    }

    #[test]
    fn the_newer_list_counts() {
        let inline = leaf(&[member(u64::MAX, ""), member(5, r#","isLearner":true"#)]);
        let inline = [vec![0; HEADER], inline].concat();
        let top = leaf(&[("key", Vec::new(), 0), ("members", inline, BUCKET)]);
        let at_page = |page| leaf(&[("members", words(&[(page, 8), (0, 8)]), BUCKET)]);
        let children = [5_u64, 6].map(|page| words(&[(0, 4), (0, 4), (page, 8)]));
        let branch = [header(BRANCH, 2), children.concat()].concat();
        let pages = |first, second| {
            [
                meta(first, 2),
                meta(second, 3),
                top.clone(),
                at_page(4),
                branch.clone(),
                leaf(&[member(1, "")]),
                leaf(&[member(2, ""), member(3, "")]),
            ]
        };
        assert_eq!(
            read(&pages(8, 7)).expect("a list"),
            [5, u64::MAX].map(MemberId).into()
        );
        assert_eq!(
            read(&pages(8, 9)).expect("a list"),
            [1, 2, 3].map(MemberId).into()
        );
        // One that was being written is none.
        let mut torn = pages(8, 9);
        torn[1][40] ^= 1;
        assert_eq!(
            read(&torn).expect("a list"),
            [5, u64::MAX].map(MemberId).into()
        );
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        let endless = [header(BRANCH, 1), words(&[(0, 4), (0, 4), (2, 8)])].concat();
        let empty = leaf(&[("members", Vec::new(), 0)]);
        for pages in [
            vec![Vec::new(), Vec::new()],
            vec![meta(1, 2), meta(1, 2)],
            vec![meta(1, 2), meta(1, 2), endless],
            vec![meta(1, 2), meta(1, 2), empty],
            vec![meta(1, u64::MAX), meta(1, 2)],
        ] {
            assert!(read(&pages).is_err());
        }
        let dir = tempfile::tempdir().expect("a directory");
        assert!(members(dir.path()).is_err());
    }
}
