//! What is published: that requirers can read it, judged by their rules as
//! written down anew in here, and that our own side is read back as it was.

use std::collections::{BTreeMap, BTreeSet};

use etcd_charm::facts::{Databag, SecretUri};
use etcd_charm::relation::{Asked, Dialect, Response, changes, read, read_own, write};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::bags::{KEYS, bag};
use crate::cases;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_published_is_what_requirers_accept(
        bag in bag(),
        chosen in prop::collection::vec(answer(), 1..6),
    ) {
        let Ok(Some(asked)) = read(&bag) else {
            return Ok(());
        };
        let answers = answers(&asked, &chosen);
        let written = write(&asked, &answers);
        match (answers.is_empty(), asked.dialect) {
            (true, _) => prop_assert_eq!(&written, &Databag::new()),
            (false, Dialect::V0) => read_strictly_v0(&written),
            (false, Dialect::V1) => read_strictly_v1(&written, &answers),
        }
        let backwards: Vec<_> = answers.iter().rev().cloned().collect();
        prop_assert_eq!(&write(&asked, &backwards), &written);
        let own = read_own(&written);
        prop_assert_eq!(own.len(), answers.len());
        for answer in &answers {
            let published = &own[&answer.request];
            prop_assert_eq!(published.secret_user.as_ref(), Some(&answer.secret_user));
            prop_assert_eq!(published.secret_tls.as_ref(), Some(&answer.secret_tls));
            prop_assert_eq!(published.version.as_ref(), Some(&answer.version));
            let endpoints: BTreeSet<_> = answer.endpoints.iter().collect();
            prop_assert_eq!(published.endpoints.iter().collect::<BTreeSet<_>>(), endpoints);
        }
    }

    #[test]
    fn changes_lead_to_what_is_wanted_and_are_done_once(own in bag(), wanted in bag()) {
        let _ = read_own(&own);
        prop_assert_eq!(changes(&own, &own), BTreeMap::new());
        let changes_made = changes(&own, &wanted);
        let mut after = own;
        for (key, value) in changes_made {
            prop_assert!(KEYS.contains(&key.as_str()));
            // It must outlive every change of answers.
            prop_assert_ne!(&key, "encryption-secret");
            match value {
                Some(value) => {
                    prop_assert!(!value.is_empty(), "an empty value is none to Juju");
                    after.insert(key, value);
                }
                None => drop(after.remove(&key)),
            }
        }
        prop_assert_eq!(changes(&after, &wanted), BTreeMap::new());
    }
}

/// What an answer consists of, without whose it is.
#[derive(Clone, Debug)]
struct Parts {
    of: Index,
    endpoints: Vec<String>,
    version: String,
    secrets: [SecretUri; 2],
}

fn answer() -> impl Strategy<Value = Parts> {
    let address = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| format!("{ip}:2379")),
        any::<std::net::Ipv6Addr>().prop_map(|ip| format!("[{ip}]:2379")),
    ];
    let endpoints = prop::collection::vec(address, 1..4);
    let parts = (
        any::<Index>(),
        endpoints,
        "3\\.[0-9]\\.[0-9]{1,2}",
        uri(),
        uri(),
    );
    parts.prop_map(|(of, endpoints, version, user, tls)| Parts {
        of,
        endpoints,
        version,
        secrets: [user, tls],
    })
}

/// Every form in which Juju names a secret.
fn uri() -> impl Strategy<Value = SecretUri> {
    let uuid = "9d39bbbe-d95a-405d-8573-6835864daf92";
    let form = prop::sample::select(vec![
        "secret:".to_owned(),
        format!("secret://{uuid}/"),
        format!("{uuid}/"),
        String::new(),
    ]);
    (form, "[0-9a-v]{20}").prop_map(|(form, id)| format!("{form}{id}").parse().unwrap())
}

/// Answers to some of the requests that can be answered, one for each.
fn answers(asked: &Asked, chosen: &[Parts]) -> Vec<Response> {
    let well_formed: Vec<_> = asked
        .requests
        .iter()
        .filter_map(|entry| Some((&entry.request, &entry.outcome.as_ref().ok()?.correlation)))
        .collect();
    if well_formed.is_empty() {
        return Vec::new();
    }
    let answers: BTreeMap<_, _> = chosen
        .iter()
        .map(|parts| {
            let (request, correlation) = *parts.of.get(&well_formed);
            let [secret_user, secret_tls] = parts.secrets.clone();
            let answer = Response {
                request: request.clone(),
                correlation: correlation.clone(),
                endpoints: parts.endpoints.clone(),
                version: parts.version.clone(),
                secret_user,
                secret_tls,
                fields: BTreeMap::new(),
            };
            (request, answer)
        })
        .collect();
    answers.into_values().collect()
}

/// The rules of `EtcdRequirerEventHandlers` of version 0: it looks at four keys
/// and misses an answer for good that comes in parts.
fn read_strictly_v0(bag: &Databag) {
    let keys: Vec<_> = bag.keys().map(String::as_str).collect();
    assert_eq!(keys, ["endpoints", "secret-tls", "secret-user", "version"]);
    check_fields(|key| bag.get(key).map(String::as_str));
}

/// The rules of `DataContract` and `ResourceProviderModel` of version 1:
/// `version` decides whether it is read at all, `data` must know the id of every
/// response, and each field is text.
fn read_strictly_v1(bag: &Databag, answers: &[Response]) {
    let keys: Vec<_> = bag.keys().map(String::as_str).collect();
    assert_eq!(keys, ["data", "requests", "version"]);
    assert_eq!(bag["version"], "v1");
    let data: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&bag["data"]).expect("texts only");
    let responses: Vec<BTreeMap<String, String>> =
        serde_json::from_str(&bag["requests"]).expect("texts only");
    assert_eq!(responses.len(), answers.len());
    for (id, memory) in &data {
        assert_eq!(&memory["request-id"], id);
        assert!(memory.contains_key("resource") && memory.contains_key("salt"));
    }
    for response in &responses {
        let id = &response["request-id"];
        let memory = data.get(id).expect("the id of every response");
        assert_eq!(memory["resource"], response["resource"]);
        assert_eq!(memory["salt"], response["salt"]);
        let mut of_it = answers
            .iter()
            .filter(|answer| answer.request.as_ref().map(|request| request.as_str()) == Some(id));
        let answer = of_it.next().expect("an answer to this request");
        assert_eq!(answer.correlation.resource, response["resource"]);
        check_fields(|key| response.get(key).map(String::as_str));
    }
    let _: Value = serde_json::from_str(&bag["requests"]).expect("JSON");
}

/// What both versions want of the fields that they share.
fn check_fields<'f>(field: impl Fn(&str) -> Option<&'f str>) {
    for key in ["secret-user", "secret-tls"] {
        let uri = field(key).expect("every answer has its secrets");
        assert!(uri.starts_with("secret:"), "{uri}");
        assert!(uri.parse::<SecretUri>().is_ok(), "{uri}");
    }
    let endpoints = field("endpoints").expect("every answer says where");
    let endpoints: Vec<_> = endpoints.split(',').collect();
    assert!(endpoints.is_sorted());
    for endpoint in endpoints {
        assert!(
            endpoint.parse::<std::net::SocketAddr>().is_ok(),
            "{endpoint}"
        );
    }
    assert!(field("version").is_some_and(|version| version.starts_with("3.")));
}
