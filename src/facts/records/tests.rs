//! Records are what they would be in a map, however they came there.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize as _;
use serde::de::value::BorrowedBytesDeserializer;

use super::super::{NameClaim, RelationId, RequestKey};
use super::*;

type Claims = Records<RequestKey, NameClaim>;

/// Keys whose bytes are of several lengths, and begin alike.
const KEYS: [(u32, Option<&str>); 9] = [
    (0, None),
    (1, None),
    (1, Some("a")),
    (1, Some("a-")),
    (1, Some("b")),
    (255, Some("0")),
    (256, None),
    (256, Some("0b047bb88ba93a70")),
    (u32::MAX, None),
];

fn key(at: usize) -> RequestKey {
    let (relation, request) = KEYS[at % KEYS.len()];
    RequestKey {
        relation: RelationId(relation),
        request: request.map(|id| id.parse().expect("an id")),
    }
}

fn claim(number: u8) -> NameClaim {
    let leaf = |digit: u8| format!("{digit:x}").repeat(64).try_into().expect("digits");
    NameClaim {
        holder: key(number.into()),
        leaves: (0..number % 4).map(leaf).collect(),
        releasing: number.is_multiple_of(2),
    }
}

fn noted_again(records: &Claims) -> Claims {
    let note = rmp_serde::to_vec_named(records).expect("a note");
    rmp_serde::from_slice(&note).expect("records")
}

#[derive(Clone, Debug)]
enum Change {
    Insert(usize, u8),
    Remove(usize),
    Note,
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..KEYS.len();
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, number)| Change::Insert(at, number)),
        at.prop_map(Change::Remove),
        Just(Change::Note),
    ]
}

proptest! {
    #[test]
    fn records_are_what_a_map_would_be(changes in prop::collection::vec(change(), 0..30)) {
        let (mut records, mut map) = (Claims::default(), BTreeMap::new());
        let (mut then, mut keys_then) = (records.known(), BTreeSet::new());
        for change in changes {
            match change {
                Change::Insert(at, number) => {
                    records.insert(key(at), claim(number));
                    map.insert(key(at), claim(number));
                }
                Change::Remove(at) => {
                    records.remove(&key(at));
                    map.remove(&key(at));
                }
                Change::Note => {
                    records = noted_again(&records);
                    then = records.known();
                    keys_then = map.keys().cloned().collect();
                }
            }
            prop_assert!(records.iter().eq(map.iter()));
            prop_assert_eq!(records.len(), map.len());
            prop_assert_eq!(records.is_empty(), map.is_empty());
            for at in 0..KEYS.len() {
                prop_assert_eq!(records.get(&key(at)), map.get(&key(at)));
                prop_assert_eq!(records.contains_key(&key(at)), map.contains_key(&key(at)));
            }
            for entry in records.entries() {
                prop_assert_eq!(entry.view(), map[entry.key()].view());
                prop_assert_eq!(entry.relation(), entry.key().relation);
            }
            let added = map.keys().filter(|key| !keys_then.contains(*key)).cloned();
            let added: BTreeSet<_> = added.collect();
            prop_assert_eq!(&records.added_since(&then), &added);
            // Where all was read anew.
            let anew: Claims = map.clone().into_iter().collect();
            prop_assert_eq!(&anew.added_since(&then), &added);
            prop_assert_eq!(&anew, &records);
        }
    }
}

#[test]
fn only_what_is_asked_for_is_read() {
    let all = (0..KEYS.len()).map(|at| (key(at), claim(1)));
    let mut records = noted_again(&all.collect());
    records.insert(key(2), claim(2));
    records.remove(&key(3));
    assert!(records.contains_key(&key(4)));
    assert_eq!(
        records
            .entries()
            .filter(|entry| entry.view().releasing)
            .count(),
        1
    );
    assert_eq!(
        records.clone().added_since(&records.known()),
        BTreeSet::new()
    );
    let again = noted_again(&records);
    assert_eq!(records.read(), (0, 2));
    assert_eq!(again.get(&key(2)), Some(&claim(2)));
    assert_eq!(again.read(), (1, 0));
}

#[test]
fn what_is_not_whole_or_not_in_order_is_no_note() {
    let records: Claims = [(key(0), claim(3)), (key(2), claim(2))].into();
    let bytes = match rmp_serde::to_vec_named(&records)
        .expect("a note")
        .as_slice()
    {
        // What rmp puts before some bytes.
        [0xc4, _, bytes @ ..] | [0xc5, _, _, bytes @ ..] => bytes.to_vec(),
        other => panic!("{other:?}"),
    };
    let found = |bytes: &[u8]| {
        let bytes = BorrowedBytesDeserializer::<serde::de::value::Error>::new(bytes);
        Claims::deserialize(bytes)
    };
    assert_eq!(found(&bytes).expect("records"), records);
    let one: Claims = [(key(0), claim(3))].into();
    for length in 1..bytes.len() {
        if let Ok(part) = found(&bytes[..length]) {
            assert_eq!(part, one, "{length}");
        }
    }
    // Twice the same, and so once more than there is.
    assert!(found(&[bytes.clone(), bytes].concat()).is_err());
}
