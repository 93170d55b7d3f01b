//! Requests that are all in order by themselves, and too much together: what
//! they share has a budget.

use etcd_charm_world::{Certificate, ClientAuthority};

use super::Neighbours;
use crate::support::{
    application_message, ask_v1, assert_serves, certificate, deployed, id, request, users,
};

/// Asks for a prefix each with these certificates, on the bad relation.
fn ask_all(story: &mut Neighbours, shown: &[Certificate]) {
    let requests = shown.iter().enumerate().map(|(number, shown)| {
        let mut request = request(&format!("/bad/{number}/"), number);
        request.secret = Some(story.share(&shown.certificate));
        request
    });
    let requests: Vec<_> = requests.collect();
    etcd_charm_world::V1::ask(&mut story.world.model, "bad", story.bad, requests);
}

/// Ten leaves whose subjects have 7.5 kB: the list of names that a server sends
/// in each handshake holds 65,535 bytes.
pub(crate) fn subjects_that_no_handshake_can_name() {
    let mut story = Neighbours::new();
    let authority = ClientAuthority::new();
    let shown: Vec<_> = (0..10)
        .map(|number| authority.issue_large(&format!("long{number}"), 7500, 0))
        .collect();
    ask_all(&mut story, &shown);
    story.assert_refused("ten long subjects", "the subject is longer than 1024 bytes");
    story.world.rest();
    story.assert_unharmed("after a full pass");
}

/// Subjects of which each is in order, and that together are more than one
/// relation may add to a handshake.
pub(crate) fn subjects_that_are_too_much_together() {
    let mut story = Neighbours::new();
    let authority = ClientAuthority::new();
    let shown: Vec<_> = (0..100)
        .map(|number| authority.issue_large(&format!("many{number}"), 900, 0))
        .collect();
    ask_all(&mut story, &shown);
    story.world.rest();
    let message = application_message(&story.world);
    assert!(message.contains("refused: names of"), "{message}");
    let granted = users(&story.world, &story.unit).len() - 3;
    assert_eq!(granted, 8, "8000 bytes hold so many names of 900 and some");
    // The others neither wait for it nor notice it.
    story.starts = story.world.starts(&story.unit);
    story.trust = story.world.trust_file(&story.unit);
    story.assert_unharmed("beside the names of one relation");
    let shown = certificate("late");
    let late = ask_v1(&mut story.world, "late", &[("/late/", Some(&shown))]);
    story.world.rest();
    let told = story.world.told_for(&late, &id(0)).expect("an answer");
    assert_serves(&mut story.world, &told, &shown, "/late/");
}

/// A hundred ids without any certificate, all of them replaced twice.
pub(crate) fn ids_replaced_again_and_again() {
    let mut story = Neighbours::new();
    for round in 0..4 {
        let requests = (0..100).map(|number| request("/bad/", 1000 * round + number));
        let requests: Vec<_> = requests.collect();
        etcd_charm_world::V1::ask(&mut story.world.model, "bad", story.bad, requests);
        story.world.settle();
    }
    let runs = story.world.full_pass();
    assert!(runs.iter().all(|run| run.succeeded()), "{runs:#?}");
    // What nobody was ever given leaves nothing to look for.
    let looked: usize = runs
        .iter()
        .map(|run| run.calls_of("secret-info-get").count())
        .sum();
    assert!(looked < 10, "{looked} secrets were looked for");
    let keys = story
        .world
        .admin(&story.unit)
        .lines(&["get", "--keys-only", "--from-key", ""]);
    let on_record = keys.iter().filter(|key| key.contains("/client/")).count();
    assert_eq!(on_record, 102, "{keys:#?}");
    story.assert_unharmed("hundreds of ids");
}

/// 130 honest requests over two relations, and then another unit, so that every
/// answer changes at once.
pub(crate) fn as_many_requests_as_may_be_and_another_unit() {
    let (mut world, unit) = deployed();
    let shown: Vec<_> = (0..130)
        .map(|number| certificate(&format!("client{number:03}")))
        .collect();
    let prefixes: Vec<_> = (0..130).map(|number| format!("/{number:03}/")).collect();
    let asked: Vec<_> = prefixes
        .iter()
        .zip(&shown)
        .map(|(prefix, shown)| (prefix.as_str(), Some(shown)))
        .collect();
    let first = ask_v1(&mut world, "first", &asked[..65]);
    ask_v1(&mut world, "second", &asked[65..]);
    world.rest();
    assert_eq!(users(&world, &unit).len(), 131);
    world.add_unit();
    world.rest();
    let told = world.told_for(&first, &id(64)).expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), 2, "{}", told.endpoints);
    assert_serves(&mut world, &told, &shown[64], "/064/");
}

/// A hundred leaves of 16 KiB, whose records are together more than etcd takes
/// in one message.
pub(crate) fn leaves_as_large_as_may_be() {
    let mut story = Neighbours::new();
    let authority = ClientAuthority::new();
    let shown: Vec<_> = (0..100)
        .map(|number| authority.issue_large(&format!("large{number}"), 0, 15_900))
        .collect();
    ask_all(&mut story, &shown);
    story.world.rest();
    assert_eq!(users(&story.world, &story.unit).len(), 103);
    // Every answer, and so every record, changes at once.
    story.world.add_unit();
    story.world.rest();
    let bag = story.world.model.app_bag(story.bad, "etcd");
    let answers: serde_json::Value = serde_json::from_str(&bag["requests"]).unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 100);
    let endpoints = answers[99]["endpoints"].as_str().unwrap();
    assert_eq!(endpoints.split(',').count(), 2, "{endpoints}");
}
