//! What a unit keeps on its machine, after a disk or an editor was at it.

use std::fs;

use etcd_charm::workload::{Paths, UnitState};
use proptest::prelude::*;

use crate::texts::{edited, edits, json};
use crate::{LONGEST_REASON, cases, chain};

const FIELDS: &[&str] = &[
    "address",
    "client_endpoints",
    "data_dir",
    "departed",
    "dying",
    "founding",
    "last_unit_status",
    "peer_relation",
    "version",
];

const CAPTURED: &str = r#"{
  "version": 1,
  "address": "10.0.0.1",
  "data_dir": "/srv/data",
  "peer_relation": 3,
  "founding": {"initial_cluster": "etcd-0=https://10.0.0.1:2380", "existing": false, "token": "t"},
  "last_unit_status": ["active", "cluster is healthy"],
  "client_endpoints": ["https://10.0.0.1:2379"],
  "dying": false,
  "departed": {"etcd-1": "10.0.0.2"}
}"#;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_damaged_file_is_an_error_or_whole_facts(
        edits in edits(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        value in json(FIELDS),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let paths = Paths::new(directory.path(), &"etcd/0".parse().unwrap());
        fs::create_dir_all(paths.unit_state_file().parent().unwrap()).unwrap();
        let texts = [edited(CAPTURED, &edits).into_bytes(), noise, value.to_string().into_bytes()];
        for text in texts {
            fs::write(paths.unit_state_file(), &text).unwrap();
            match UnitState::read(&paths) {
                Ok(state) => {
                    state.write(&paths).unwrap();
                    prop_assert_eq!(UnitState::read(&paths).unwrap(), state);
                }
                Err(error) => {
                    let said = chain(&error);
                    prop_assert!(said.len() < text.len() * 10 + LONGEST_REASON, "{said}");
                }
            }
        }
    }
}
