//! Tenants are apart: what their users may call is called, on every release.

use std::collections::BTreeSet;

use valkey_charm::acl::{Grant, Internal, User, client_on_sentinel, client_on_server};
use valkey_charm::acl::{password_hash, unexpected_commands};
use valkey_charm::apply::users::{UsersOutcome, commands_of, ensure_users};
use valkey_charm::valkey::{Connection, Value};

use crate::programs::Programs;
use crate::server::{Server, internal};

const GRANT: Grant = Grant {
    scripts: true,
    scan: false,
    sole: false,
};

/// A server with two tenants, each of which has a key, and connections of both.
struct Tenants {
    server: Server,
    one: Connection,
    other: Connection,
}

fn client(name: &str, pattern: &str, has: &BTreeSet<String>) -> User {
    let hashes = [password_hash(name)].into();
    let pattern = pattern.parse().expect("a pattern");
    client_on_server(name, &hashes, &pattern, GRANT, has)
}

fn wanted(server: &Server, clients: &[(&str, &str)]) -> Vec<User> {
    let mut operator = server.operator();
    let has = server.runtime.block_on(commands_of(&mut operator)).unwrap();
    let mut users = Internal::on_server(&internal(), &has);
    users.extend(
        clients
            .iter()
            .map(|(name, pattern)| client(name, pattern, &has)),
    );
    users
}

fn apply(server: &Server, users: &[User], revision: u64) -> UsersOutcome {
    let mut operator = server.operator();
    let applied = ensure_users(&mut operator, users, revision);
    server.runtime.block_on(applied).expect("users are set")
}

impl Tenants {
    fn new(programs: &Programs) -> Self {
        let server = Server::start(programs, false);
        let users = wanted(&server, &[("one", "A:*"), ("other", "B:*")]);
        apply(&server, &users, 1);
        let open = |name| server.try_open(name, name).expect("a client");
        let (one, other) = (open("one"), open("other"));
        let mut tenants = Self { server, one, other };
        tenants.as_other(&["SET", "B:key", "hidden"]).unwrap();
        tenants.as_one(&["SET", "A:key", "own"]).unwrap();
        tenants
    }

    fn as_one(&mut self, words: &[&str]) -> Result<Value, String> {
        let answer = self.server.call(&mut self.one, words);
        answer.map_err(|error| error.to_string())
    }

    fn as_other(&mut self, words: &[&str]) -> Result<Value, String> {
        let answer = self.server.call(&mut self.other, words);
        answer.map_err(|error| error.to_string())
    }

    fn assert_denied(&mut self, words: &[&str]) {
        match self.as_one(words) {
            Err(error) => assert!(
                error.contains("NOPERM")
                    || error.contains("not allowed")
                    || error.contains("permissions")
                    || error.contains("unknown"),
                "{words:?}: {error}"
            ),
            Ok(value) => panic!("{words:?} was allowed: {value:?}"),
        }
        let key = self.as_other(&["GET", "B:key"]).expect("its own key");
        assert_eq!(key.text(), Some("hidden"), "after {words:?}");
    }
}

/// Commands that reach what is not of the pattern A:*, or everybody.
const OF_OTHERS: [&str; 67] = [
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "DBSIZE",
    "CLUSTERSCAN 0",
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB 0 1",
    "CLUSTER FLUSHSLOT 1",
    "FUNCTION FLUSH",
    "FUNCTION LIST",
    "FUNCTION DELETE x",
    "FCALL x 0",
    "RESTORE A:x 0 x",
    "PUBSUB CHANNELS",
    "PUBSUB NUMSUB x",
    "MOVE A:key 1",
    "COPY A:key A:copy DB 1",
    "SELECT 1",
    "MIGRATE 127.0.0.1 1 A:key 0 10",
    "CONFIG GET *",
    "MODULE LIST",
    "MONITOR",
    "DEBUG SLEEP 0",
    "CLIENT LIST",
    "CLIENT KILL ID 1",
    "CLIENT PAUSE 1",
    "SCRIPT FLUSH",
    "SCRIPT KILL",
    "ACL LIST",
    "ACL WHOAMI",
    "REPLICAOF NO ONE",
    "SAVE",
    "BGSAVE",
    "SHUTDOWN",
    "SLOWLOG GET",
    "LATENCY RESET",
    "MEMORY DOCTOR",
    "SYNC",
    "FAILOVER",
    "GET B:key",
    "SET B:key x",
    "DEL B:key",
    "RENAME A:key B:key",
    "RENAME B:key A:key",
    "COPY B:key A:copy",
    "LCS A:key B:key",
    "BITOP OR A:out B:key",
    "WATCH B:key",
    "EXISTS B:key",
    "PFMERGE B:key",
    "PFMERGE A:x B:key",
    "ZUNION 1 B:key",
    "ZDIFFSTORE A:x 1 B:key",
    "XREAD STREAMS B:key 0",
    "LMPOP 1 B:key LEFT",
    "SINTERCARD 1 B:key",
    "TYPE B:key",
    "DUMP B:key",
    "OBJECT ENCODING B:key",
    "MEMORY USAGE B:key",
    "UNLINK A:key B:key",
    "MGET A:key B:key",
    "PUBLISH B:news x",
    "SUBSCRIBE B:news",
    "PSUBSCRIBE *",
    "SSUBSCRIBE B:news",
];

