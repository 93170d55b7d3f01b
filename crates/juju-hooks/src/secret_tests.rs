//! Secret tools, with real processes.

use super::fake::Fake;
use super::{Revision, SecretContent, SecretOwner, SecretUnavailable, ToolError};
use crate::{Endpoint, Relation, RelationId, SecretUri};

const ID: &str = "cuvbv6p34trs48a10a2g";

fn uri(text: &str) -> SecretUri {
    text.parse().expect("a URI")
}

fn content() -> SecretContent {
    SecretContent::from_iter([("password", " hunter2\n"), ("tls-ca", "-----BEGIN")])
}

#[test]
fn a_secret_is_read_by_the_uri_that_was_received() {
    let long = format!("secret://9d39bbbe-d95a-405d-8573-6835864daf92/{ID}");
    let fake = Fake::printing("secret-get", "{\"mtls-cert\":\"\\u003cPEM\\u003e\\n\"}\n");
    let tools = fake.tools();
    for (revision, flag) in [
        (Revision::Peek, Some("--peek")),
        (Revision::Refresh, Some("--refresh")),
        (Revision::Tracked, None),
    ] {
        let read = tools.secret_get(&uri(&long), revision).expect("an answer");
        assert_eq!(read.expect("content").get("mtls-cert"), Some("<PEM>\n"));
        let mut argv = vec!["--format=json", &long];
        argv.extend(flag);
        assert_eq!(fake.argv("secret-get"), argv);
    }
    let read = tools.secret_get_by_label("etcd-client.5.user.secret", Revision::Peek);
    assert!(read.expect("an answer").is_ok());
    assert_eq!(
        fake.argv("secret-get"),
        [
            "--format=json",
            "--label",
            "etcd-client.5.user.secret",
            "--peek"
        ]
    );
}

#[test]
fn both_versions_say_in_their_words_that_a_secret_is_unavailable() {
    use SecretUnavailable::{NoAccess, NotFound};
    for (text, expected) in [
        ("ERROR permission denied\n", NoAccess),
        (
            "ERROR \"etcd/0\" is not allowed to read this secret\n",
            NoAccess,
        ),
        (
            "ERROR secret \"secret:cuvbv6p34trs48a10a2g\" not found\n",
            NotFound,
        ),
        (
            "ERROR getting latest secret revision: secret \"x\" not found\n",
            NotFound,
        ),
        ("ERROR consumer label \"x\" not found\n", NotFound),
        (
            "ERROR secret URI for consumer label \"x\" not found\n",
            NotFound,
        ),
    ] {
        let fake = Fake::failing("secret-get", 1, text);
        let read = fake.tools().secret_get(&uri(ID), Revision::Refresh);
        assert_eq!(read.expect("an answer"), Err(expected), "{text}");
    }
}

#[test]
fn other_failures_to_read_are_errors() {
    for text in [
        "ERROR secret backend \"vault\" not found\n",
        "ERROR connection is shut down\n",
        "",
    ] {
        let fake = Fake::failing("secret-get", 1, text);
        let error = fake.tools().secret_get(&uri(ID), Revision::Refresh);
        assert!(matches!(error, Err(ToolError::Failed { .. })), "{text}");
    }
}

