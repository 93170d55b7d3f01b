//! Bytes of records: numbers of a fixed length, and texts after their length.

/// Adds a text after its length.
pub(in crate::facts) fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    let length = u32::try_from(text.len()).expect("what fits into a record of etcd");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text);
}

/// Bytes that are being read.
#[derive(Clone, Copy)]
pub(in crate::facts) struct Reader<'a>(pub(in crate::facts) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next bytes, so many of them.
    pub(in crate::facts) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next bytes, as many as fit.
    pub(in crate::facts) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// The next byte.
    pub(in crate::facts) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next number.
    pub(in crate::facts) fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// The next text.
    pub(in crate::facts) fn text(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).ok()?)
    }

    /// The next text, if it is there.
    pub(in crate::facts) fn text_if(&mut self, is_there: bool) -> Option<Option<&'a [u8]>> {
        match is_there {
            true => self.text().map(Some),
            false => Some(None),
        }
    }

    /// What was read, if that is all.
    pub(in crate::facts) const fn end<T: Copy>(self, read: T) -> Option<T> {
        match self.0 {
            [] => Some(read),
            _ => None,
        }
    }
}

/// What these bytes are the text of.
pub(in crate::facts) fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
