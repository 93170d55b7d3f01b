//! No relation can fail a hook: whatever Juju refuses for one of them is said of
//! that one, and the others are served in the same hook.

use etcd_charm_world::juju::{Call, Change, Hook};
use etcd_charm_world::{Certificate, HookRun, UnitName, V0, World};

use crate::support::{
    Client, application_message, ask_v0, ask_v1, assert_serves, certificate, deployed, named,
    trusts, users,
};

/// Three applications ask at once, the bad one between two good ones.
struct Three {
    world: World,
    unit: UnitName,
    good: [(V0, Certificate); 2],
    bad: (V0, Certificate),
}

impl Three {
    fn new() -> Self {
        let (mut world, unit) = deployed();
        let mut ask = |app: &str| {
            let shown = certificate(app);
            (ask_v0(&mut world, app, &format!("/{app}/"), &shown), shown)
        };
        let (first, bad, second) = (ask("first"), ask("bad"), ask("second"));
        Self {
            world,
            unit,
            good: [first, second],
            bad,
        }
    }

    fn about_the_bad_secret(&self) -> Call {
        let uri = self.bad.0.secret.as_deref().expect("it has one");
        Call::each("secret-get", &uri[uri.len() - 20..])
    }

    /// Runs what is due, in which no hook fails, and asserts that one hook has
    /// answered both good ones and the bad one is not answered.
    fn assert_isolated(&mut self) {
        let runs = self.world.settle();
        assert!(runs.iter().all(HookRun::succeeded));
        assert!(are_answered_together(&runs, &self.good));
        for (app, shown) in &self.good {
            let told = self.world.told(app).expect("an answer");
            assert_serves(&mut self.world, &told, shown, &format!("/{}/", app.app));
        }
        assert_eq!(self.world.told(&self.bad.0), None);
        let passes = self.world.full_pass();
        assert!(passes.iter().all(HookRun::succeeded));
    }

    /// Asserts that a tool which fails so concerns the bad one alone, of which this is
    /// said, until it fails no more.
    fn assert_isolates(mut self, call: Call, text: &str, said: &str) {
        let unit = self.unit.clone();
        self.world.model.fail_tool_call(unit.clone(), call, 1, text);
        self.assert_isolated();
        let message = application_message(&self.world);
        assert!(message.contains(said), "{text}: {message}");
        self.world.model.mend_tools(unit);
        self.assert_mended();
    }

    /// Asserts that the bad one is served by the next pass, and all is at rest.
    fn assert_mended(&mut self) {
        self.world.rest();
        let told = self.world.told(&self.bad.0).expect("an answer");
        assert_serves(&mut self.world, &told, &self.bad.1, "/bad/");
        assert_eq!(application_message(&self.world), "");
    }
}

/// Whether one hook has answered all of them.
fn are_answered_together(runs: &[HookRun], apps: &[(V0, Certificate)]) -> bool {
    let answers = |run: &HookRun, app: &V0| {
        run.changes.iter().any(|change| {
            matches!(change, Change::ApplicationData { relation, .. } if *relation == app.relation)
        })
    };
    let mut runs = runs.iter();
    runs.any(|run| apps.iter().all(|(app, _)| answers(run, app)))
}

pub(crate) fn of_an_offer_that_is_consumed() {
    let (mut world, unit) = deployed();
    let (first, second, other) = (
        certificate("first"),
        certificate("second"),
        certificate("bad"),
    );
    let one = ask_v0(&mut world, "first", "/first/", &first);
    let relation = world.relate_offer("bad");
    let bad = V0::ask(&mut world.model, "bad", relation, "/bad/");
    bad.write(&mut world.model, &[("mtls-cert", &other.certificate)]);
    let two = ask_v0(&mut world, "second", "/second/", &second);
    let runs = world.settle();
    assert!(runs.iter().all(HookRun::succeeded));
    let good = [(one, first), (two, second)];
    assert!(are_answered_together(&runs, &good));
    world.rest();
    for (app, shown) in &good {
        let told = world.told(app).expect("an answer");
        assert_serves(&mut world, &told, shown, &format!("/{}/", app.app));
    }
    // Nobody could tell it what it was granted, so it is granted nothing.
    assert_eq!(world.told(&bad), None);
    assert_eq!(users(&world, &unit), ["first", "root", "second"]);
    let said = application_message(&world);
    assert!(
        said.contains("bad refused: secrets cannot be shared with a consumed offer"),
        "{said}"
    );
    world.model.remove_relation(relation);
    world.rest();
    assert_eq!(application_message(&world), "");
}

pub(crate) fn of_a_secret_that_juju_does_not_read() {
    for text in [
        "ERROR model \"9d39bbbe-d95a-405d-8573-6835864daf92\" not found\n",
        "ERROR cannot reach controller of offer: dial tcp 10.0.0.1:17070: i/o timeout\n",
        "ERROR secret backend \"vault\" not found\n",
        "ERROR words that no release has said before\n",
    ] {
        let three = Three::new();
        let about = three.about_the_bad_secret();
        three.assert_isolates(about, text, "secret");
    }
}

