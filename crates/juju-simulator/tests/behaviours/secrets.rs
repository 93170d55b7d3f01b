//! Secrets: rights, revisions, and what a commit refuses.

use juju_simulator::{AgentState, Change, Hook, HookRun};

use crate::world::{Outcome, World, names_of};

fn id(uri: &str) -> &str {
    &uri[uri.len() - 20..]
}

pub(crate) fn behaviour_22_secret_add_prints_a_full_uri() {
    let (mut world, _) = World::pair(2);
    let call = world.call("app/0", "secret-add password=hunter2");
    let uri = call.stdout.trim_end();
    let start = format!("secret://{}/", world.model.uuid());
    assert!(
        uri.starts_with(&start) && uri.len() == start.len() + 20,
        "{uri}"
    );
    let secret = &world.model.secrets("app")[0];
    assert_eq!(secret.uri, uri);
    assert_eq!(
        secret.owner,
        juju_simulator::Owner::Application("app".to_owned())
    );
    world
        .call("app/1", "secret-add password=hunter2")
        .fails(1, "this unit is not the leader");
    assert_eq!(
        world
            .call("app/1", "secret-add --owner unit password=hunter2")
            .exit_code,
        0
    );
}

pub(crate) fn behaviour_23_secret_keys_and_sizes_are_checked() {
    let (mut world, _) = World::pair(2);
    let refused = [
        ("secret-add", "missing secret value or filename"),
        ("secret-add s3cret", "key value \"s3cret\" not valid"),
        ("secret-add a=1", "key \"a\" not valid"),
        ("secret-add Key=1", "key \"Key\" not valid"),
        ("secret-add a--b=1", "key \"a--b\" not valid"),
        ("secret-add abc-=1", "key \"abc-\" not valid"),
        ("secret-add key=", "empty secret value not valid"),
        (
            "secret-add --rotate foo key=1",
            "rotate policy \"foo\" not valid",
        ),
        (
            "secret-add --owner foo key=1",
            "secret owner \"foo\" not valid",
        ),
        (
            "secret-add --expire=-1h key=1",
            "negative expire duration \"-1h\" not valid",
        ),
        (
            "secret-add --expire soon key=1",
            "expire time or duration \"soon\" not valid",
        ),
        ("secret-set", "missing secret URI"),
        ("secret-get", "require either a secret URI or label"),
        ("secret-get foo", "secret URI \"foo\" not valid"),
    ];
    for (line, text) in refused {
        world.call("app/0", line).fails(2, text);
    }
    let file = world.model.directory().join("big");
    std::fs::write(&file, vec![b'x'; 760_000]).expect("a file");
    let line = format!("secret-add key#file={}", file.display());
    let text = "base64 encoded secret content for key \"key\" too large: 1013336 bytes";
    world.call("app/0", &line).fails(2, text);
    std::fs::write(&file, vec![b'x'; 740_000]).expect("a file");
    assert_eq!(world.call("app/0", &line).exit_code, 0);
    assert_eq!(
        world
            .call("app/0", "secret-add --expire 1h30m a-b2=1 key#base64=aGk=")
            .exit_code,
        0
    );
    let secrets = world.model.secrets("app");
    assert!(secrets.iter().any(|secret| {
        secret
            .latest()
            .get("key")
            .is_some_and(|value| value == "hi")
    }));
}

pub(crate) fn behaviour_24_own_pending_secrets_in_the_same_hook() {
    let (mut world, _) = World::pair(2);
    let run = world.run("app/0", "uri=$(secret-add --label mine key=one)\nsecret-get $uri --format=json\nsecret-get --label mine");
    run.calls[1].prints("{\"key\":\"one\"}\n");
    run.calls[2].prints("key: one\n");
    let uri = world.model.secrets("app").remove(0).uri;
    let get = format!("secret-get {uri} --format=json");
    let run = world.run(
        "app/0",
        &format!("secret-set {uri} key=two\n{get}\n{get} --peek\n{get}\n{get} --refresh"),
    );
    let outputs: Vec<&str> = run.calls[1..]
        .iter()
        .map(|call| call.stdout.trim_end())
        .collect();
    assert_eq!(
        outputs,
        [
            "{\"key\":\"one\"}",
            "{\"key\":\"two\"}",
            "{\"key\":\"one\"}",
            "{\"key\":\"two\"}"
        ]
    );
    world.call("app/0", &get).prints("{\"key\":\"two\"}\n");
    world
        .call("app/1", &format!("{get} key"))
        .prints("\"two\"\n");
}