/// The table of what a key pattern alone leaves open.
pub(crate) fn what_reaches_others_is_denied() {
    for programs in Programs::all() {
        let mut tenants = Tenants::new(&programs);
        for line in OF_OTHERS {
            let words: Vec<_> = line.split(' ').collect();
            if words[0] == "COPY" && words.contains(&"DB") {
                // There is one database only, so that there is no way out of it.
                let error = tenants.as_one(&words).expect_err("no such database");
                assert!(error.contains("DB index is out of range"), "{error}");
                continue;
            }
            tenants.assert_denied(&words);
        }
        tenants.as_one(&["RPUSH", "A:list", "1"]).unwrap();
        tenants.assert_denied(&["SORT", "A:list", "BY", "B:key", "GET", "B:key"]);
    }
}

pub(crate) fn a_script_has_no_more_rights_than_its_caller() {
    for programs in Programs::all() {
        let mut tenants = Tenants::new(&programs);
        for call in [
            "'GET', 'B:key'",
            "'SET', 'B:key', 'x'",
            "'KEYS', '*'",
            "'FLUSHALL'",
            "'PUBLISH', 'B:news', 'x'",
            "'DBSIZE'",
            "'SCAN', '0'",
        ] {
            let script = format!("return server.call({call})");
            tenants.assert_denied(&["EVAL", &script, "0"]);
        }
        let own = tenants.as_one(&["EVAL", "return server.call('GET', KEYS[1])", "1", "A:key"]);
        assert_eq!(own.expect("its own key").text(), Some("own"));
    }
}

