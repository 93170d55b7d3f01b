//! The resident mode of the program: it listens to this unit's sentinel, and
//! asks Juju for a hook when the servers have changed their places. Juju knows
//! nothing of a failover, and without this, clients would be told of it minutes
//! later.
//!
//! A script that the sentinel starts would be the other way. It would run as the
//! sentinel's user, who must not be able to run anything as root; this listens
//! with no port of its own, and the sentinel knows nothing of it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use juju_hooks::UnitName;
use secret_value::Secret;

use crate::acl::OPERATOR;
use crate::machine::{Paths, ensure_absent, read};
use crate::plan::cluster;
use crate::reconcile::SWITCHED;
use crate::valkey::{Connection, Login, Target, ValkeyError};

/// Events come in groups; one hook is enough for a group.
const GROUP: Duration = Duration::from_millis(300);
/// After something failed, and between two hooks.
const PAUSE: Duration = Duration::from_secs(2);
/// Between two hooks at most, while the last one left something undone and nothing else
/// changes.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A hook may wait for the hooks of others on the machine.
const HOOK_LIMIT: Duration = Duration::from_secs(600);
/// Without any event, after this time the sentinel is asked.
const SILENCE: Duration = Duration::from_secs(15);

const EVENTS: [&str; 7] = [
    "+switch-master",
    "+sdown",
    "-sdown",
    "+slave",
    "+reboot",
    "+sentinel",
    "+reset-master",
];

/// Listens for ever.
pub async fn run(root: &Path, unit: &UnitName) {
    let paths = Paths::new(root, unit);
    let mut told = None;
    loop {
        // Whatever went wrong, the sentinel is looked for again.
        let _ = listen(&paths, unit, &mut told).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(
    paths: &Paths,
    unit: &UnitName,
    told: &mut Option<String>,
) -> Result<(), ValkeyError> {
    let Ok(Some(password)) = read(&paths.login()) else {
        return Ok(());
    };
    let login = Login {
        user: OPERATOR.to_owned(),
        password: Secret::new(password),
    };
    let target = Target::Socket(paths.sentinel_socket());
    let mut events = Connection::open(&target, &login).await?;
    let mut order = vec!["SUBSCRIBE"];
    order.extend(EVENTS);
    events.call(&order).await?;
    // Confirmations of the other channels.
    for _ in 1..EVENTS.len() {
        events.next(PAUSE).await?;
    }
    let mut pause = PAUSE;
    let mut asked = Instant::now();
    loop {
        // Also at first: something may have happened while nobody listened.
        let (seen, cut_off) = view(&target, &login).await?;
        if cut_off {
            // Users may be made meanwhile that this server does not get. Failures of
            // it come back with the next look.
            let _ = stand_back(paths, &login).await;
        }
        let changed = told.as_ref() != Some(&seen);
        if changed || is_asked_again(paths, asked + pause) {
            pause = if changed { PAUSE } else { longer(pause) };
            // Before the hook, which may leave another note.
            let _ = ensure_absent(&paths.again());
            if ask_for_hook(paths, unit).await {
                *told = Some(seen);
            }
            asked = Instant::now();
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        // A server that was restarted waits for a hook, though nothing else is to be
        // seen.
        if next_event(&mut events, paths, asked + pause).await? == Some("+reboot".to_owned()) {
            *told = None;
        }
    }
}

/// Whether a hook left something undone, and it is time to try again.
fn is_asked_again(paths: &Paths, due: Instant) -> bool {
    Instant::now() >= due && paths.again().exists()
}

/// What keeps hooks from ending their work may take its time.
fn longer(pause: Duration) -> Duration {
    (pause * 3 / 2).min(LONGEST_PAUSE)
}

/// The next event, with those that come together with it taken. None where a hook is to
/// be tried again, or nothing was heard for [`SILENCE`].
async fn next_event(
    events: &mut Connection,
    paths: &Paths,
    due: Instant,
) -> Result<Option<String>, ValkeyError> {
    let end = Instant::now() + SILENCE;
    while Instant::now() < end && !is_asked_again(paths, due) {
        match events.next(PAUSE).await {
            Ok(event) => {
                let name = event.texts().nth(1).map(str::to_owned);
                while events.next(GROUP).await.is_ok() {}
                return Ok(name);
            }
            Err(ValkeyError::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What the sentinel sees, as far as clients are told of it.
async fn view(target: &Target, login: &Login) -> Result<(String, bool), ValkeyError> {
    let mut connection = Connection::open(target, login).await?;
    let mut monitored = connection.monitored().await?;
    let cut_off = monitored.as_ref().is_some_and(cluster::is_cut_off);
    let seen = monitored.iter_mut().flat_map(|monitored| {
        let nodes = monitored.sentinels.iter_mut();
        nodes.chain(&mut monitored.replicas)
    });
    // It changes all the time.
    seen.for_each(|seen| seen.down_for = 0);
    Ok((format!("{monitored:?}"), cut_off))
}

/// Lets no sentinel choose this unit's server.
async fn stand_back(paths: &Paths, login: &Login) -> Result<(), ValkeyError> {
    let mut server = Connection::open(&Target::Socket(paths.server_socket()), login).await?;
    let order = ["CONFIG", "SET", "replica-priority", "0"];
    server.call(&order).await.map(drop)
}

/// Runs the charm's hook in the way of `juju exec`, which waits for its turn
/// among the hooks of the unit. Returns whether it succeeded.
async fn ask_for_hook(paths: &Paths, unit: &UnitName) -> bool {
    let Ok(charm) = juju_hooks::program() else {
        return false;
    };
    let script = format!("JUJU_DISPATCH_PATH=hooks/{SWITCHED} {}", charm.display());
    // Juju 3 calls it so, and before it was `juju-run`.
    for program in ["usr/bin/juju-exec", "usr/bin/juju-run"] {
        let program = paths.root().join(program);
        if !program.exists() {
            continue;
        }
        let child = std::process::Command::new(&program)
            .args([&unit.to_string(), &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let output = child.and_then(|child| process_limit::output(child, None, HOOK_LIMIT));
        return matches!(output, Ok(Some(output)) if output.status.success());
    }
    false
}