#[test]
fn content_of_an_unexpected_shape_is_not_quoted() {
    for stdout in [
        "\"hunter2\"\n",
        "{\"k\":[\"hunter2\"]}\n",
        "hunter2\n",
        "null",
    ] {
        let fake = Fake::printing("secret-get", stdout);
        let error = fake.tools().secret_get(&uri(ID), Revision::Peek);
        let error = error.expect_err("no content");
        assert!(matches!(error, ToolError::Parse { .. }));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}

#[test]
fn the_owner_finds_a_secret_by_its_label() {
    let stdout = format!(
        "{{\"{ID}\":{{\"revision\":3,\"label\":\"l\",\"owner\":\"application\",\"rotation\":\"never\"}}}}\n"
    );
    let fake = Fake::printing("secret-info-get", &stdout);
    let info = fake.tools().secret_info("l").expect("an answer");
    let info = info.expect("it is there");
    assert_eq!(info.id.as_str(), ID);
    assert_eq!(info.revision, 3);
    assert_eq!(info.label.as_deref(), Some("l"));
    assert_eq!(info.owner, SecretOwner::Application);
    assert_eq!(
        fake.argv("secret-info-get"),
        ["--format=json", "--label", "l"]
    );
}

#[test]
fn a_label_without_a_secret_is_no_error() {
    let fake = Fake::failing("secret-info-get", 1, "ERROR secret \"l\" not found\n");
    assert_eq!(fake.tools().secret_info("l").expect("an answer"), None);
    for nothing in ["{}\n", "null\n"] {
        let fake = Fake::printing("secret-info-get", nothing);
        assert_eq!(fake.tools().secret_info("l").expect("an answer"), None);
    }
    let fake = Fake::failing("secret-info-get", 1, "ERROR permission denied\n");
    assert!(fake.tools().secret_info("l").is_err());
}

#[test]
fn a_secret_that_is_gone_does_not_exist() {
    let uri = uri(&format!("secret:{ID}"));
    let stdout = format!("{{\"{ID}\":{{\"revision\":1,\"owner\":\"application\"}}}}\n");
    let fake = Fake::printing("secret-info-get", &stdout);
    assert!(fake.tools().secret_exists(&uri).expect("an answer"));
    assert_eq!(
        fake.argv("secret-info-get"),
        ["--format=json", uri.as_str()]
    );
    let fake = Fake::failing("secret-info-get", 1, "ERROR secret \"x\" not found\n");
    assert!(!fake.tools().secret_exists(&uri).expect("an answer"));
}

#[test]
fn content_is_handed_over_in_private_files() {
    let long = format!("secret://9d39bbbe-d95a-405d-8573-6835864daf92/{ID}");
    let fake = Fake::printing("secret-add", &format!("{long}\n"));
    let added = fake
        .tools()
        .secret_add("l", "what it is", &content(), SecretOwner::Application)
        .expect("it is added");
    assert_eq!(added.as_str(), long);

    let directory = fake.path("handover");
    let directory = directory.display();
    assert_eq!(
        fake.argv("secret-add"),
        [
            "--owner",
            "application",
            "--label",
            "l",
            "--description",
            "what it is",
            &format!("password#file={directory}/0"),
            &format!("tls-ca#file={directory}/1"),
        ]
    );
    assert_eq!(
        fake.recorded("secret-add", "files"),
        "600\n hunter2\n\n600\n-----BEGIN\n"
    );
    assert_eq!(fake.left_over_files(), 0);
}

#[test]
fn a_failed_call_leaves_no_content_anywhere() {
    let fake = Fake::failing("secret-add", 1, "ERROR this unit is not the leader\n");
    let error = fake
        .tools()
        .secret_add("l", "d", &content(), SecretOwner::Unit)
        .expect_err("it is refused");
    assert!(error.is_denied());
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    assert!(!fake.recorded("secret-add", "argv").contains("hunter2"));
    assert_eq!(fake.argv("secret-add")[1], "unit");
    assert_eq!(fake.left_over_files(), 0);

    // Without a tool at all, too.
    let fake = Fake::new(&[]);
    let tools = fake.tools();
    assert!(tools.secret_set(&uri(ID), None, &content()).is_err());
    assert_eq!(fake.left_over_files(), 0);
}

#[test]
fn a_changed_secret_gets_all_of_its_content() {
    let fake = Fake::new(&["secret-set"]);
    let tools = fake.tools();
    tools
        .secret_set(&uri(ID), Some("d"), &content())
        .expect("it is set");
    let argv = fake.argv("secret-set");
    assert_eq!(argv[..3], ["--description", "d", ID]);
    assert!(argv[3].starts_with("password#file=/"));
    assert!(argv[4].starts_with("tls-ca#file=/"));
    assert_eq!(argv.len(), 5);
}

#[test]
fn a_secret_is_granted_to_a_relation() {
    let relation = Relation {
        endpoint: Endpoint("etcd-client"),
        id: RelationId(5),
    };
    let fake = Fake::new(&["secret-grant"]);
    fake.tools()
        .secret_grant(&uri(ID), relation)
        .expect("granted");
    assert_eq!(fake.argv("secret-grant"), ["-r", "etcd-client:5", ID]);
}

#[test]
fn a_revision_or_all_of_a_secret_is_removed() {
    let fake = Fake::new(&["secret-remove"]);
    let tools = fake.tools();
    tools.secret_remove(&uri(ID), None).expect("it is removed");
    assert_eq!(fake.argv("secret-remove"), [ID]);
    tools
        .secret_remove(&uri(ID), Some(2))
        .expect("it is removed");
    assert_eq!(fake.argv("secret-remove"), [ID, "--revision", "2"]);

    let fake = Fake::failing("secret-remove", 1, "ERROR secret \"x\" not found\n");
    let error = fake.tools().secret_remove(&uri(ID), None);
    assert!(error.expect_err("it is gone").is_not_found());
}