pub(crate) fn behaviour_25_reads_are_pinned_until_refresh() {
    let (mut world, relation) = World::pair(2);
    let uri = world.model.secret_add("pg", &[("key", "one")]);
    world.model.secret_grant("pg", &uri, relation);
    let get = format!("secret-get {uri} key");
    world.call("app/0", &get).prints("one\n");
    world.model.secret_set("pg", &uri, &[("key", "two")]);
    let run = world.run("app/0", &format!("{get}; {get} --peek; {get}"));
    let outputs: Vec<&str> = run
        .calls
        .iter()
        .map(|call| call.stdout.trim_end())
        .collect();
    assert_eq!(outputs, ["one", "two", "one"]);
    world
        .call("app/0", &format!("{get} --peek --refresh"))
        .fails(2, "specify one of --peek or --refresh but not both");
    let failing = world.run("app/0", &format!("{get} --refresh; exit 1"));
    assert!(!failing.committed);
    world.settle();
    world.call("app/0", &get).prints("two\n");

    // The owner tracks as well.
    world.run("app/0", "secret-add --label own key=one");
    let own = world.model.secrets("app").remove(0).uri;
    world.run("app/0", &format!("secret-get {own}"));
    world.run("app/0", &format!("secret-set {own} key=two"));
    let run = world.run(
        "app/0",
        &format!("secret-get {own} key; secret-get {own} key --refresh; secret-get {own} key"),
    );
    let outputs: Vec<&str> = run
        .calls
        .iter()
        .map(|call| call.stdout.trim_end())
        .collect();
    assert_eq!(outputs, ["one", "two", "two"]);
}

pub(crate) fn behaviour_26_equal_content_makes_no_revision() {
    let mut world = World::new();
    world.deploy("app", 1);
    world.deploy("srv", 2);
    let relation = world.model.integrate("app:db", "srv:server");
    world.settle();
    let lines = format!("uri=$(secret-add key=one); secret-grant $uri -r {relation}");
    world.run("srv/0", &lines);
    let uri = world.model.secrets("srv").remove(0).uri;
    assert!(
        world.settle().is_empty(),
        "neither creation nor grant is an event"
    );
    world.run("app/0", &format!("secret-get {uri}"));
    let same = world.run("srv/0", &format!("secret-set {uri} key=one"));
    assert!(same.changes.is_empty());
    assert!(world.settle().is_empty());
    let new = world.run("srv/0", &format!("secret-set {uri} key=two"));
    assert_eq!(
        new.changes,
        [Change::SecretRevised {
            secret: id(&uri).to_owned(),
            revision: 2
        }]
    );
    let runs = world.settle();
    assert_eq!(names_of(&runs, "app/0"), ["secret-changed"]);
    assert!(
        names_of(&runs, "srv/1").is_empty(),
        "who never read it hears nothing"
    );
    // Nobody reads revision 2; a tracker of the latest revision hears nothing.
    world.run("app/0", &format!("secret-get {uri} --refresh"));
    assert!(!names_of(&world.settle(), "app/0").contains(&"secret-changed".to_owned()));
}

