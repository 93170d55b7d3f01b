//! Whose names are.

use super::super::records::packed::{Reader, parsed, write_text};
use super::super::records::{Record, RecordKey};
use super::super::{NameClaim, RelationId};
use super::{parts, parts_of};

/// What a claim says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClaimView<'a> {
    /// The relation of its holder.
    pub relation: RelationId,
    /// The request of its holder; empty where that has no identifier.
    pub request: &'a [u8],
    /// See [`NameClaim::releasing`].
    pub releasing: bool,
}

impl Record for NameClaim {
    type View<'a> = ClaimView<'a>;

    fn write(&self, bytes: &mut Vec<u8>) {
        let Self {
            holder,
            leaves,
            releasing,
        } = self;
        bytes.push(u8::from(*releasing));
        let mut key = Vec::new();
        RecordKey::write(holder, &mut key);
        write_text(bytes, &key);
        for leaf in leaves {
            bytes.extend_from_slice(leaf.as_str().as_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let releasing = reader.byte()? != 0;
        let holder = RecordKey::read(reader.text()?)?;
        let (leaves, rest) = reader.0.as_chunks::<64>();
        Some(Self {
            holder,
            leaves: leaves
                .iter()
                .map(|leaf| parsed(leaf))
                .collect::<Option<_>>()?,
            releasing,
        })
        .filter(|_| rest.is_empty())
    }

    fn view(&self) -> ClaimView<'_> {
        let (relation, request) = parts(&self.holder);
        ClaimView {
            relation,
            request,
            releasing: self.releasing,
        }
    }

    fn view_of(bytes: &[u8]) -> Option<ClaimView<'_>> {
        let mut reader = Reader(bytes);
        let releasing = reader.byte()? != 0;
        let (relation, request) = parts_of(reader.text()?)?;
        Some(ClaimView {
            relation,
            request,
            releasing,
        })
    }
}