/// What a client needs works, health checks and queues among it.
pub(crate) fn what_is_ones_own_works() {
    for programs in Programs::all() {
        let mut tenants = Tenants::new(&programs);
        for line in [
            "PING",
            "ECHO x",
            "CLIENT SETNAME x",
            "CLIENT ID",
            "CLIENT SETINFO LIB-NAME x",
            "INFO",
            "TIME",
            "COMMAND COUNT",
            "ROLE",
            "WAIT 0 1",
            "GET A:key",
            "INCR A:number",
            "RPUSH A:list 1",
            "SORT A:list",
            "XADD A:stream * a b",
            "EXPIRE A:list 100",
            "PUBLISH A:news x",
            "MULTI",
            "SET A:key x",
            "EXEC",
            "SCRIPT EXISTS x",
            "SUBSCRIBE A:news",
            "UNSUBSCRIBE A:news",
            "PSUBSCRIBE A:*",
        ] {
            let words: Vec<_> = line.split(' ').collect();
            tenants
                .as_one(&words)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

/// Of all commands of the server, by its own judgement of the rules, none that
/// takes no key is allowed that nobody has looked at.
pub(crate) fn every_command_without_keys_is_on_our_list() {
    for programs in Programs::all() {
        let tenants = Tenants::new(&programs);
        let server = &tenants.server;
        let mut operator = server.operator();
        let has = server.runtime.block_on(commands_of(&mut operator)).unwrap();
        let mut allowed = Vec::new();
        for name in &has {
            let words: Vec<_> = name.split('|').collect();
            let info = server
                .call(&mut operator, &["COMMAND", "INFO", name])
                .unwrap();
            let fields = info.items()[0].items();
            let arity = match fields[1] {
                Value::Integer(arity) => usize::try_from(arity.abs()).unwrap(),
                _ => panic!("{name} has no arity"),
            };
            // Of a command with keys the server itself checks these when it runs.
            if !fields[8].items().is_empty() {
                continue;
            }
            for count in [arity, arity + 3] {
                let mut call = vec!["ACL", "DRYRUN", "one"];
                call.extend(&words);
                call.resize(3 + count.max(words.len()), "B:key");
                let answer = server.call(&mut operator, &call);
                if answer.is_ok_and(|answer| answer.text() == Some("OK")) {
                    allowed.push(name.as_str());
                    break;
                }
            }
        }
        assert!(
            allowed.contains(&"ping") && allowed.len() > 20,
            "{allowed:?}"
        );
        let unexpected = unexpected_commands(allowed.iter().copied());
        assert_eq!(unexpected, Vec::<&str>::new(), "{}", programs.version);
    }
}

/// Compared, not written: the second time there is nothing to do, and whatever
/// somebody changed meanwhile is put right.
pub(crate) fn users_are_made_equal_and_then_left_alone() {
    for programs in Programs::all() {
        let server = Server::start(&programs, false);
        let users = wanted(&server, &[("one", "A:*"), ("other", "B:*")]);
        assert!(matches!(apply(&server, &users, 4), UsersOutcome::Done { changed } if changed > 4));
        let list = server.list();
        assert_eq!(apply(&server, &users, 4), UsersOutcome::Done { changed: 0 });
        let mut operator = server.operator();
        for words in [
            &["ACL", "SETUSER", "one", "~*"][..],
            &["ACL", "SETUSER", "one", "nopass"],
            &["ACL", "SETUSER", "one", "+flushall"],
            &["ACL", "SETUSER", "one", "(~* +@all)"],
            &["ACL", "SETUSER", "intruder", "on", "nopass", "~*", "+@all"],
            &["ACL", "SETUSER", "default", "on", "nopass"],
            &["ACL", "DELUSER", "other"],
        ] {
            server.call(&mut operator, words).unwrap();
            assert_eq!(
                apply(&server, &users, 4),
                UsersOutcome::Done { changed: 1 },
                "{words:?}"
            );
            assert_eq!(server.list(), list, "{words:?}");
        }
        // An older set changes nothing.
        let fewer = wanted(&server, &[("one", "A:*")]);
        assert_eq!(apply(&server, &fewer, 3), UsersOutcome::Newer(4));
        assert_eq!(server.list(), list);
        // Whoever is removed is disconnected at once; others are not.
        let mut one = server.try_open("one", "one").unwrap();
        let mut other = server.try_open("other", "other").unwrap();
        apply(&server, &fewer, 5);
        assert!(server.call(&mut other, &["PING"]).is_err());
        assert!(server.call(&mut one, &["PING"]).is_ok());
        assert!(server.try_open("other", "other").is_err());
    }
}

/// Whatever it looks like, a pattern gives no right but that to its keys.
pub(crate) fn a_hostile_pattern_is_one_argument() {
    let server = Server::start(&Programs::oldest(), false);
    apply(&server, &wanted(&server, &[("one", "A:*")]), 1);
    let list = server.list();
    // What the grammar lets pass is one argument, whatever it looks like.
    for text in [
        "+@all", "~*", "nopass", "on", ">x", "#x", "(~x)", "user:x", "%RW~*", "a,b\"'",
    ] {
        let users = wanted(&server, &[("one", "A:*"), ("odd", text)]);
        apply(&server, &users, 2);
        let line = server
            .list()
            .into_iter()
            .find(|line| line.starts_with("user odd "));
        let line = line.expect("the user");
        assert!(
            line.contains(&format!(" ~{text} ")) && line.contains(&format!(" &{text} ")),
            "{line}"
        );
        assert!(
            !line.contains(" nopass ") && !line.contains(" +@all"),
            "{line}"
        );
    }
    let again = wanted(&server, &[("one", "A:*")]);
    apply(&server, &again, 2);
    let same: Vec<_> = server
        .list()
        .into_iter()
        .filter(|line| !line.contains("revision"))
        .collect();
    let before: Vec<_> = list
        .into_iter()
        .filter(|line| !line.contains("revision"))
        .collect();
    assert_eq!(same, before);
}

pub(crate) fn a_sentinel_tells_clients_where_servers_are_and_no_more() {
    for programs in Programs::all() {
        let server = Server::start(&programs, true);
        let mut operator = server.operator();
        let has = server.runtime.block_on(commands_of(&mut operator)).unwrap();
        let mut users = internal().on_sentinel(&has);
        users.push(client_on_sentinel(
            "one",
            &[password_hash("one")].into(),
            &has,
        ));
        assert!(matches!(
            apply(&server, &users, 1),
            UsersOutcome::Done { .. }
        ));
        assert_eq!(apply(&server, &users, 1), UsersOutcome::Done { changed: 0 });
        let mut one = server.try_open("one", "one").unwrap();
        for line in ["PING", "SENTINEL MASTERS", "ROLE"] {
            let words: Vec<_> = line.split(' ').collect();
            server
                .call(&mut one, &words)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        for line in [
            "SENTINEL REMOVE primary",
            "SENTINEL FAILOVER primary",
            "SENTINEL RESET *",
            "SENTINEL MONITOR x 127.0.0.1 1 1",
            "SENTINEL CONFIG GET *",
            "SENTINEL SET primary quorum 1",
            "ACL LIST",
            "SHUTDOWN",
            "CLIENT LIST",
            "PUBLISH x y",
            "SENTINEL DEBUG",
        ] {
            let words: Vec<_> = line.split(' ').collect();
            let error = server.call(&mut one, &words).expect_err(line);
            assert_eq!(error.code(), Some("NOPERM"), "{line}: {error}");
        }
        // Nobody gets in without a name.
        let anonymous = server.try_open("default", "");
        assert!(anonymous.is_err_and(|error| error.is_of_login()));
    }
}
