//! Relation tools, with real processes.

use std::collections::BTreeMap;

use super::fake::Fake;
use crate::{AppName, Endpoint, Relation, RelationId, UnitName};

const RELATION: Relation = Relation {
    endpoint: Endpoint("etcd-client"),
    id: RelationId(5),
};

fn app(name: &str) -> AppName {
    name.parse().expect("a name")
}

#[test]
fn relations_are_sorted_by_number() {
    let stdout = "[\"etcd-client:10\",\"etcd-client:2\"]\n";
    let fake = Fake::printing("relation-ids", stdout);
    let relations = fake
        .tools()
        .relation_ids(Endpoint("etcd-client"))
        .expect("a list");
    let numbers: Vec<_> = relations.iter().map(|relation| relation.id.0).collect();
    assert_eq!(numbers, [2, 10]);
    assert_eq!(fake.argv("relation-ids"), ["--format=json", "etcd-client"]);
}

#[test]
fn no_relation_is_an_empty_list() {
    for nothing in ["[]\n", "null\n"] {
        let fake = Fake::printing("relation-ids", nothing);
        let tools = fake.tools();
        let relations = tools.relation_ids(Endpoint("x")).expect("a list");
        assert!(relations.is_empty());
    }
    let fake = Fake::printing("relation-ids", "[\"x:y\"]\n");
    assert!(fake.tools().relation_ids(Endpoint("x")).is_err());
}

#[test]
fn units_are_sorted_by_number() {
    let remote = "remote-0123456789abcdef0123456789abcdef";
    let stdout = format!("[\"{remote}/10\",\"{remote}/9\"]\n");
    let fake = Fake::printing("relation-list", &stdout);
    let units = fake.tools().relation_list(RELATION).expect("a list");
    let names: Vec<_> = units.iter().map(UnitName::to_string).collect();
    assert_eq!(names, [format!("{remote}/9"), format!("{remote}/10")]);
    assert_eq!(
        fake.argv("relation-list"),
        ["--format=json", "-r", "etcd-client:5"]
    );
}

#[test]
fn the_remote_application_is_known_without_units() {
    let fake = Fake::printing("relation-list", "\"mysql\"\n");
    assert_eq!(fake.tools().remote_app(RELATION).expect("it"), app("mysql"));
    assert_eq!(
        fake.argv("relation-list"),
        ["--format=json", "-r", "etcd-client:5", "--app"]
    );
    for nothing in ["\"\"\n", "null\n"] {
        let fake = Fake::printing("relation-list", nothing);
        assert!(fake.tools().remote_app(RELATION).is_err());
    }
}

