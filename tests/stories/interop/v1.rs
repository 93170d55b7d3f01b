//! Version 1 of the protocol, spoken by `dpcharmlibs-interfaces`.

use etcd_charm_world::Kind;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::interop::requirer::{first, names};
use crate::interop::story::{Story, assert_serves, story};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("v1_created_with_certificate", created_with_certificate),
        story("v1_certificate_comes_later", certificate_comes_later),
        story("v1_certificate_rotates_in_place", certificate_rotates),
        story("v1_requests_come_and_go", requests_come_and_go),
        story("v1_prefixes_of_any_kind", prefixes_of_any_kind),
        story("v1_units_and_leaders", units_and_leaders),
        story("v1_relation_is_made_again", relation_is_made_again),
        story("v1_authority_is_refused", authority_is_refused),
        story("v1_name_is_taken", name_is_taken),
    ]
}

fn created_with_certificate(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v1("app", 1, &[("/test/", Some(&certificate))]);
    story.run_provider_alone();
    assert!(story.answer(relation).is_empty(), "nobody has asked yet");

    let fired = story.rest_told("app", &["resource_created"]);
    let created = &fired[0];
    let endpoint = story.endpoint(&story.etcd);
    assert_eq!(created.hook, "etcd-relation-changed");
    assert_eq!(created.response("resource"), "/test/");
    assert_eq!(created.response("username"), "client1");
    assert_eq!(created.response("endpoints"), endpoint);
    assert_eq!(created.response("uris"), format!("https://{endpoint}"));
    assert_eq!(created.body()["response"]["tls"], true);
    assert_eq!(created.body()["response"]["password"], Value::Null);
    assert_eq!(created.response("version"), story.etcd_version());
    story.assert_serves_v1(created, &certificate, "/test/");

    // What the interface's schema requires of an answer.
    let answer = story.answer(relation);
    assert_eq!(answer["version"], "v1");
    let responses: Vec<Value> = serde_json::from_str(&answer["requests"]).unwrap();
    assert_eq!(responses.len(), 1);
    for field in ["endpoints", "version", "secret-user", "secret-tls"] {
        assert!(responses[0][field].is_string(), "{field}: {answer:?}");
    }

    // Further hooks of either side change nothing for the requirer.
    story.rest_told("app", &[]);
}

fn certificate_comes_later(mut story: Story) {
    let [one, two] = ["one", "two"].map(|name| story.certificate(name));
    let relation = story.ask_v1("app", 1, &[("/1/", None), ("/2/", None)]);
    story.rest_told("app", &[]);
    assert!(story.answer(relation).is_empty());
    assert_eq!(story.users(), [""; 0]);

    // The request that still lacks its certificate holds up no other.
    story.wish("app", &[("/1/", None), ("/2/", Some(&two))]);
    let fired = story.rest_told("app", &["resource_created"]);
    story.assert_serves_v1(&fired[0], &two, "/2/");

    story.wish("app", &[("/1/", Some(&one)), ("/2/", Some(&two))]);
    let fired = story.rest_told("app", &["resource_created"]);
    story.assert_serves_v1(&fired[0], &one, "/1/");
}

fn certificate_rotates(mut story: Story) {
    let old = story.certificate("client1");
    let relation = story.ask_v1("app", 1, &[("/test/", Some(&old))]);
    story.rest();
    let created = story.news(&first("app")).remove(0);
    let before = story.answer(relation);

    let new = story.certificate("client1");
    story.wish("app", &[("/test/", Some(&new))]);
    story.rest();
    // Nothing of what the requirer was told has changed, so it is told nothing.
    assert_eq!(names(&story.news(&first("app"))), [""; 0]);
    assert_eq!(story.answer(relation), before);
    assert_eq!(story.users(), ["client1"]);
    story.assert_serves_v1(&created, &new, "/test/");
    story.assert_shuts_out_v1(&created, &old);

    // Another name in the certificate is another user.
    let other = story.certificate("client2");
    story.wish("app", &[("/test/", Some(&other))]);
    let fired = story.rest_told("app", &["authentication_updated"]);
    assert_eq!(fired[0].response("username"), "client2");
    assert_eq!(story.users(), ["client2"]);
    story.assert_serves_v1(&fired[0], &other, "/test/");
    story.assert_shuts_out_v1(&created, &new);
}

