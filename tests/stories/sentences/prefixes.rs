//! Prefixes, byte for byte.

use etcd_charm_world::World;
use serde_json::Value;

use crate::support::{
    ask_v0, ask_v1, assert_serves, certificate, deployed, id, listed, request, roles, users,
};

/// Bytes as etcdctl's JSON holds them.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .map(|chunk| {
            let padded = [chunk, &[0, 0]].concat();
            let number = padded[..3].iter().fold(0, |n, b| n << 8 | usize::from(*b));
            let digit = |at: usize| match at <= chunk.len() {
                true => char::from(DIGITS[number >> (18 - 6 * at) & 63]),
                false => '=',
            };
            (0..4).map(digit).collect::<String>()
        })
        .collect()
}

/// Asserts that a role may read and write exactly this range.
fn assert_range(world: &World, role: &str, key: &[u8], end: &[u8]) {
    let unit = &world.running_units()[0];
    let granted = world.admin(unit).json(&["role", "get", role]);
    let permissions = granted["perm"].as_array().expect("permissions");
    let [permission] = &permissions[..] else {
        panic!("{role} has {permissions:?}")
    };
    assert_eq!(permission["permType"], 2, "{permission}");
    assert_eq!(permission["key"], base64(key), "{role}");
    assert_eq!(permission["range_end"], base64(end), "{role}");
}

pub(crate) fn sentence_19_a_prefix_is_its_bytes() {
    let (mut world, _) = deployed();
    let cases: [(&str, &[u8]); 9] = [
        ("/test", b"/tesu"),
        ("/test/", b"/test0"),
        ("123", b"124"),
        ("true", b"truf"),
        ("-x/", b"-x0"),
        ("\"q\"", b"\"q#"),
        (" blank ", b" blank!"),
        // The last byte is 0xbc, and the next is 0xbd.
        ("/ü", b"/\xc3\xbd"),
        ("null", b"nulm"),
    ];
    let shown: Vec<_> = (0..cases.len())
        .map(|n| certificate(&format!("client{n}")))
        .collect();
    let asked: Vec<_> = cases
        .iter()
        .zip(&shown)
        .map(|((prefix, _), shown)| (*prefix, Some(shown)))
        .collect();
    let v1 = ask_v1(&mut world, "new", &asked);
    world.settle();
    for (number, (prefix, end)) in cases.iter().enumerate() {
        let told = world.told_for(&v1, &id(number)).expect("an answer");
        assert_range(&world, &told.user["username"], prefix.as_bytes(), end);
        assert_serves(&mut world, &told, &shown[number], prefix);
    }
    // The same over version 0, where a value of the databag is the prefix.
    let shown = certificate("client");
    let v0 = ask_v0(&mut world, "old", "{\"prefix\": 1}", &shown);
    world.rest();
    assert_range(&world, "client", b"{\"prefix\": 1}", b"{\"prefix\": 1~");
    let told = world.told(&v0).expect("an answer");
    assert_serves(&mut world, &told, &shown, "{\"prefix\": 1}");
}

pub(crate) fn sentence_20_an_empty_prefix_grants_nothing() {
    let (mut world, unit) = deployed();
    let shown = [
        certificate("client1"),
        certificate("client2"),
        certificate("client3"),
    ];
    let v0 = ask_v0(&mut world, "old", "", &shown[0]);
    let mut v1 = ask_v1(&mut world, "new", &[("", Some(&shown[1]))]);
    // One without the key at all.
    let uri = world
        .model
        .secret_add("new", &[("mtls-cert", &shown[2].certificate)]);
    world.model.secret_grant("new", &uri, v1.relation);
    let bag = world.model.app_bag(v1.relation, "new");
    let mut requests: Value = serde_json::from_str(&bag["requests"]).unwrap();
    let missing = serde_json::json!({ "request-id": id(1), "salt": "s", "secret-mtls": uri });
    requests.as_array_mut().unwrap().push(missing);
    let requests = requests.to_string();
    world
        .model
        .relation_set_app(v1.relation, "new", &[("requests", &requests)]);
    world.rest();
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(roles(&world, &unit), ["root"]);
    assert_eq!(world.told(&v0), None);
    assert_eq!(world.responses(&v1), Vec::<Value>::new());
    assert_eq!(world.starts(&unit), 1);
    let listed = listed(&mut world, &unit);
    assert!(listed.contains("the prefix is empty"), "{listed}");
    assert!(listed.contains("names no resource"), "{listed}");

    // A good one beside it is served.
    v1.requests.push(request("/good/", 2));
    let good = certificate("client4");
    v1.set_certificate(&mut world.model, 1, &good.certificate);
    world.rest();
    let told = world.told_for(&v1, &id(2)).expect("an answer");
    assert_serves(&mut world, &told, &good, "/good/");
    assert_eq!(roles(&world, &unit), ["client4", "root"]);
}
