//! The authority of the servers is replaced under clients that use it.

use libtest_mimic::Trial;
use serde_json::json;

use crate::interop::requirer::{Fired, first, names, of};
use crate::interop::story::{Story, assert_serves, story};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("v1_authority_of_servers_is_replaced", v1_replaced),
        story("v0_authority_of_servers_is_replaced", v0_replaced),
    ]
}

/// Replaces the authority from beginning to end. Gives what the library of the
/// requirer fired meanwhile.
fn replace(story: &mut Story) -> Vec<Fired> {
    let leader = story.etcd.clone();
    let parameters = json!({"grace-minutes": 0});
    let action = story
        .world
        .model
        .run_action(leader, "rotate-server-ca", parameters);
    assert_eq!(action.status, "completed", "{}", action.message);
    story.rest();
    story.news(&first("app"))
}

/// Asserts that these authorities, as the library reported them one after the
/// other, let a client go from the old one to the new one without a gap, and
/// gives the last.
fn judge(before: &str, told: &[String]) -> String {
    let count = |text: &str| text.matches("BEGIN CERTIFICATE").count();
    assert!(told.len() >= 2, "told {} times", told.len());
    let (both, last) = (&told[0], told.last().unwrap());
    assert_eq!((count(both), count(last)), (2, 1));
    assert_ne!(last, before);
    for authority in [before, last] {
        assert!(both.contains(authority.trim()), "the first news hold both");
    }
    last.clone()
}

fn v1_replaced(mut story: Story) {
    let certificate = story.certificate("client1");
    story.ask_v1("app", 1, &[("/test/", Some(&certificate))]);
    story.rest();
    let created = story.news(&first("app")).remove(0);
    let (uris, before) = (created.response("uris"), created.response("tls-ca"));

    let fired = replace(&mut story);
    let updated = of(&fired, "authentication_updated");
    assert_eq!(updated.len(), fired.len(), "{:?}", names(&fired));
    let told: Vec<String> = updated
        .iter()
        .map(|fired| fired.response("tls-ca").to_owned())
        .collect();
    let last = judge(before, &told);

    let client = story.client(uris, &certificate, &last);
    assert_serves(&client, "/test/");
    // Whoever has not listened does not trust the servers any more.
    let deaf = story.client(uris, &certificate, before).impatient();
    assert!(!deaf.run(&["get", "/test/a"]).ok);
}

fn v0_replaced(mut story: Story) {
    let certificate = story.certificate("client1");
    story.ask_v0("app", 1, "/test/", Some(&certificate));
    story.rest();
    let fired = story.news(&first("app"));
    let ready = of(&fired, "etcd_ready")[0].clone();
    let (uris, before) = (ready.fetched("uris"), ready.fetched("tls-ca"));

    let fired = replace(&mut story);
    let told: Vec<String> = of(&fired, "etcd_ready")
        .iter()
        .map(|fired| fired.fetched("tls-ca").to_owned())
        .collect();
    let last = judge(before, &told);
    let client = story.client(uris, &certificate, &last);
    assert_serves(&client, "/test/");
}