pub(crate) fn behaviour_27_reading_without_right() {
    let (mut world, relation) = World::pair(2);
    let uri = world.model.secret_add("pg", &[("key", "one")]);
    world
        .call("app/0", &format!("secret-get {uri}"))
        .fails(1, "permission denied");
    let unknown = "secret:d0000000000000000000";
    world
        .call("app/0", &format!("secret-get {unknown}"))
        .fails(1, &format!("secret \"{unknown}\" not found"));
    world
        .call("app/0", "secret-get --label x")
        .fails(1, "consumer label \"x\" not found");
    world.model.secret_grant("pg", &uri, relation);
    let short = juju_simulator::short_uri(&uri);
    world
        .call("app/1", &format!("secret-get {short} key"))
        .prints("one\n");
    world.model.secret_revoke("pg", &uri, relation);
    world
        .call("app/1", &format!("secret-get {uri}"))
        .fails(1, "permission denied");
    world
        .call("app/0", "secret-get secret:d0000000000000000000 --label l")
        .fails(1, &format!("secret \"{unknown}\" not found"));

    // What one unit owns is not for its mates.
    world.run("app/0", "secret-add --owner unit key=mine");
    let own = world.model.secrets("app").remove(0).uri;
    world
        .call("app/1", &format!("secret-get {own}"))
        .fails(1, "permission denied");

    let mut world = World::v4();
    world.deploy("app", 1);
    world.puppet("pg", 1);
    world.settle();
    let uri = world.model.secret_add("pg", &[("key", "one")]);
    let text = "\"app/0\" is not allowed to read this secret";
    world
        .call("app/0", &format!("secret-get {uri}"))
        .fails(1, text);
    world
        .call("app/0", "secret-get --label x")
        .fails(1, "secret URI for consumer label \"x\" not found");
}

pub(crate) fn behaviour_28_foreign_set_and_label_clash_fail_at_commit() {
    let (mut world, relation) = World::pair(2);
    let uri = world.model.secret_add("pg", &[("key", "one")]);
    let run = world.run(
        "app/0",
        &format!("secret-set {uri} key=two; relation-set -r {relation} a=b"),
    );
    assert_eq!(run.calls[0].exit_code, 0);
    assert!(!run.committed && run.commit_error.is_some());
    assert_eq!(
        world.model.agent_state("app/0"),
        AgentState::Error(Hook::UpdateStatus)
    );
    assert!(!world.model.unit_bag(relation, "app/0").contains_key("a"));
    let again = world.settle();
    assert_eq!(
        names_of(&again, "app/0"),
        ["update-status"],
        "the hook is run again"
    );

    world.run("app/0", "secret-add --label same key=one");
    let clash = world.run("app/0", "secret-add --label same key=two");
    assert_eq!(clash.calls[0].exit_code, 0);
    let error = clash.commit_error.expect("the commit fails");
    assert!(
        error.ends_with("creating secrets: secret with label \"same\" already exists"),
        "{error}"
    );
    world.settle();
    assert_eq!(world.model.secrets("app").len(), 1);
    let twice = world.run(
        "app/0",
        "secret-add --label new key=1; secret-add --label new key=2",
    );
    twice.calls[1].fails(1, "secret with label \"new\" already exists");
}

pub(crate) fn behaviour_29_a_grant_dies_with_its_relation() {
    let (mut world, relation) = World::both();
    world.run(
        "srv/0",
        &format!("uri=$(secret-add --label l key=one); secret-grant $uri -r {relation}"),
    );
    let uri = world.model.secrets("srv").remove(0).uri;
    let get = format!("secret-get {uri} key");
    world.call("app/0", &get).prints("one\n");
    world.script("app", "db-relation-broken", &get);
    world.model.remove_relation(relation);
    let refused = world.run(
        "srv/0",
        &format!("secret-grant $(secret-add key=two) -r {relation}"),
    );
    let error = refused
        .commit_error
        .expect("a dying relation takes no grant");
    let text = "cannot grant access to secret in scope of \"relation-app.db#srv.server\" which is not alive";
    assert!(error.ends_with(text), "{error}");
    let runs = world.settle();
    let broken = crate::world::find(&runs, "app/0", "db-relation-broken");
    broken.calls[0].prints("one\n");
    world.unscript("app", "db-relation-broken");
    assert!(
        world
            .model
            .secrets("srv")
            .iter()
            .all(|secret| secret.grants.is_empty())
    );
    world.call("app/0", &get).fails(1, "permission denied");
    world.model.integrate("app:db", "srv:server");
    world.settle();
    world.call("app/0", &get).fails(1, "permission denied");
}

