//! Texts and JSON as nobody should write them.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// Texts with a meaning somewhere, or that are known to break things.
const KNOWN: &[&str] = &[
    "",
    "-",
    "--help",
    "/",
    "/test/",
    "0",
    "[]",
    "null",
    "true",
    "v0",
    "v1",
    "v1 ",
    "\0",
    "\0etcd-charm/",
    "\n",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{10ffff}",
    "../..",
    "gAAAA",
    "secret:",
    "secret:cuvbv6p34trs48a10a2g",
    "secret://9d39bbbe-d95a-405d-8573-6835864daf92/cuvbv6p34trs48a10a2g",
    "9d39bbbe-d95a-405d-8573-6835864daf92/cuvbv6p34trs48a10a2g",
    "cuvbv6p34trs48a10a2g",
    "0b047bb88ba93a70",
    "-----BEGIN CERTIFICATE-----",
];

/// A short text, now and then one that is longer than anything should be.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(KNOWN).prop_map(str::to_owned),
        4 => "[a-z0-9/_-]{1,20}",
        4 => any::<String>(),
        1 => (any::<char>(), 1..2_000_usize).prop_map(|(c, times)| c.to_string().repeat(times)),
    ]
}

/// Any JSON, with objects that have these keys and others.
pub(crate) fn json(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let key = prop_oneof![
        4 => prop::sample::select(keys).prop_map(str::to_owned),
        1 => text(),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

/// One change of a text.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// What is left after cutting here.
    Cut(prop::sample::Index),
    /// From one place to another, once more.
    Double(prop::sample::Index, prop::sample::Index),
    /// A text put in at this place.
    Insert(prop::sample::Index, String),
    /// Another character at this place.
    Replace(prop::sample::Index, char),
}

/// Up to three changes.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = any::<prop::sample::Index>;
    let edit = prop_oneof![
        1 => at().prop_map(Edit::Cut),
        2 => (at(), at()).prop_map(|(from, to)| Edit::Double(from, to)),
        3 => (at(), text()).prop_map(|(at, text)| Edit::Insert(at, text)),
        6 => (at(), any::<char>()).prop_map(|(at, c)| Edit::Replace(at, c)),
        6 => (at(), prop::char::range(' ', '~')).prop_map(|(at, c)| Edit::Replace(at, c)),
    ];
    prop::collection::vec(edit, 0..4)
}

/// The text after these changes.
pub(crate) fn edited(text: &str, edits: &[Edit]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for edit in edits {
        let place = |at: &prop::sample::Index| at.index(characters.len() + 1);
        match edit {
            Edit::Cut(at) => characters.truncate(place(at)),
            Edit::Double(from, to) => {
                let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
                let again = characters[from..to].to_vec();
                characters.splice(to..to, again);
            }
            Edit::Insert(at, text) => {
                let at = place(at);
                characters.splice(at..at, text.chars());
            }
            Edit::Replace(at, c) => {
                let at = place(at);
                if let Some(character) = characters.get_mut(at) {
                    *character = *c;
                }
            }
        }
    }
    characters.into_iter().collect()
}
