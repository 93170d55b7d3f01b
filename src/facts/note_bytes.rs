//! The bytes of a note that this program leaves for its own next run: lengths and
//! texts one after the other, and at the end a sum of all of it. Whatever is not
//! exactly that is no note.

use std::str::FromStr;

/// A note that is being written.
#[derive(Debug, Default)]
pub struct NoteWriter(Vec<u8>);

impl NoteWriter {
    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds a number that may be negative.
    pub fn signed(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds how many there are of something, or how long it is.
    pub fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("what is kept is in memory, and far below 4 GiB");
        self.0.extend_from_slice(&count.to_le_bytes());
    }

    /// Adds a yes or a no.
    pub fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    /// Adds bytes of any length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds what may be there.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// The whole note.
    pub fn finish(mut self) -> Vec<u8> {
        let sum = sum(&self.0);
        self.number(sum);
        self.0
    }
}

/// A note that is being read. Each part is `None` where the rest does not begin with one.
#[derive(Clone, Copy, Debug)]
pub struct NoteReader<'n>(&'n [u8]);

impl<'n> NoteReader<'n> {
    /// Begins with a whole note; `None` where it is damaged, or none.
    pub fn new(note: &'n [u8]) -> Option<Self> {
        let (content, found) = note.split_last_chunk::<8>()?;
        (u64::from_le_bytes(*found) == sum(content)).then_some(Self(content))
    }

    /// Takes a number.
    pub fn number(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    /// Takes a number that may be negative.
    pub fn signed(&mut self) -> Option<i64> {
        self.chunk().map(i64::from_le_bytes)
    }

    /// Takes a count or a length.
    pub fn count(&mut self) -> Option<usize> {
        let count = u32::from_le_bytes(self.chunk()?);
        usize::try_from(count).ok()
    }

    /// Takes a yes or a no.
    pub fn flag(&mut self) -> Option<bool> {
        match self.chunk()? {
            [0] => Some(false),
            [1] => Some(true),
            [_] => None,
        }
    }

    /// Takes bytes.
    pub fn bytes(&mut self) -> Option<&'n [u8]> {
        let length = self.count()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Takes a text.
    pub fn text(&mut self) -> Option<&'n str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Takes a text of a certain kind.
    pub fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    /// Takes what may be there.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.flag()? {
            true => read(self).map(Some),
            false => Some(None),
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }
}

/// Tells bytes from others that came to be by damage, or by a mistake. It is no digest:
/// whoever wants to can find others with the same sum.
pub fn sum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let add = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(bytes.len() as u64, |sum, word| {
        add(sum, u64::from_le_bytes(*word))
    });
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    add(sum, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let mut writer = NoteWriter::default();
        writer.number(u64::MAX);
        writer.signed(-1);
        writer.flag(true);
        writer.text("ü");
        writer.option(Some(7), NoteWriter::count);
        writer.option(None, NoteWriter::count);
        let note = writer.finish();
        let mut reader = NoteReader::new(&note).expect("a note");
        assert_eq!(reader.number(), Some(u64::MAX));
        assert_eq!(reader.signed(), Some(-1));
        assert_eq!(reader.flag(), Some(true));
        assert_eq!(reader.text(), Some("ü"));
        assert_eq!(reader.option(NoteReader::count), Some(Some(7)));
        assert_eq!(reader.option(NoteReader::count), Some(None));
        assert!(reader.is_empty());
        assert_eq!(reader.flag(), None);
        for length in 0..note.len() {
            assert!(NoteReader::new(&note[..length]).is_none(), "{length}");
        }
        for at in 0..note.len() {
            let mut damaged = note.clone();
            damaged[at] ^= 1;
            assert!(NoteReader::new(&damaged).is_none(), "{at}");
        }
    }

    #[test]
    fn a_length_is_never_believed_beyond_the_end() {
        let mut writer = NoteWriter::default();
        writer.count(1000);
        let note = writer.finish();
        let mut reader = NoteReader::new(&note).expect("a note");
        assert_eq!(reader.bytes(), None);
    }
}