#[test]
fn databags_are_read_as_juju_escapes_them() {
    let stdout = r#"{"prefix":"\u003ca\u003e \u0026 \u2028","requests":"[{\"resource\":\"/\"}]"}"#;
    let fake = Fake::printing("relation-get", stdout);
    let bag = fake.tools().relation_get_app(RELATION, &app("mysql"));
    let bag = bag.expect("a databag");
    assert_eq!(bag["prefix"], "<a> & \u{2028}");
    assert_eq!(bag["requests"], r#"[{"resource":"/"}]"#);
    assert_eq!(
        fake.argv("relation-get"),
        [
            "--format=json",
            "-r",
            "etcd-client:5",
            "--app",
            "-",
            "mysql"
        ]
    );
}

#[test]
fn an_empty_databag_has_no_keys() {
    let unit: UnitName = "mysql/0".parse().expect("a name");
    for nothing in ["{}\n", "null\n"] {
        let fake = Fake::printing("relation-get", nothing);
        let bag = fake.tools().relation_get_unit(RELATION, &unit);
        assert!(bag.expect("a databag").is_empty());
        assert_eq!(
            fake.argv("relation-get"),
            ["--format=json", "-r", "etcd-client:5", "-", "mysql/0"]
        );
    }
}

#[test]
fn a_follower_cannot_see_the_databag_of_its_application() {
    for text in [
        "ERROR permission denied\n",
        "ERROR permission denied (unauthorized access)\n",
    ] {
        let fake = Fake::failing("relation-get", 1, text);
        let bag = fake.tools().relation_get_own_app(RELATION, &app("etcd"));
        assert_eq!(bag.expect("an answer"), None);
    }
}

#[test]
fn a_relation_that_is_gone_is_recognised_in_both_wordings() {
    let text = "ERROR invalid value \"etcd-client:5\" for option -r: relation not found\n";
    let fake = Fake::failing("relation-get", 2, text);
    let tools = fake.tools();
    let error = tools
        .relation_get_app(RELATION, &app("mysql"))
        .expect_err("gone");
    assert!(error.is_not_found() && !error.is_denied());
    assert!(tools.relation_get_own_app(RELATION, &app("etcd")).is_err());

    let fake = Fake::failing("relation-get", 1, "ERROR permission denied\n");
    let error = fake.tools().relation_get_app(RELATION, &app("mysql"));
    assert!(error.expect_err("gone").is_denied());
}

#[test]
fn changes_go_through_standard_input() {
    let changes = BTreeMap::from([
        ("endpoints".to_owned(), Some(" 10.0.0.1:2379 ".to_owned())),
        ("status".to_owned(), None),
    ]);
    let fake = Fake::new(&["relation-set"]);
    let tools = fake.tools();
    tools
        .relation_set_app(RELATION, &changes)
        .expect("it is set");
    assert_eq!(
        fake.argv("relation-set"),
        ["-r", "etcd-client:5", "--app", "--file", "-"]
    );
    assert_eq!(
        fake.recorded("relation-set", "stdin"),
        r#"{"endpoints":" 10.0.0.1:2379 ","status":""}"#
    );
    tools
        .relation_set_unit(RELATION, &changes)
        .expect("it is set");
    assert_eq!(
        fake.argv("relation-set"),
        ["-r", "etcd-client:5", "--file", "-"]
    );
}

#[test]
fn no_change_is_no_call() {
    let fake = Fake::new(&["relation-set"]);
    let tools = fake.tools();
    tools
        .relation_set_app(RELATION, &BTreeMap::new())
        .expect("nothing");
    assert_eq!(tools.calls(), 0);
}

#[test]
fn what_yaml_does_not_take_is_escaped() {
    let text = "\0\u{1}\n\u{7f}\u{85}\u{9f}\u{a0}ü\u{2028}\u{feff}\u{ffff}🦀\"\\";
    let changes = BTreeMap::from([("k".to_owned(), Some(text.to_owned()))]);
    let fake = Fake::new(&["relation-set"]);
    fake.tools()
        .relation_set_unit(RELATION, &changes)
        .expect("it is set");
    let input = fake.recorded("relation-set", "stdin");
    assert_eq!(
        input,
        concat!(
            r#"{"k":"\u0000\u0001\n\u007f\u0085\u009f"#,
            "\u{a0}ü",
            r#"\u2028\ufeff\uffff🦀\"\\"}"#
        )
    );
    let read: BTreeMap<String, String> = serde_yaml::from_str(&input).expect("it is YAML");
    assert_eq!(read["k"], text);
    let read: BTreeMap<String, String> = serde_json::from_str(&input).expect("it is JSON");
    assert_eq!(read["k"], text);
}

#[test]
fn large_values_do_not_block_the_pipes() {
    let changes = BTreeMap::from([("k".to_owned(), Some("x".repeat(1_000_000)))]);
    let fake = Fake::new(&["relation-set"]);
    fake.tools()
        .relation_set_app(RELATION, &changes)
        .expect("it is set");
    assert_eq!(fake.recorded("relation-set", "stdin").len(), 1_000_008);
}

#[test]
fn a_follower_cannot_write_for_its_application() {
    let fake = Fake::failing("relation-set", 1, "ERROR cannot write relation settings\n");
    let changes = BTreeMap::from([("k".to_owned(), Some("hunter2".to_owned()))]);
    let error = fake.tools().relation_set_app(RELATION, &changes);
    let error = error.expect_err("it is refused");
    assert!(error.is_denied());
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn the_model_at_the_other_end_is_known_where_juju_has_the_tool() {
    const UUID: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";
    let fake = Fake::printing("relation-model-get", &format!("{{\"uuid\":\"{UUID}\"}}\n"));
    let uuid = fake.tools().relation_model_uuid(RELATION).expect("it");
    assert_eq!(uuid.expect("known").as_str(), UUID);
    assert_eq!(
        fake.argv("relation-model-get"),
        ["--format=json", "-r", "etcd-client:5"]
    );

    let text = "ERROR bad request: unknown hook command: relation-model-get\n";
    for fake in [Fake::failing("relation-model-get", 1, text), Fake::new(&[])] {
        let uuid = fake.tools().relation_model_uuid(RELATION);
        assert_eq!(uuid.expect("an answer"), None);
    }

    let fake = Fake::failing("relation-model-get", 1, "ERROR permission denied\n");
    assert!(fake.tools().relation_model_uuid(RELATION).is_err());
}
