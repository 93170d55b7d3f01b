//! One line for `juju status`: the most important thing first, and as much of
//! the rest as fits.

/// The longest message, in characters: `juju status` cuts at 120, and the table
/// that it is in takes some of them.
pub(super) const LONGEST: usize = 100;

/// What makes one line of what there is to say.
#[derive(Debug, Default)]
pub(super) struct Line {
    needed: Vec<String>,
    extra: Vec<String>,
}

impl Line {
    /// Says something that counts as left out where it does not fit.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.needed.push(text.into());
    }

    /// Says something that nobody misses where it does not fit.
    pub(super) fn add(&mut self, text: impl Into<String>) {
        self.extra.push(text.into());
    }

    /// All that counts, none of it cut.
    pub(super) fn into_needed(self) -> Vec<String> {
        self.needed
    }

    /// The line; `rest` says where to read what is left out.
    pub(super) fn finish(self, rest: &str) -> String {
        let Self { needed, extra } = self;
        let all = needed.len();
        let shown = |count: usize| {
            let mut line = needed[..count].join("; ");
            if count < all {
                line.push_str(&format!("; {} more: {rest}", all - count));
            }
            line
        };
        let whole = (1..=all)
            .rev()
            .map(shown)
            .find(|line| length(line) <= LONGEST);
        let mut line = match (whole, needed.first()) {
            (Some(line), _) => line,
            (None, None) => String::new(),
            (None, Some(first)) => {
                let tail = match all {
                    1 => String::new(),
                    all => format!("; {} more: {rest}", all - 1),
                };
                cut(first, LONGEST - length(&tail)) + &tail
            }
        };
        for text in extra {
            let separator = if line.is_empty() { "" } else { "; " };
            if length(&line) + length(separator) + length(&text) <= LONGEST {
                line.push_str(separator);
                line.push_str(&text);
            }
        }
        line
    }
}

/// A list of names for one line: some of them, and how many more there are.
pub(super) fn names(names: &[String]) -> String {
    /// As many as leave room for what is said of them.
    const SHOWN: usize = 2;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, room: usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    kept.trim_end().to_owned() + "…"
}

/// A text on one line, with nothing in it that hides or reorders other text:
/// some of it comes from requirers.
pub(super) fn plain(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            )
    };
    text.chars()
        .map(|c| if hides(c) { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(needed: &[&str], extra: &[&str]) -> String {
        let mut line = Line::default();
        needed.iter().for_each(|text| line.say(*text));
        extra.iter().for_each(|text| line.add(*text));
        line.finish("run health")
    }

    #[test]
    fn what_fits_is_said_and_the_rest_is_counted() {
        assert_eq!(line(&[], &[]), "");
        assert_eq!(line(&["one", "two"], &["three"]), "one; two; three");
        let long = "x".repeat(60);
        let text = line(&[&long, &long, "last"], &["raft leader"]);
        assert_eq!(text, format!("{long}; 2 more: run health; raft leader"));
        assert_eq!(line(&["one"], &[&"x".repeat(99)]), "one");
    }

    #[test]
    fn what_is_too_long_alone_is_cut_and_still_says_that_there_is_more() {
        let long = "é".repeat(200);
        let text = line(&[&long], &["raft leader"]);
        assert_eq!(text, "é".repeat(99) + "…");
        let text = line(&[&long, "two"], &[]);
        assert!(text.ends_with("é…; 1 more: run health"), "{text}");
        assert_eq!(text.chars().count(), LONGEST);
    }

    #[test]
    fn names_are_counted_from_the_third_on() {
        let all = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(names(&all[..0]), "");
        assert_eq!(names(&all[..2]), "a, b");
        assert_eq!(names(&all), "a, b and 2 more");
    }

    #[test]
    fn a_hostile_text_is_one_plain_line() {
        assert_eq!(plain("a\nb\u{202e}c\u{2028}d\u{7f}"), "a b c d ");
    }
}
