//! Requests as a provider reads them, and answers as providers write them.

use std::convert::Infallible;

use juju_hooks::{Databag, Endpoint, Relation, RelationId, SecretContent, SecretUnavailable};
use secret_value::Secret;

use super::*;
use crate::provider::testing::{ETCD, VALKEY, answer, asked_over, bag, uri};
use crate::provider::{self};
use crate::{Dialect, Field, Interface, OfferedCertificate, UserSecret, tls_secret};

const USER: &str = "secret:dp9n0q3bkjhgqjlot0na";
const TLS: &str = "secret:d4gcn48lf6uro2adu250";

fn request(resource: &str, certificate: OfferedCertificate) -> OwnRequest {
    OwnRequest {
        resource: resource.to_owned(),
        salt: "KTRVA3q2u8N5IE3e".to_owned(),
        certificate,
    }
}

fn certificates() -> [OfferedCertificate; 4] {
    [
        OfferedCertificate::None,
        OfferedCertificate::Secret(uri("secret:dgn34ncrkv8nhk3si8n4")),
        OfferedCertificate::Clear("-----BEGIN".to_owned()),
        OfferedCertificate::Encrypted("gAAAAABx".to_owned()),
    ]
}

#[test]
fn a_provider_reads_what_was_asked() {
    for dialect in [Dialect::V0, Dialect::V1] {
        for certificate in certificates() {
            let own = request("/test/", certificate);
            let written = write(&ETCD, dialect, std::slice::from_ref(&own), Some("secret:x"));
            let asked = asked_over(&ETCD, &written);
            assert_eq!(asked.dialect, dialect);
            assert!(asked.encryption_secret_copied && asked.unnamed.is_empty());
            assert_eq!(asked.requests.len(), 1);
            assert_eq!(asked.requests[0].request, own.id(dialect));
            let read = asked.requests[0].outcome.as_ref().expect("well formed");
            assert_eq!(read.resource.as_str(), "/test/");
            assert_eq!(read.certificate, own.certificate);
            assert_eq!(changes(&ETCD, &written, &written), [].into());
        }
    }
}

#[test]
fn several_requests_are_one_list_and_none_is_no_databag() {
    let none = OfferedCertificate::None;
    let own = ["a:*", "b:*", "a:*", ""].map(|resource| request(resource, none.clone()));
    let written = write(&VALKEY, Dialect::V1, &own, None);
    let asked = asked_over(&VALKEY, &written);
    assert_eq!(asked.requests.len(), 2);
    for dialect in [Dialect::V0, Dialect::V1] {
        assert!(write(&VALKEY, dialect, &[], Some("secret:x")).is_empty());
        assert!(write(&VALKEY, dialect, &own[3..], None).is_empty());
    }
    // Whoever asks no more takes everything back, and so does who changes over.
    let change = changes(&VALKEY, &written, &Databag::new());
    assert!(change.keys().eq(["requests", "version"]) && change.values().all(Option::is_none));
    let v0 = write(&VALKEY, Dialect::V0, &own, None);
    let change = changes(&VALKEY, &v0, &written);
    assert_eq!(change["database"], None);
    assert_eq!(change["version"].as_deref(), Some("v1"));
}

#[test]
fn only_a_certificate_in_a_secret_is_announced_in_version_0() {
    for (certificate, expected) in certificates().into_iter().zip([true, true, false, false]) {
        let written = write(&ETCD, Dialect::V0, &[request("/", certificate)], None);
        assert_eq!(written.contains_key("provided-secrets"), expected);
    }
    let written = write(
        &VALKEY,
        Dialect::V0,
        &[request("a:*", OfferedCertificate::None)],
        None,
    );
    assert!(!written.contains_key("provided-secrets"));
}

#[test]
fn a_list_in_another_writing_is_no_change_and_a_number_is() {
    let own = write(
        &ETCD,
        Dialect::V1,
        &[request("/", OfferedCertificate::None)],
        None,
    );
    let mut spaced = own.clone();
    let text = own["requests"].replace(':', " : ").replace(',', " , ");
    spaced.insert("requests".to_owned(), text);
    assert_ne!(own, spaced);
    assert!(changes(&ETCD, &spaced, &own).is_empty());
    let change = changes(&ETCD, &bag([("prefix", "1")]), &bag([("prefix", "1.0")]));
    assert_eq!(change["prefix"].as_deref(), Some("1.0"));
}

