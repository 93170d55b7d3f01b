//! Options one by one; what is wrong is collected on the way.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::values::{self, Retention};
use super::{OptionRefusal, Options, PrefixPolicy};

/// How much of a wrong value is shown: an operator knows it by its beginning.
const SHOWN: usize = 40;

pub(super) struct Reader<'a> {
    config: &'a Map<String, Value>,
    refused: Vec<OptionRefusal>,
}

/// A character, escaped if a terminal would hide it or act on it.
fn visible(c: char) -> impl Iterator<Item = char> {
    let is_plain = "\"'\\".contains(c);
    let plain = is_plain.then_some(c).into_iter();
    plain.chain((!is_plain).then(|| c.escape_debug()).into_iter().flatten())
}

impl<'a> Reader<'a> {
    pub(super) fn new(config: &'a Map<String, Value>) -> Self {
        Self {
            config,
            refused: Vec::new(),
        }
    }

    /// The options, unless something is wrong.
    pub(super) fn done(self, options: Options) -> Result<Options, OptionRefusal> {
        let mut refused = self.refused.into_iter();
        match refused.next() {
            None => Ok(options),
            Some(first) => Err(OptionRefusal {
                others: refused.collect(),
                ..first
            }),
        }
    }

    /// Notes that an option is wrong.
    pub(super) fn refuse(
        &mut self,
        option: &'static str,
        allowed: impl Into<String>,
        value: impl fmt::Display,
    ) {
        let text = value.to_string();
        let mut value = text.chars().flat_map(visible);
        let mut shown: String = value.by_ref().take(SHOWN).collect();
        if value.next().is_some() {
            shown.push('…');
        }
        self.refused.push(OptionRefusal {
            option,
            allowed: allowed.into(),
            value: shown,
            others: Vec::new(),
        });
    }

    /// A whole number within bounds, both included.
    pub(super) fn number<T: Copy + Into<i64> + TryFrom<i64>>(
        &mut self,
        option: &'static str,
        default: T,
        (least, most): (i64, i64),
        unit: &str,
    ) -> T {
        // Also a default has to agree with what the others are set to.
        let set = self.config.get(option).cloned();
        let value = set.unwrap_or_else(|| Value::from(default.into()));
        let fits = |number: &i64| (least..=most).contains(number);
        let number = value.as_i64().filter(fits).map(T::try_from);
        if let Some(Ok(number)) = number {
            return number;
        }
        let allowed = format!("{least} to {most} {unit}");
        self.refuse(option, allowed.trim_end(), value);
        default
    }

    /// One of some words; the first is the default.
    pub(super) fn word(
        &mut self,
        option: &'static str,
        words: &'static [&'static str],
    ) -> &'static str {
        let Some(text) = self.text(option) else {
            return words[0];
        };
        if let Some(word) = words.iter().find(|word| **word == text) {
            return word;
        }
        self.refuse(option, words.join(" or "), format!("{text:?}"));
        words[0]
    }

    pub(super) fn prefix_policy(&mut self, option: &'static str) -> PrefixPolicy {
        match self.word(option, &["shared", "exclusive"]) {
            "exclusive" => PrefixPolicy::Exclusive,
            _ => PrefixPolicy::Shared,
        }
    }

    /// Whether something is wanted; nothing is unless somebody says so.
    pub(super) fn flag(&mut self, option: &'static str) -> bool {
        match self.config.get(option) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.refuse(option, "true or false", other);
                false
            }
        }
    }

    pub(super) fn quota(&mut self, option: &'static str) -> Option<u64> {
        let text = self.text(option)?;
        match values::quota(&text) {
            Some(quota) => quota,
            None => {
                self.refuse(option, values::QUOTA, format!("{text:?}"));
                None
            }
        }
    }

    pub(super) fn retention(&mut self, default: Retention) -> Retention {
        let before = self.refused.len();
        let mode = self.word("auto-compaction-mode", &["periodic", "revision"]);
        let option = "auto-compaction-retention";
        let text = self.text(option).unwrap_or_else(|| default.render().1);
        if self.refused.len() > before {
            // What it may be depends on a mode that is not known.
            return default;
        }
        let (read, allowed) = match mode {
            "revision" => (values::revisions(&text), values::REVISIONS),
            _ => (values::period(&text), values::PERIOD),
        };
        read.unwrap_or_else(|| {
            self.refuse(option, allowed, format!("{text:?}"));
            default
        })
    }

    pub(super) fn names(&mut self, option: &'static str) -> BTreeSet<String> {
        let Some(text) = self.text(option) else {
            return BTreeSet::new();
        };
        match values::names(&text) {
            Ok(names) => names,
            Err(wrong) => {
                self.refuse(option, values::NAMES, wrong);
                BTreeSet::new()
            }
        }
    }

    /// A text without white space around it; an empty one is as good as none
    /// for whoever has a default, and Juju keeps no empty texts apart from it.
    fn text(&mut self, option: &'static str) -> Option<String> {
        match self.config.get(option)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            other => {
                self.refuse(option, "a text", other);
                None
            }
        }
    }
}