pub(crate) fn behaviour_30_foreign_secrets_are_not_found() {
    let (mut world, relation) = World::pair(2);
    world
        .call("app/0", "secret-ids --format=json")
        .prints("null\n");
    let foreign = world.model.secret_add("pg", &[("key", "one")]);
    world.model.secret_grant("pg", &foreign, relation);
    let not_found = format!("secret \"{}\" not found", id(&foreign));
    world
        .call("app/0", &format!("secret-info-get {foreign}"))
        .fails(1, &not_found);
    world
        .call("app/0", &format!("secret-grant {foreign} -r {relation}"))
        .fails(1, &not_found);
    let own = world
        .call("app/0", "secret-add --label own key=one")
        .stdout
        .trim_end()
        .to_owned();
    let info = format!(
        "{{\"{}\":{{\"label\":\"own\",\"owner\":\"application\",\"revision\":1,\"rotation\":\"never\"}}}}\n",
        id(&own)
    );
    world
        .call("app/0", &format!("secret-info-get --format=json {own}"))
        .prints(&info);
    let not_found = format!("secret \"{}\" not found", id(&own));
    world
        .call("app/1", &format!("secret-info-get {own}"))
        .fails(1, &not_found);
    world
        .call("app/1", "secret-info-get --label own")
        .fails(1, "secret \"own\" not found");
    world
        .call("app/1", &format!("secret-grant {own} -r {relation}"))
        .fails(1, "this unit is not the leader");
    world
        .call("app/0", "secret-ids --format=json")
        .prints(&format!("[\"{}\"]\n", id(&own)));
    world
        .call("app/1", "secret-ids --format=json")
        .prints("null\n");
    let missing = "no relation id specified";
    world
        .call("app/0", &format!("secret-grant {own}"))
        .fails(2, missing);
}

/// What the units of `app` are told after their leader has run these lines.
fn told(world: &mut World, lines: &str) -> Vec<String> {
    world.run("app/0", lines);
    let runs = world.settle();
    let about = |run: &HookRun| match run.variable("JUJU_SECRET_REVISION") {
        Some(revision) => format!("{} {} {revision}", run.unit, run.name),
        None => format!("{} {}", run.unit, run.name),
    };
    runs.iter().map(about).collect()
}

/// Reading is what makes a consumer, of the owner as of anybody else: a secret that
/// its owner only writes is told to nobody but whoever reads it.
pub(crate) fn an_owner_is_told_of_what_it_writes_once_it_has_read_it() {
    for mut world in [World::new(), World::v4()] {
        world.deploy("app", 2);
        world.settle();
        for owner in ["application", "unit"] {
            world.run("app/0", &format!("secret-add --owner {owner} key=1"));
            let uri = world.model.secrets("app").remove(0).uri;
            let write = |value: u32| format!("secret-set {uri} key={value}");
            let removed = |revision: u32| format!("app/0 secret-remove {revision}");
            let changed = || "app/0 secret-changed".to_owned();
            // Neither is it one by looking at what is known of the secret.
            let looks = format!("secret-info-get {uri}; secret-ids; {}", write(2));
            assert_eq!(told(&mut world, &looks), [removed(1)]);
            assert!(world.model.secrets("app")[0].tracked.is_empty());

            // With --peek it tracks what it has read first, for good, and hears of each
            // revision from then on.
            let peek = format!("secret-get {uri} --peek");
            assert_eq!(told(&mut world, &peek), [""; 0]);
            assert_eq!(told(&mut world, &write(3)), [changed()]);
            assert_eq!(told(&mut world, &peek), [""; 0]);
            assert_eq!(told(&mut world, &write(4)), [changed(), removed(3)]);
            let tracked = &world.model.secrets("app")[0].tracked;
            assert_eq!(tracked.values().collect::<Vec<_>>(), [&2]);

            // With --refresh it lets go of what it tracked, and still is a consumer.
            let refresh = format!("secret-get {uri} --refresh");
            assert_eq!(told(&mut world, &refresh), [removed(2)]);
            assert_eq!(told(&mut world, &write(5)), [changed()]);
            // What a hook writes and reads itself is no news to it.
            let both = format!("{}; {refresh}", write(6));
            assert_eq!(told(&mut world, &both), [removed(4), removed(5)]);
            world.run("app/0", &format!("secret-remove {uri}"));
        }
    }
}
