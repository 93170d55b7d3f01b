//! An application that signs, with Canonical's library, what members show to clients.

use libtest_mimic::Trial;
use serde_json::json;

use crate::interop::requirer;
use crate::interop::story::{Story, story};
use crate::provided::issuer;
use crate::support::{ask_v0, certificate};

pub(crate) fn stories() -> Vec<Trial> {
    vec![story("signer_of_members_by_the_library", signed)]
}

/// Lets both sides take all steps that they take by themselves.
fn rest(story: &mut Story) {
    for _ in 0..4 {
        story.settle();
        story.world.model.update_status_all();
    }
    story.settle();
}

fn signed(mut story: Story) {
    // The library says so itself.
    story.expect_warning("revoked");
    let etcd = story.etcd.clone();
    story
        .world
        .model
        .set_config("etcd", "provider-ca-grace-minutes", 0);
    let shown = certificate("app");
    let client = ask_v0(&mut story.world, "app", "/app/", &shown);
    rest(&mut story);
    let starts = story.world.starts(&etcd);
    let own = issuer(&story.world, &etcd);
    let deployment = requirer::deployment(1);
    let signer = requirer::charm("signer");
    story.world.model.deploy_with("signer", signer, deployment);
    let ends = ("etcd:client-certificates", "signer:certificates");
    let relation = story.world.model.integrate(ends.0, ends.1);
    let expect = |story: &mut Story, expected: &str| {
        rest(story);
        assert_eq!(issuer(&story.world, &etcd), expected);
        let told = story.world.told(&client).expect("an answer");
        let put = story
            .world
            .follow(&told, &shown)
            .run(&["put", "/app/key", "1"]);
        assert!(put.ok, "{}", put.stderr);
        std::fs::read_to_string(story.world.pki(&etcd).join("clients.pem")).expect("a pair")
    };
    // Issued, and renewed with another key.
    let first = expect(&mut story, "one");
    let leader = story.etcd.clone();
    let action = story
        .world
        .model
        .run_action(leader, "rotate-server-key", json!({}));
    assert_eq!(action.status, "completed", "{}", action.message);
    let second = expect(&mut story, "one");
    assert_ne!(first, second);
    let answers = story.world.model.app_bag(relation, "signer");
    let count = answers["certificates"].matches("\"ca\"").count();
    assert_eq!(count, 1, "what is withdrawn is answered no more");
    // Its CA is replaced, and then it goes.
    story.world.model.set_config("signer", "authority", "two");
    expect(&mut story, "two");
    story.world.model.remove_relation(relation);
    expect(&mut story, &own);
    assert_eq!(
        story.world.starts(&story.etcd),
        starts,
        "etcd was restarted"
    );
}