fn requests_come_and_go(mut story: Story) {
    let [one, two, three] = ["one", "two", "three"].map(|name| story.certificate(name));
    let relation = story.ask_v1("app", 1, &[("/1/", Some(&one)), ("/2/", Some(&two))]);
    let fired = story.rest_told("app", &["resource_created"; 2]);
    let mut users: Vec<_> = fired.iter().map(|f| f.response("username")).collect();
    users.sort_unstable();
    assert_eq!(users, ["one", "two"]);
    let told = |user: &str| {
        let found = fired
            .iter()
            .find(|fired| fired.response("username") == user);
        found.unwrap().clone()
    };
    for (user, prefix, certificate) in [("one", "/1/", &one), ("two", "/2/", &two)] {
        story.assert_serves_v1(&told(user), certificate, prefix);
    }

    // The library lets a charm add a request without an id.
    let wishes = [
        ("/1/", Some(&one)),
        ("/2/", Some(&two)),
        ("/3/", Some(&three)),
    ];
    story.wish("app", &wishes);
    story.rest();
    let asked = story.world.model.app_bag(relation, "app");
    let asked: Vec<Value> = serde_json::from_str(&asked["requests"]).unwrap();
    assert_eq!(asked[2]["request-id"], Value::Null);
    let added = story.news(&first("app"));
    assert_eq!(names(&added), ["resource_created"]);
    assert_eq!(added[0].response("username"), "three");
    story.assert_serves_v1(&added[0], &three, "/3/");

    // One is withdrawn; the others do not notice.
    story.wish("app", &[("/2/", Some(&two)), ("/3/", Some(&three))]);
    story.rest_told("app", &[]);
    assert_eq!(story.users(), ["three", "two"]);
    story.assert_shuts_out_v1(&told("one"), &one);
    story.assert_serves_v1(&told("two"), &two, "/2/");
    story.assert_serves_v1(&added[0], &three, "/3/");

    // All are withdrawn, and the same thing is asked for once more.
    story.wish("app", &[]);
    story.rest();
    assert_eq!(story.users(), [""; 0]);
    story.wish("app", &[("/1/", Some(&one))]);
    let fired = story.rest_told("app", &["resource_created"]);
    story.assert_serves_v1(&fired[0], &one, "/1/");
}

fn prefixes_of_any_kind(mut story: Story) {
    let prefixes = ["/schlüssel/鍵/", "123", "true", "-x/", "\"quoted\" {json}"];
    let certificates: Vec<_> = (0..prefixes.len())
        .map(|number| story.certificate(&format!("client{number}")))
        .collect();
    let wishes: Vec<_> = prefixes
        .iter()
        .zip(&certificates)
        .map(|(prefix, certificate)| (*prefix, Some(certificate)))
        .collect();
    story.ask_v1("app", 1, &wishes);
    let fired = story.rest_told("app", &["resource_created"; 5]);
    for (prefix, certificate) in prefixes.iter().zip(&certificates) {
        let found = fired.iter().find(|f| f.response("resource") == *prefix);
        let fired = found.unwrap();
        assert_eq!(fired.response("username"), certificate.common_name);
        story.assert_serves_v1(fired, certificate, prefix);
    }
}

