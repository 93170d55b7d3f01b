//! Output of hook tools, which is not what any Juju that we know prints. It
//! goes through the real runner and a real process, so there are few cases.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use etcd_charm::facts::{Endpoint, Relation, RelationId};
use etcd_charm::juju::{Revision, Tools};
use etcd_charm::relation::ETCD_CLIENT;
use proptest::prelude::*;

use crate::bags::FIELDS;
use crate::cases;
use crate::texts::{edited, edits, json};

/// What the tools print, as captured.
const CAPTURED: &[&str] = &[
    "null",
    "true",
    "\"app\"",
    "[\"etcd-client:5\",\"etcd-client:10\"]",
    "[\"app/0\",\"app/1\"]",
    "[\"data/0\"]",
    "[\"2379/tcp\",\"1-9/udp\"]",
    "[\"cuvbv6p34trs48a10a2g\"]",
    "{\"uuid\":\"9d39bbbe-d95a-405d-8573-6835864daf92\",\"type\":\"iaas\"}",
    "{\"prefix\":\"/test/\",\"secret-mtls\":\"secret:cuvbv6p34trs48a10a2g\"}",
    "{\"cuvbv6p34trs48a10a2g\":{\"revision\":1,\"label\":\"a\",\"owner\":\"application\",\"rotation\":\"never\"}}",
    "{\"bind-addresses\":[{\"interface-name\":\"eth0\",\"addresses\":[{\"hostname\":\"\",\"value\":\"10.0.0.1\",\"cidr\":\"\"}]}],\"ingress-addresses\":[\"10.0.0.2\"]}",
];

const TOOLS: &[&str] = &[
    "action-get",
    "config-get",
    "is-leader",
    "network-get",
    "opened-ports",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-model-get",
    "secret-get",
    "secret-info-get",
    "storage-list",
];

/// Stands in every secret, and in no error.
const MARK: &str = "hunter2";

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn any_output_is_understood_or_an_error(
        captured in prop::sample::select(CAPTURED),
        edits in edits(),
        value in json(FIELDS),
        noise in prop::collection::vec(any::<u8>(), 0..100),
        kind in 0..4_u8,
        tool in 0..TOOLS.len(),
    ) {
        let output = match kind {
            0 => value.to_string().into_bytes(),
            1 => noise,
            _ => edited(captured, &edits).into_bytes(),
        };
        let directory = tempfile::tempdir().unwrap();
        let tools = tools(directory.path(), &output);
        call(&tools, TOOLS[tool])?;
        prop_assert_eq!(tools.calls(), 1);
    }

    #[test]
    fn no_error_shows_what_is_in_a_secret(value in json(&["mtls-cert", MARK]), edits in edits()) {
        let text = value.to_string().replace(":\"", &format!(":\"{MARK}"));
        let directory = tempfile::tempdir().unwrap();
        let tools = tools(directory.path(), edited(&text, &edits).as_bytes());
        let uri = "secret:cuvbv6p34trs48a10a2g".parse().unwrap();
        match tools.secret_get(&uri, Revision::Peek) {
            Err(error) => {
                let shown = format!("{error:?} {}", crate::chain(&error));
                prop_assert!(!shown.contains(MARK), "{shown}");
            }
            Ok(Ok(content)) => {
                let keys: Vec<_> = content.keys().map(str::to_owned).collect();
                let shown = format!("{content:?}");
                let is_key = keys.iter().any(|key| key.contains(MARK));
                prop_assert!(is_key || !shown.contains(MARK), "{shown}");
            }
            Ok(Err(_)) => {}
        }
    }
}

/// A runner whose tools print `output`.
fn tools(directory: &Path, output: &[u8]) -> Tools {
    fs::write(directory.join("output"), output).unwrap();
    let script = directory.join("tool");
    // Put in its place by another process, for no file that is open for writing
    // anywhere can be executed, and parallel tests fork all the time.
    let text = "#!/bin/sh\nexec cat \"${0%/*}/output\"\n";
    let status = std::process::Command::new("/bin/sh")
        .args([
            "-c",
            r#"printf %s "$1" > "$2" && chmod 755 "$2""#,
            "sh",
            text,
        ])
        .arg(&script)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(
        script.metadata().unwrap().permissions().mode() & 0o777,
        0o755
    );
    for tool in TOOLS {
        std::os::unix::fs::symlink(&script, directory.join(tool)).unwrap();
    }
    Tools::new(directory.as_os_str(), &directory.join("handover")).unwrap()
}

/// Calls the function of a tool. Understood or not, it must not panic, and an
/// error says which tool it is about.
fn call(tools: &Tools, tool: &str) -> Result<(), TestCaseError> {
    let relation = Relation {
        endpoint: ETCD_CLIENT,
        id: RelationId(5),
    };
    let uri = "secret:cuvbv6p34trs48a10a2g".parse().unwrap();
    let app = "app".parse().unwrap();
    let error = match tool {
        "action-get" => said(tools.action_get()),
        "config-get" => said(tools.config_get()),
        "is-leader" => said(tools.is_leader()),
        "network-get" => said(tools.network_get(Endpoint("cluster"))),
        "opened-ports" => said(tools.opened_ports()),
        "relation-get" => said(tools.relation_get_app(relation, &app)),
        "relation-ids" => said(tools.relation_ids(ETCD_CLIENT)),
        "relation-list" => said(tools.relation_list(relation)),
        "relation-model-get" => said(tools.relation_model_uuid(relation)),
        "secret-get" => said(tools.secret_get(&uri, Revision::Refresh)),
        "secret-info-get" => said(tools.secret_info("label")),
        "storage-list" => said(tools.storage_list("data")),
        other => panic!("nothing is known of {other}"),
    };
    if let Some(error) = error {
        prop_assert!(error.contains(tool), "{error}");
    }
    Ok(())
}

fn said<T, E: Error>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| error.to_string())
}
