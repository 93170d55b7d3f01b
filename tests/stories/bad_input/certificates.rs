//! A certificate that is none, or none that a client may have, after a good one. Those
//! that are shown at first are the business of the hostile stories.

use etcd_charm_world::{ClientAuthority, Kind};

use super::Neighbours;
use crate::support::{application_message, certificate};

pub(crate) fn after_a_good_certificate() {
    let mut story = Neighbours::new();
    let shown = certificate("client1");
    let uri = story.share(&shown.certificate);
    story.write(&[("prefix", "/a/"), ("secret-mtls", &uri)]);
    story.world.rest();
    let bag = story.world.model.app_bag(story.bad, "etcd");
    let user = story.world.secret_as("bad", &bag["secret-user"]);
    let tls = story.world.secret_as("bad", &bag["secret-tls"]);
    let client = story
        .world
        .client_told(&user["uris"], &shown, &tls["tls-ca"]);
    assert!(client.run(&["put", "/a/key", "1"]).ok);
    (story.starts, story.trust) = (
        story.world.starts(&story.unit),
        story.world.trust_file(&story.unit),
    );
    // A bad certificate takes nothing from whoever showed a good one before:
    // the refusal is about the change.
    let authority = ClientAuthority::new().issue_kind("client1", Kind::Authority);
    for text in ["garbage", &authority.certificate] {
        story
            .world
            .model
            .secret_set("bad", &uri, &[("mtls-cert", text)]);
        story.world.settle();
        let message = application_message(&story.world);
        let expected = "bad refused: ";
        assert!(message.starts_with(expected), "{message}");
        assert!(client.run(&["put", "/a/key", "2"]).ok);
        assert_eq!(story.world.model.app_bag(story.bad, "etcd"), bag);
        story.assert_unharmed("a bad certificate after a good one");
    }
    // So does a bad prefix.
    story
        .world
        .model
        .secret_set("bad", &uri, &[("mtls-cert", &shown.certificate)]);
    story.write(&[("prefix", "\u{1}\n".repeat(600).as_str())]);
    story.world.settle();
    assert!(application_message(&story.world).contains("longer than 1024 bytes"));
    assert!(client.run(&["put", "/a/key", "3"]).ok);
    story.assert_unharmed("a bad prefix after a good one");
    story.write(&[("prefix", "/a/")]);
    story.world.rest();
    assert_eq!(application_message(&story.world), "");
    assert!(client.run(&["put", "/a/key", "4"]).ok);
}
