//! Text as an argument.

/// Longest text in one argument, in bytes. The kernel refuses to start a process
/// with an argument of more than 131071 bytes (`MAX_ARG_STRLEN`); the rest is
/// room for what stands before the text.
const MAX_BYTES: usize = 100_000;

/// The text in pieces that each fit into one argument: at least one, cut between
/// characters, which together are the text.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > MAX_BYTES {
        // A character has at most four bytes, so a boundary is never far.
        let at = (0..=MAX_BYTES).rfind(|at| rest.is_char_boundary(*at));
        let (piece, after) = rest.split_at(at.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// As much of the text as fits into one argument.
pub(super) fn cut(text: &str) -> &str {
    pieces(text)[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_and_add_up_to_the_text() {
        for text in ["", "short", &"x".repeat(100_000), &"ü€🦀".repeat(50_000)] {
            let pieces = pieces(text);
            assert!(pieces.iter().all(|piece| piece.len() <= MAX_BYTES));
            assert_eq!(pieces.concat(), text);
        }
        assert_eq!(pieces(&"x".repeat(100_001)).len(), 2);
        assert_eq!(cut(&"ü".repeat(60_000)).len(), 100_000);
    }
}