/// One hook shows it: each waits for the secret as long as the charm has patience.
pub(crate) fn of_a_secret_that_hangs() {
    let mut three = Three::new();
    let (about, unit) = (three.about_the_bad_secret(), three.unit.clone());
    three.world.model.hang_tool_call(unit.clone(), about);
    let mut runs = Vec::new();
    while !are_answered_together(&runs, &three.good) {
        let run = three.world.model.step().expect("somebody is not answered");
        assert!(run.succeeded(), "{run:#?}");
        runs.push(run);
    }
    assert_eq!(three.world.told(&three.bad.0), None);
    let said = application_message(&three.world);
    assert!(said.contains("Juju cannot read the secret"), "{said}");
    three.world.model.mend_tools(unit);
    three.assert_mended();
}

pub(crate) fn of_a_relation_that_takes_no_answer() {
    for tool in ["relation-set", "secret-grant"] {
        let three = Three::new();
        let call = Call::each(tool, &format!("etcd-client:{}", three.bad.0.relation.0));
        let text = "ERROR words that no release has said before\n";
        three.assert_isolates(call, text, "Juju does not take its answer");
    }
}

/// A grant in a relation that is going makes the commit fail, and so does the same
/// hook when it is run again: what the relation had would never end.
pub(crate) fn of_a_relation_that_ends_while_it_asks() {
    let (mut world, unit) = deployed();
    let (shown, new) = (certificate("client1"), certificate("client2"));
    let mut app = ask_v1(
        &mut world,
        "app",
        &[("/one/", Some(&shown)), ("/two/", None)],
    );
    world.rest();
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    app.set_certificate(&mut world.model, 1, &new.certificate);
    world.model.remove_relation(app.relation);
    let runs = world.settle();
    assert!(runs.iter().all(HookRun::succeeded));
    assert_eq!(named(&runs, "relation-broken").len(), 1);
    assert_eq!(users(&world, &unit), ["root"]);
    world.rest();
    assert!(!trusts(&world, &unit, &shown) && !trusts(&world, &unit, &new));
    assert_eq!(world.model.secrets("etcd").len(), 1);
}

/// Nothing tells the hook that a relation was removed after it began. Its commit is
/// refused, and that is all that tells the next one.
pub(crate) fn of_a_relation_that_ends_under_a_hook() {
    let (mut world, unit) = deployed();
    let (shown, kept) = (certificate("client1"), certificate("client2"));
    let app = ask_v0(&mut world, "app", "/test/", &shown);
    let relation = app.relation;
    world
        .model
        .after_tool_call(unit.clone(), "secret-grant", move |model| {
            model.remove_relation(relation);
        });
    let runs = world.settle();
    let failed = runs.iter().filter(|run| !run.succeeded()).count();
    assert_eq!(failed, 2, "it is not tried a third time");
    assert_eq!(named(&runs, "relation-broken").len(), 1);
    world.rest();
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    let other = ask_v0(&mut world, "other", "/other/", &kept);
    world.rest();
    let told = world.told(&other).expect("an answer");
    assert_serves(&mut world, &told, &kept, "/other/");
}

pub(crate) fn of_a_refusal_for_no_known_reason() {
    let mut three = Three::new();
    let bad = three.bad.0.relation;
    let text = "words that no release has said before";
    three.world.model.refuse_grants(bad, Some(text));
    let mut failed = 0;
    while let Some(run) = three.world.model.step() {
        failed += usize::from(!run.succeeded());
        assert!(failed <= 4, "{:?}", run.commit_error);
    }
    // Two commits fail before anything is concluded, and halving finds the one.
    assert!(failed >= 2, "{failed}");
    let passes = three.world.full_pass();
    assert!(passes.iter().all(HookRun::succeeded));
    for (app, shown) in &three.good {
        let told = three.world.told(app).expect("an answer");
        assert_serves(&mut three.world, &told, shown, &format!("/{}/", app.app));
    }
    assert_eq!(three.world.told(&three.bad.0), None);
    let said = application_message(&three.world);
    assert!(
        said.contains("Juju refused to share secrets with it"),
        "{said}"
    );
    three.world.rest();
    // Whoever asks now is served, and costs no hook.
    let shown = certificate("later");
    let later = ask_v0(&mut three.world, "later", "/later/", &shown);
    let runs = three.world.settle();
    assert!(runs.iter().all(HookRun::succeeded));
    assert!(three.world.told(&later).is_some());
}

/// Whoever can name a secret can write its name into a request.
pub(crate) fn of_who_names_the_secret_of_another() {
    let (mut world, unit) = deployed();
    let first = world.relate("first");
    let mut victim = Client::ask_as(&mut world, "victim", "/victim/", "client1");
    let uri = victim.requirer.secret.clone().expect("it has one");
    let first = V0::ask(&mut world.model, "first", first, "/first/");
    first.write(&mut world.model, &[("secret-mtls", &uri)]);
    world.rest();
    let next = certificate("client1");
    victim
        .requirer
        .set_certificate(&mut world.model, &next.certificate);
    let run = world.model.step().expect("a hook is due");
    assert!(
        matches!(run.hook, Some(Hook::SecretChanged { .. })) && run.succeeded(),
        "{}",
        run.name
    );
    assert!(trusts(&world, &unit, &next) && !trusts(&world, &unit, &victim.shown));
    world.rest();
}
