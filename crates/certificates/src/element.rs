//! The elements of DER: tag, length, content.

/// Deeper than any certificate nests; a limit, since depth costs stack.
const MAX_DEPTH: usize = 24;

/// One element: its tag, what is in it, and both with the length between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Whether `bytes` is one element, and all that is constructed in it consists
/// of elements as well. Parts that are not looked into otherwise are held to
/// at least this.
pub(super) fn is_well_formed(bytes: &[u8]) -> bool {
    matches!(split(bytes), Some((element, [])) if holds_elements(element, MAX_DEPTH))
}

fn holds_elements(element: Element<'_>, depth: usize) -> bool {
    const CONSTRUCTED: u8 = 0x20;
    if element.tag & CONSTRUCTED == 0 {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let mut rest = element.content;
    while !rest.is_empty() {
        match split(rest) {
            Some((inner, after)) if holds_elements(inner, depth) => rest = after,
            _ => return false,
        }
    }
    true
}

/// The first element of `bytes`, and what follows it.
pub(super) fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = bytes.split_first()?;
    // Tags of more than one byte: no certificate needs them, and Go has none.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, after_first) = after_tag.split_first()?;
    let (length, header) = if first < 0x80 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = after_first.get(..count)?;
        // 0x80 alone is the indefinite form of BER; four bytes are Go's limit.
        if !(1..=4).contains(&count) || digits.first() == Some(&0) {
            return None;
        }
        let length = digits.iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
        if length < 0x80 {
            return None;
        }
        (length, 2 + count)
    };
    let end = header.checked_add(length)?;
    let whole = bytes.get(..end)?;
    let element = Element {
        tag,
        content: whole.get(header..)?,
        whole,
    };
    Some((element, bytes.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        assert!(is_well_formed(&[0x04, 0x01, 0x00]));
        let mut long = vec![0x04, 0x81, 0x80];
        long.extend([0; 0x80]);
        assert!(is_well_formed(&long));
        for bytes in [
            &[0x04, 0x81, 0x01, 0x00][..],
            &[0x04, 0x82, 0x00, 0x01, 0x00],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x04, 0x02, 0x00],
            &[0x04, 0x00, 0x00],
            &[0x1f, 0x01, 0x00],
            &[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            &[0x04, 0xff],
            &[0x30, 0x01, 0x04],
            &[],
        ] {
            assert!(!is_well_formed(bytes), "{bytes:02x?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |depth: usize| {
            (1..depth).fold(vec![0x30, 0x00], |inner, _| {
                let mut outer = vec![0x30, u8::try_from(inner.len()).expect("short")];
                outer.extend(inner);
                outer
            })
        };
        assert!(is_well_formed(&nest(MAX_DEPTH)));
        assert!(!is_well_formed(&nest(MAX_DEPTH + 1)));
    }
}
