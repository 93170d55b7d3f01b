//! The ledger: keys that others may have written, values of other revisions.

use etcd_charm::facts::{
    ClientRecord, CommonName, Grant, LedgerKey, LedgerKeys, MemberTrust, NameClaim, Prefix,
    RelationId, RequestKey, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases;
use crate::texts::{edited, edits, text};

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn a_key_stands_for_one_thing_and_that_for_one_key(
        kind in prop::sample::select(&["client/", "name/", "member/", "lock/", "other/", ""][..]),
        rest in prop_oneof![
            "[+-]?[0-9]{1,11}/[0-9a-f-]{1,17}",
            "[0-9]{1,3}/-",
            text(),
        ],
        edits in edits(),
    ) {
        let key = edited(&format!("{}{kind}{rest}", keys().root()), &edits);
        if let Some(found) = keys().decode(&key) {
            prop_assert_eq!(keys().encode(&found), key);
        }
    }

    #[test]
    fn a_key_is_read_back_and_out_of_reach(
        relation in any::<u32>(),
        request in prop::option::of("[0-9a-zA-Z][0-9a-zA-Z_-]{0,63}"),
        name in text(),
        prefix in text(),
    ) {
        let request = request.map(|id| id.parse().unwrap());
        let mut all = vec![LedgerKey::Client(RequestKey { relation: RelationId(relation), request })];
        all.extend(name.parse::<CommonName>().ok().map(LedgerKey::Name));
        all.extend(name.parse::<CommonName>().ok().map(LedgerKey::Issued));
        for key in all {
            let encoded = keys().encode(&key);
            prop_assert_eq!(keys().decode(&encoded), Some(key));
            if let Ok(prefix) = Prefix::new(prefix.clone()) {
                let range = prefix.range();
                let is_reached = range.key.as_slice() <= encoded.as_bytes();
                prop_assert!(!is_reached, "{prefix} reaches {encoded:?}");
            }
        }
    }

    #[test]
    fn a_damaged_value_is_no_value_or_a_whole_one(which in 0..3_usize, edits in edits()) {
        let text = edited(&values()[which].to_string(), &edits);
        if let Ok(record) = serde_json::from_str::<ClientRecord>(&text) {
            if let Some(grant) = &record.grant {
                // What a grant is carried out with is as strict here as in a request.
                prop_assert!(Prefix::new(grant.prefix.as_str()).is_ok());
                prop_assert!(grant.common_name.as_str().parse::<CommonName>().is_ok());
                prop_assert_eq!(grant.fingerprint.as_str().len(), 64);
            }
            prop_assert_eq!(again(&record), record);
        }
        if let Ok(claim) = serde_json::from_str::<NameClaim>(&text) {
            prop_assert_eq!(again(&claim), claim);
        }
        if let Ok(trust) = serde_json::from_str::<MemberTrust>(&text) {
            prop_assert_eq!(again(&trust), trust);
        }
    }

    #[test]
    fn a_record_is_read_back(app in text(), name in text(), prefix in text(), reason in text(), departed: bool) {
        let (Ok(common_name), Ok(prefix)) = (name.parse(), Prefix::new(prefix)) else {
            return Ok(());
        };
        let fingerprint = "0".repeat(64).try_into().unwrap();
        let record = ClientRecord {
            app: app.parse().ok(),
            grant: Some(Grant {
                issuer: None,
                common_name,
                prefix,
                certificate: reason.clone(),
                fingerprint,
                not_after: Timestamp(i64::MAX),
                granted_at: Timestamp(i64::MIN),
            }),
            // As another revision may have recorded it.
            condition: serde_json::from_value(json!({"kind": "refused", "reason": reason})).ok(),
            secret: None,
            answer: Some(reason),
            departed,
            ungranted: !departed,
        };
        prop_assert_eq!(again(&record), record);
    }
}

fn keys() -> LedgerKeys {
    let model = "9d39bbbe-d95a-405d-8573-6835864daf92".parse().unwrap();
    LedgerKeys::new(&model, &"etcd".parse().unwrap())
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn values() -> [Value; 3] {
    let fingerprint = "5f".repeat(32);
    [
        json!({
            "grant": {
                "common-name": "client1",
                "prefix": "/test/",
                "certificate": "-----BEGIN CERTIFICATE-----\n",
                "fingerprint": fingerprint,
                "not-after": 1_800_000_000,
                "granted-at": 1_700_000_000,
            },
            "notice": {"kind": "refused", "reason": "because"},
            "secret": "cuvbv6p34trs48a10a2g",
            "departed": true,
        }),
        json!({
            "holder": {"relation": 5, "request": "0b047bb88ba93a70"},
            "leaves": [fingerprint],
            "leaving": true,
        }),
        json!({"loaded": [fingerprint], "starting": [fingerprint]}),
    ]
}
