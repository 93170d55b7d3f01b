//! Clients come to a cluster while another one writes to it without a pause.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{
    Certificate, ClientAuthority, Programs, Signing, SigningRequest, UnitName, V0, World,
    WorldOptions, Writer,
};

use crate::support::{ask_v0, options};

/// How clients are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Their certificates are signed by etcd, over `tls-certificates`.
    Signed,
    /// They have made their certificates themselves.
    Pinned,
}

/// What they come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Three members.
    Three,
    /// Three members, one of which is down.
    OneDown,
    /// One member.
    One,
}

/// In which order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// All ask before the first hook runs.
    AtOnce,
    /// Each asks when nothing is left to do for the one before.
    InTurn,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Starts of all members together.
    pub(crate) restarts: u32,
    /// The longest time between two writes of the one that writes.
    pub(crate) longest_gap: Duration,
    /// Writes that were acknowledged and are gone.
    pub(crate) lost: Vec<String>,
    /// From the request of each client to its first write, of those that could.
    pub(crate) first_puts: Vec<Duration>,
    /// How many came.
    pub(crate) count: usize,
}

/// One client that comes.
struct Client {
    app: String,
    begun: Instant,
    signing: Option<(Signing, SigningRequest)>,
    shown: Option<Certificate>,
    requirer: Option<V0>,
    first_put: Option<Duration>,
}

impl Client {
    /// One that has asked; nothing has run yet.
    fn ask(world: &mut World, authority: &ClientAuthority, way: Way, app: String) -> Self {
        let mut client = Self {
            begun: Instant::now(),
            signing: None,
            shown: None,
            requirer: None,
            first_put: None,
            app,
        };
        match way {
            Way::Signed => {
                let signing = world.relate_certificates(&client.app);
                let request = SigningRequest::new(&client.app);
                client.begun = Instant::now();
                world.ask_to_sign(&signing, &[&request]);
                client.signing = Some((signing, request));
            }
            Way::Pinned => {
                let shown = authority.issue(&client.app);
                client.begun = Instant::now();
                client.show(world, shown);
            }
        }
        client
    }

    fn show(&mut self, world: &mut World, shown: Certificate) {
        let prefix = format!("/{}/", self.app);
        self.requirer = Some(ask_v0(world, &self.app, &prefix, &shown));
        self.shown = Some(shown);
    }

    /// Does what its charm would do now.
    fn follow(&mut self, world: &mut World) {
        if self.first_put.is_some() {
            return;
        }
        if let (None, Some((signing, request))) = (&self.requirer, &self.signing) {
            if let Some(shown) = world.signed(signing, request) {
                self.show(world, shown);
            }
            return;
        }
        let (Some(requirer), Some(shown)) = (&self.requirer, &self.shown) else {
            return;
        };
        if let Some(told) = world.told(requirer) {
            let etcdctl = world.follow(&told, shown).impatient();
            let key = format!("/{}/first", self.app);
            if etcdctl.run(&["put", &key, "1"]).ok {
                self.first_put = Some(self.begun.elapsed());
            }
        }
    }
}

/// A cluster, and who comes to it.
struct Arena {
    world: World,
    alive: Vec<UnitName>,
    clients: Vec<Client>,
}

impl Arena {
    fn begin(charm: &Path, setting: Setting) -> Self {
        let mut world = World::new(WorldOptions {
            dispatch: charm.to_owned(),
            ..options(Programs::all().pop().expect("no etcd: run `make setup`"))
        });
        let mut alive = vec![world.deploy()];
        if setting != Setting::One {
            alive.extend([world.add_unit(), world.add_unit()]);
        }
        world.rest();
        Self {
            world,
            alive,
            clients: Vec::new(),
        }
    }

    /// Runs what is due on the units that are alive, and lets clients look at what
    /// they are told after each hook.
    fn settle(&mut self) {
        loop {
            let mut is_idle = true;
            for unit in self.alive.clone() {
                if let Some(run) = self.world.model.step_unit(unit) {
                    assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
                    is_idle = false;
                    for client in &mut self.clients {
                        client.follow(&mut self.world);
                    }
                }
            }
            if is_idle {
                return;
            }
        }
    }

    /// Until all are served, or two regular passes have not helped.
    fn serve(&mut self) {
        self.settle();
        for _ in 0..2 {
            if self.clients.iter().all(|client| client.first_put.is_some()) {
                return;
            }
            for unit in self.alive.clone() {
                let run = self.world.model.run_hook(unit, Hook::UpdateStatus);
                assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
            }
            self.settle();
        }
    }

    fn starts(&self) -> u32 {
        let starts = self.alive.iter().map(|unit| self.world.starts(unit));
        starts.sum()
    }
}

/// So many clients come.
pub(crate) fn measure(
    charm: &Path,
    (setting, way, order): (Setting, Way, Order),
    count: usize,
) -> Seen {
    let mut arena = Arena::begin(charm, setting);
    let authority = ClientAuthority::new();
    let writes = Client::ask(
        &mut arena.world,
        &authority,
        Way::Signed,
        "writes".to_owned(),
    );
    arena.clients.push(writes);
    arena.serve();
    arena.world.rest();
    let writes = arena.clients.remove(0);
    let told = arena
        .world
        .told(writes.requirer.as_ref().expect("it asked"));
    let told = told.expect("an answer");
    let shown = writes.shown.expect("a certificate");
    if setting == Setting::OneDown {
        // One that does not lead, so that what is measured is not its election.
        let leader = arena.world.raft_leader(&arena.alive);
        let at = arena.alive.iter().skip(1).position(|unit| *unit != leader);
        let down = arena.alive.remove(at.expect("a follower") + 1);
        arena.world.machines[&down].power_off();
    }
    let writer = Writer::begin(&told, &shown, "/writes/");
    let starts = arena.starts();
    for number in 0..count {
        let app = format!("client-{number:04}");
        let client = Client::ask(&mut arena.world, &authority, way, app);
        arena.clients.push(client);
        if order == Order::InTurn {
            arena.serve();
        }
    }
    arena.serve();
    let restarts = arena.starts() - starts;
    let written = writer.finish();
    let mut first_puts: Vec<_> = arena
        .clients
        .iter()
        .filter_map(|one| one.first_put)
        .collect();
    first_puts.sort();
    Seen {
        restarts,
        longest_gap: written.longest_gap,
        lost: written.lost,
        first_puts,
        count,
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Three => "three members",
            Self::OneDown => "three, one down",
            Self::One => "one member",
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed => "from etcd",
            Self::Pinned => "self-made",
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at once",
            Self::InTurn => "in turn",
        })
    }
}