#[test]
fn each_relation_has_a_salt_of_its_own() {
    let model = "9d39bbbe-d95a-405d-8573-6835864daf92"
        .parse()
        .expect("a UUID");
    let of = |id| {
        salt(
            &model,
            Relation {
                endpoint: Endpoint("etcd"),
                id: RelationId(id),
            },
        )
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(10));
    assert_eq!(of(1).len(), 16);
}

/// What a provider publishes, and the two secrets.
struct Provider {
    interface: &'static Interface,
    dialect: Dialect,
    request: OwnRequest,
    bag: Databag,
    user: Result<SecretContent, SecretUnavailable>,
    tls: Result<SecretContent, SecretUnavailable>,
}

impl Provider {
    fn new(interface: &'static Interface, dialect: Dialect) -> Self {
        let request = request("/test/", OfferedCertificate::None);
        let asked = asked_over(
            interface,
            &write(interface, dialect, std::slice::from_ref(&request), None),
        );
        let mut response = answer(&asked.requests[0], USER, TLS);
        if !interface.has_client_certificate {
            response.fields = [(Field::MODE, "sentinel".to_owned())].into();
        }
        let password = Secret::new("hunter2".to_owned());
        let user = UserSecret {
            username: "client1",
            password: (!interface.has_client_certificate).then_some(&password),
            uris: None,
        };
        Self {
            interface,
            dialect,
            request,
            bag: provider::write(&asked, &[response]),
            user: Ok(user.content().into()),
            tls: Ok(tls_secret(interface, dialect, Some("-----BEGIN")).into()),
        }
    }

    fn answer(&self) -> Answer {
        let id = self.request.id(self.dialect);
        let secret = |asked: &juju_hooks::SecretUri| {
            Ok::<_, Infallible>(match *asked == uri(USER) {
                true => self.user.clone(),
                false => self.tls.clone(),
            })
        };
        let answer = Answer::read(self.interface, self.dialect, &self.bag, id.as_ref(), secret);
        match answer {
            Ok(answer) => answer,
        }
    }
}

fn all() -> [Provider; 4] {
    [
        Provider::new(&ETCD, Dialect::V0),
        Provider::new(&ETCD, Dialect::V1),
        Provider::new(&VALKEY, Dialect::V0),
        Provider::new(&VALKEY, Dialect::V1),
    ]
}

#[test]
fn a_whole_answer_is_ready() {
    for provider in all() {
        let answer = provider.answer();
        let access = answer.ready().expect("all of it is there");
        assert_eq!(access.endpoints, ["10.0.0.1:2379", "10.0.0.2:2379"]);
        assert_eq!(access.uris()[0], "https://10.0.0.1:2379");
        assert_eq!(access.version, "3.6.4");
        assert_eq!(access.username, "client1");
        assert_eq!(access.tls_ca.as_deref(), Some("-----BEGIN"));
        let has_password = !provider.interface.has_client_certificate;
        assert_eq!(access.password.is_some(), has_password);
        assert_eq!(access.field(Field::MODE).is_some(), has_password);
        assert!(!format!("{answer:?}").contains("hunter2"));
    }
}

#[test]
fn without_any_part_it_is_pending() {
    for mut provider in all() {
        provider.bag.clear();
        assert_eq!(provider.answer(), Answer::Pending(Missing::Answer));
    }
    for (key, expected) in [
        ("endpoints", Missing::Endpoints),
        ("secret-tls", Missing::Tls),
        ("secret-user", Missing::Credentials),
        ("version", Missing::Version),
    ] {
        for mut provider in all() {
            match provider.dialect {
                Dialect::V0 => drop(provider.bag.remove(key)),
                Dialect::V1 => {
                    let text = &provider.bag["requests"];
                    let mut list: serde_json::Value = serde_json::from_str(text).expect("JSON");
                    list[0].as_object_mut().expect("an object").remove(key);
                    provider.bag.insert("requests".to_owned(), list.to_string());
                }
            }
            assert_eq!(provider.answer(), Answer::Pending(expected), "{key}");
        }
    }
    // In version 1 the answer to another request is none.
    let [_, mut v1, ..] = all();
    v1.request.resource.push('x');
    assert_eq!(v1.answer(), Answer::Pending(Missing::Answer));
}