fn units_and_leaders(mut story: Story) {
    let old = story.certificate("client1");
    story.ask_v1("app", 1, &[("/test/", Some(&old))]);
    story.rest();
    let created = story.news(&first("app")).remove(0);

    // A unit that comes later is told the same.
    let second = story.world.model.add_unit("app");
    story.rest_told("app", &[]);
    let fired = story.news(&second);
    assert_eq!(names(&fired), ["resource_created"]);
    assert_eq!(
        fired[0].body()["response"],
        created.body()["response"],
        "both units are told the same"
    );

    // The new leader takes over what the old one asked for.
    story.world.model.set_leader("app", second.clone());
    story.rest();
    let (new, more) = (story.certificate("client1"), story.certificate("client2"));
    story.wish("app", &[("/test/", Some(&new)), ("/more/", Some(&more))]);
    story.rest();
    for unit in [first("app"), second] {
        let mut fired = story.news(&unit);
        // On a unit that led once, the library takes the change of the
        // requirer's own secret for one of the provider's. It brings nothing new.
        fired.retain(|fired| {
            let echo = fired.event == "authentication_updated" && fired.hook == "secret-changed";
            !(echo && fired.body()["response"] == created.body()["response"])
        });
        assert_eq!(names(&fired), ["resource_created"], "{unit}");
        assert_eq!(fired[0].response("username"), "client2");
        story.assert_serves_v1(&fired[0], &more, "/more/");
    }
    story.assert_serves_v1(&created, &new, "/test/");
    story.assert_shuts_out_v1(&created, &old);
}

fn relation_is_made_again(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v1("app", 1, &[("/test/", Some(&certificate))]);
    story.rest();
    let created = story.news(&first("app")).remove(0);
    let client = story.client_v1(&created, &certificate);
    assert_serves(&client, "/test/");

    story.world.model.remove_relation(relation);
    story.rest();
    assert!(!story.world.model.has_relation(relation));
    assert_eq!(names(&story.news(&first("app"))), [""; 0]);
    assert_eq!(story.users(), [""; 0]);
    assert_eq!(
        story.world.model.secrets("etcd").len(),
        1,
        "the authorities"
    );
    story.assert_shut_out(&client);

    story.world.relate("app");
    let fired = story.rest_told("app", &["resource_created"]);
    assert_ne!(
        fired[0].response("request-id"),
        created.response("request-id")
    );
    let client = story.client_v1(&fired[0], &certificate);
    assert_eq!(
        client.lines(&["get", "/test/key"]),
        ["/test/key", "1"],
        "the data stays"
    );
    assert_serves(&client, "/test/");
}

fn authority_is_refused(mut story: Story) {
    let authority = story.authority().issue_kind("bad", Kind::Authority);
    let good = story.certificate("good");
    story.ask_v1(
        "app",
        1,
        &[("/bad/", Some(&authority)), ("/good/", Some(&good))],
    );
    let fired = story.rest_told("app", &["resource_created"]);
    assert_eq!(fired[0].response("username"), "good");
    story.assert_serves_v1(&fired[0], &good, "/good/");
    story.assert_shuts_out_v1(&fired[0], &authority);

    // A certificate in order is served at once.
    let mended = story.certificate("mended");
    story.wish("app", &[("/bad/", Some(&mended)), ("/good/", Some(&good))]);
    let fired = story.rest_told("app", &["resource_created"]);
    story.assert_serves_v1(&fired[0], &mended, "/bad/");
}

fn name_is_taken(mut story: Story) {
    let mine = story.certificate("client1");
    let relation = story.ask_v0("older", 1, "/older/", Some(&mine));
    story.rest();
    let ready = story.news(&first("older")).pop().unwrap();

    let (same, root) = (story.certificate("client1"), story.certificate("root"));
    let good = story.certificate("good");
    let wishes = [
        ("/younger/", Some(&same)),
        ("/highest/", Some(&root)),
        ("/good/", Some(&good)),
    ];
    story.ask_v1("younger", 1, &wishes);
    let fired = story.rest_told("younger", &["resource_created"]);
    assert_eq!(fired[0].response("username"), "good");
    for refused in [&same, &root] {
        story.assert_shuts_out_v1(&fired[0], refused);
    }
    story.assert_serves_v0(&ready, &mine, "/older/");

    // The name becomes free, and who waits for it does nothing.
    story.world.model.remove_relation(relation);
    let fired = story.rest_told("younger", &["resource_created"]);
    assert_eq!(fired[0].response("username"), "client1");
    let client = story.client_v1(&fired[0], &same);
    assert_serves(&client, "/younger/");
    assert!(client.run(&["get", "/older/key"]).is_denied());
    story.assert_shuts_out_v1(&fired[0], &mine);
    story.assert_shuts_out_v1(&fired[0], &root);
}
