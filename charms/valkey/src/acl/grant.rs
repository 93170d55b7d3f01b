//! The rules that give a client its own keys and channels, and nothing of what
//! belongs to others.
//!
//! A key pattern alone does not do that: among the commands that read and write
//! are some that take no key and reach everybody's, such as `FLUSHALL` and
//! `KEYS`. These are taken away by name, and each server is asked which commands
//! it has, since it refuses a user whose rules name one that it does not know.

use std::collections::BTreeSet;

/// Which rules a client gets.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Grant {
    /// Whether it may run scripts. They are held to the client's own rules while
    /// they run, and take processor time from all.
    pub scripts: bool,
    /// Whether it may list the names of all keys, those of others among them.
    pub scan: bool,
    /// Whether all keys are its own: then it may also count and delete them all.
    pub sole: bool,
}

/// What every client may call.
const BASE: [&str; 31] = [
    "-@all",
    "+@read",
    "+@write",
    "+@transaction",
    "+publish",
    "+spublish",
    "+subscribe",
    "+ssubscribe",
    "+psubscribe",
    "+unsubscribe",
    "+sunsubscribe",
    "+punsubscribe",
    "+auth",
    "+hello",
    "+ping",
    "+echo",
    "+quit",
    "+reset",
    "+wait",
    "+waitaof",
    "+command",
    "+time",
    "+client|id",
    "+client|getname",
    "+client|setname",
    "+client|setinfo",
    "+client|info",
    "+client|reply",
    "+client|no-touch",
    "+readonly",
    "+readwrite",
];

const SCRIPTS: [&str; 6] = [
    "+eval",
    "+eval_ro",
    "+evalsha",
    "+evalsha_ro",
    "+script|load",
    "+script|exists",
];

/// What administers a server or is dangerous goes, and of that, what harms nobody
/// comes back.
const WITHOUT_ADMINISTRATION: [&str; 6] = [
    "-@dangerous",
    "-@admin",
    "+info",
    "+role",
    "+sort",
    "+sort_ro",
];

/// What reads or writes, and reaches keys or code of others.
const REACHES_OTHERS: [&str; 20] = [
    "-keys",
    "-scan",
    "-clusterscan",
    "-randomkey",
    "-dbsize",
    "-flushall",
    "-flushdb",
    "-swapdb",
    "-move",
    "-migrate",
    "-restore",
    "-function",
    "-fcall",
    "-fcall_ro",
    "-lolwut",
    "-select",
    // With one key alone it touches that key and is not held to the pattern.
    "-pfmerge",
    "-pfdebug",
    "-pfselftest",
    "-cluster",
];

const SOLE: [&str; 5] = ["+keys", "+scan", "+randomkey", "+dbsize", "+flushdb"];

/// Commands without a key that the rules are known to allow: about one's own
/// connection, scripts, channels, time, and the server in general.
const KNOWN_WITHOUT_KEYS: [&str; 49] = [
    "auth",
    "client|getname",
    "client|id",
    "client|info",
    "client|no-touch",
    "client|reply",
    "client|setinfo",
    "client|setname",
    "command",
    "command|count",
    "command|docs",
    "command|getkeys",
    "command|getkeysandflags",
    "command|help",
    "command|info",
    "command|list",
    "discard",
    "echo",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "exec",
    "hello",
    "info",
    "multi",
    "ping",
    "psubscribe",
    "publish",
    "punsubscribe",
    "quit",
    "readonly",
    "readwrite",
    "reset",
    "role",
    "script|exists",
    "script|load",
    "spublish",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "time",
    "unsubscribe",
    "unwatch",
    "wait",
    "waitaof",
    "object|help",
    "xgroup|help",
    "xinfo|help",
];

impl Grant {
    /// The rules about commands, in their order, for a server that has these
    /// commands (`COMMAND LIST`).
    pub fn commands(self, has: &BTreeSet<String>) -> Vec<String> {
        let mut rules: Vec<&str> = BASE.to_vec();
        if self.scripts {
            rules.extend(SCRIPTS);
        }
        rules.extend(WITHOUT_ADMINISTRATION);
        rules.extend(REACHES_OTHERS);
        if self.scan {
            rules.push("+scan");
        }
        if self.sole {
            rules.extend(SOLE);
        }
        let known = |rule: &&str| {
            let name = &rule[1..];
            name.starts_with('@') || has.contains(name)
        };
        rules.into_iter().filter(known).map(str::to_owned).collect()
    }
}

/// Which of the commands that a client may call by its rules, and that take no
/// key, are not on our list: a newer server may have brought them, and nobody
/// has looked at them.
pub fn unexpected_commands<'a>(
    allowed_without_keys: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let all = allowed_without_keys.into_iter();
    all.filter(|name| !KNOWN_WITHOUT_KEYS.contains(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_the_server_has_are_named() {
        let has = ["keys", "ping", "eval"].map(str::to_owned).into();
        let grant = Grant {
            scripts: true,
            ..Grant::default()
        };
        let rules = grant.commands(&has);
        assert!(rules.contains(&"-keys".to_owned()));
        assert!(rules.contains(&"+eval".to_owned()));
        assert!(!rules.iter().any(|rule| rule == "-clusterscan"));
        assert!(
            !Grant::default()
                .commands(&has)
                .contains(&"+eval".to_owned())
        );
    }

    #[test]
    fn what_is_taken_away_comes_after_what_is_given() {
        let all = REACHES_OTHERS.iter().chain(&BASE).chain(&SCRIPTS);
        let has = all.map(|rule| rule[1..].to_owned()).collect();
        let grant = Grant {
            scripts: true,
            scan: false,
            sole: false,
        };
        let rules = grant.commands(&has);
        let last_category = rules.iter().rposition(|rule| rule.contains('@'));
        let first_named = rules.iter().position(|rule| rule == "-keys");
        assert!(last_category < first_named);
        assert_eq!(rules.last().map(String::as_str), Some("-cluster"));
    }
}