#[test]
fn secrets_are_read_as_providers_write_them() {
    let unavailable = SecretUnavailable::NoAccess;
    for provider in all() {
        let needs_tls = provider.interface.has_client_certificate;
        let answer = |tls: Result<SecretContent, SecretUnavailable>| {
            let answer = Provider {
                tls,
                ..provider.copy()
            }
            .answer();
            answer.ready().map(|access| access.tls_ca.is_some())
        };
        let tls = |pairs: &[(&str, &str)]| answer(Ok(pairs.iter().copied().collect()));
        for on in ["true", "True", "enabled"] {
            assert_eq!(tls(&[("tls", on), ("tls-ca", "x")]), Some(true), "{on}");
            assert_eq!(tls(&[("tls", on)]), None, "an authority is needed");
        }
        assert_eq!(tls(&[("tls-ca", "x")]), Some(true));
        assert_eq!(tls(&[("tls", "maybe"), ("tls-ca", "x")]), None);
        assert_eq!(tls(&[("other", "x")]), None);
        for off in ["false", "False"] {
            assert_eq!(tls(&[("tls", off)]), (!needs_tls).then_some(false), "{off}");
        }
        assert_eq!(answer(Err(unavailable)), None);
        let user = Provider {
            user: Err(unavailable),
            ..provider.copy()
        };
        assert_eq!(user.answer(), Answer::Pending(Missing::Secret(unavailable)));
        let nobody = SecretContent::from_iter([("password", "x")]);
        let user = Provider {
            user: Ok(nobody),
            ..provider.copy()
        };
        assert_eq!(user.answer(), Answer::Pending(Missing::Credentials));
    }
}

impl Provider {
    fn copy(&self) -> Self {
        Self {
            request: self.request.clone(),
            bag: self.bag.clone(),
            user: self.user.clone(),
            tls: self.tls.clone(),
            ..*self
        }
    }
}

#[test]
fn what_the_other_dialect_says_is_no_answer() {
    let [v0, v1, ..] = all();
    for (mine, other) in [(&v0, &v1), (&v1, &v0)] {
        let mixed = Provider {
            bag: other.bag.clone(),
            ..mine.copy()
        };
        assert_eq!(mixed.answer(), Answer::Pending(Missing::Answer));
    }
    let mut flooded = v1.copy();
    flooded
        .bag
        .insert("other".to_owned(), "x".repeat(1024 * 1024 + 1));
    assert_eq!(flooded.answer(), Answer::Pending(Missing::Answer));
}

#[test]
fn what_has_changed_is_told_by_comparison() {
    let pending = Answer::Pending(Missing::Answer);
    for provider in all() {
        let before = provider.answer();
        assert_eq!(before.changes_since(&before), [].into());
        assert_eq!(before.changes_since(&pending), [Change::Ready].into());
        assert_eq!(pending.changes_since(&before), [Change::Withdrawn].into());
        let access = before.ready().expect("it is ready").clone();
        let cases: [(Change, Access); 5] = [
            (
                Change::Credentials,
                Access {
                    password: Some(Secret::new("other".to_owned())),
                    ..access.clone()
                },
            ),
            (
                Change::Endpoints,
                Access {
                    endpoints: vec!["10.0.0.3:2379".to_owned()],
                    ..access.clone()
                },
            ),
            (
                Change::Tls,
                Access {
                    tls_ca: None,
                    ..access.clone()
                },
            ),
            (
                Change::Version,
                Access {
                    version: "4".to_owned(),
                    ..access.clone()
                },
            ),
            (
                Change::Field(Field::MODE),
                Access {
                    fields: [(Field::MODE, "alone".to_owned())].into(),
                    ..access.clone()
                },
            ),
        ];
        for (change, after) in cases {
            assert_eq!(Answer::Ready(after).changes_since(&before), [change].into());
        }
    }
}
