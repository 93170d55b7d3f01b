//! Certificates that are none, or none that a client may have.

use etcd_charm_world::{Certificate, ClientAuthority, Kind};

use super::Neighbours;
use crate::support::{application_message, certificate};

pub(crate) fn what_is_no_pem() {
    let mut story = Neighbours::new();
    let Certificate {
        certificate: good,
        key,
        ..
    } = certificate("client1");
    let end = "-----END CERTIFICATE-----";
    let cases = [
        ("x".to_owned(), ""),
        ("\u{feff}".to_owned(), ""),
        ("\u{fffd}\u{fffd}\u{0}\u{1b}[2J".to_owned(), ""),
        (format!("{good}\u{0}"), ""),
        (good.replace(end, ""), ""),
        (
            good.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
            "not a CERTIFICATE",
        ),
        (
            good.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
            "not a CERTIFICATE",
        ),
        (format!("# a remark\n{good}"), ""),
        (format!("{good}trailing"), ""),
        (format!("{good}{key}"), "a private key was sent"),
        (key, "a private key was sent"),
        (
            format!("-----BEGIN CERTIFICATE-----\n!!!!\n{end}\n"),
            "not valid base64",
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\nMIIB\n{end}\n"),
            "malformed",
        ),
        (format!("-----BEGIN CERTIFICATE-----\n{end}\n"), ""),
        (good.replacen("MII", "MIJ", 1), "malformed"),
        (good.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1), ""),
        (
            format!("{good}-----BEGIN CERTIFICATE-----\nMIIB\n{end}\n"),
            "certificate 2 of the chain",
        ),
        (good.repeat(200), ""),
    ];
    story.write(&[("prefix", "/a/")]);
    for (text, reason) in cases {
        // Across models it stands in the databag, elsewhere in a secret.
        let uri = story.share(&text);
        story.write(&[("secret-mtls", &uri), ("mtls-cert", "")]);
        story.assert_refused(&text, reason);
    }
    story.assert_mended();
}

pub(crate) fn certificates_that_may_not_be() {
    let mut story = Neighbours::new();
    let authority = ClientAuthority::new();
    let of_kind = |kind| authority.issue_kind("client1", kind).certificate;
    let named = |name: &str| authority.issue(name).certificate;
    let leaf = named("client1");
    let cases = [
        (of_kind(Kind::Authority), "is a CA certificate"),
        (of_kind(Kind::Signer), "may sign certificates"),
        (of_kind(Kind::Version1), "X.509 v1"),
        (of_kind(Kind::Expired), "the certificate expired at"),
        // The authority first is the certificate that is shown.
        (
            format!("{}{leaf}", authority.certificate()),
            "is a CA certificate",
        ),
        (named(""), "no common name"),
        (named(" client1"), "begins or ends with white space"),
        (named("a\nb"), "control or invisible characters"),
        (named("a\u{202e}b"), "control or invisible characters"),
        (named(&"n".repeat(65)), "longer than 64 characters"),
        (named("root"), "common name root is reserved"),
        (named("etcd-0"), "common name etcd-0 is reserved"),
        (named("etcd-charm:etcd-0"), "is reserved"),
        (named("old"), "common name old is held by old"),
    ];
    story.write(&[("prefix", "/a/")]);
    for (text, reason) in cases {
        let uri = story.share(&text);
        story.write(&[("secret-mtls", &uri)]);
        story.assert_refused(reason, reason);
    }
    story.assert_mended();
}

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
