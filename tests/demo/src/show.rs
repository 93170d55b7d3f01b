//! What the steps share: the world, the screen, and how something is checked.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use etcd_charm_world::{
    Answer, Certificate, ClientAuthority, Etcdctl, HookRun, RelationId, UnitName, V0, V1, World,
};

use crate::interrupt;
use crate::screen::Screen;
use crate::view::counts::Counts;

/// Why the demonstration ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is not as it should be.
    Wrong(String),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Stop {
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}

pub(crate) type Outcome<T> = Result<T, Stop>;

/// Checks what is about to be shown; `what` says what is wrong otherwise.
pub(crate) fn check(holds: bool, what: impl FnOnce() -> String) -> Outcome<()> {
    if interrupt::came() {
        return Err(Stop::Interrupted);
    }
    if holds {
        Ok(())
    } else {
        Err(Stop::Wrong(what()))
    }
}

/// One who asked for access, and what it was told.
pub(crate) struct Access {
    pub(crate) app: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) certificate: Certificate,
    pub(crate) secret_user: String,
    pub(crate) secret_tls: String,
    /// `etcdctl` with nothing but what the client has and was told.
    pub(crate) etcdctl: Etcdctl,
}

/// The demonstration under way.
pub(crate) struct Show<'s> {
    pub(crate) screen: &'s Screen,
    pub(crate) world: World,
    /// The program of the example charm.
    pub(crate) example: PathBuf,
    pub(crate) begun: Instant,
    /// The unit of etcd.
    pub(crate) unit: UnitName,
    /// Who signs the clients' certificates; the charm never hears of it.
    pub(crate) authority: ClientAuthority,
    pub(crate) shop: Option<V0>,
    pub(crate) web: Option<V1>,
    pub(crate) accesses: Vec<Access>,
    /// Relations with those who are refused.
    pub(crate) refused: Vec<RelationId>,
    /// What there was before anybody asked.
    pub(crate) at_first: Option<Counts>,
    pub(crate) hooks: usize,
    pub(crate) hook_time: Duration,
}

impl Show<'_> {
    /// Lets all due hooks run, and shows that they do.
    pub(crate) fn settle(&mut self) -> Outcome<Vec<HookRun>> {
        let progress = self.screen.progress();
        progress.note("hooks run".to_owned());
        let mut runs = Vec::new();
        while let Some(run) = self.world.model.step() {
            progress.note(format!("{}: {} is done", run.unit, run.name));
            self.count(&run)?;
            runs.push(run);
        }
        Ok(runs)
    }

    /// A round of `update-status`, which Juju sends every five minutes, until
    /// there is nothing left to do.
    pub(crate) fn pass_time(&mut self) -> Outcome<()> {
        for _ in 0..5 {
            let progress = self.screen.progress();
            progress.note("update-status".to_owned());
            let runs = self.world.model.update_status_all();
            drop(progress);
            for run in &runs {
                self.count(run)?;
            }
            let is_quiet = runs.iter().all(|run| run.changes.is_empty());
            if self.settle()?.is_empty() && is_quiet {
                return Ok(());
            }
        }
        Err(Stop::wrong("update-status goes on changing things"))
    }

    fn count(&mut self, run: &HookRun) -> Outcome<()> {
        self.hooks += 1;
        self.hook_time += run.duration;
        check(run.succeeded(), || {
            let why = run
                .commit_error
                .clone()
                .unwrap_or_else(|| run.stderr.clone());
            format!("{} of {} failed: {}", run.name, run.unit, why.trim())
        })
    }

    /// `etcdctl` as the administrator.
    pub(crate) fn admin(&self) -> Etcdctl {
        self.world.admin(&self.unit)
    }

    /// What the administrator's `etcdctl` prints, line by line.
    pub(crate) fn admin_lines(&self, args: &[&str]) -> Outcome<Vec<String>> {
        let answer = self.admin().run(args);
        let command = format!("etcdctl {}", args.join(" "));
        check(answer.ok, || failure(&command, &answer))?;
        let lines = answer.stdout.lines().filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }

    /// The access with this user.
    pub(crate) fn access(&self, user: &str) -> Outcome<&Access> {
        self.accesses
            .iter()
            .find(|access| access.certificate.common_name == user)
            .ok_or_else(|| Stop::wrong(format!("{user} has no access")))
    }

    /// Makes an `etcdctl` for a client with a certificate and what the two
    /// secrets tell it.
    pub(crate) fn client(
        &mut self,
        app: &str,
        certificate: &Certificate,
        secret_user: &str,
        secret_tls: &str,
    ) -> Etcdctl {
        let user = self.world.secret_as(app, secret_user);
        let tls = self.world.secret_as(app, secret_tls);
        self.world
            .client_told(&user["uris"], certificate, &tls["tls-ca"])
    }

    /// How often etcd was started.
    pub(crate) fn starts(&self) -> u32 {
        self.world.starts(&self.unit)
    }
}

/// A call that should have succeeded.
pub(crate) fn failure(command: &str, answer: &Answer) -> String {
    format!("{command} failed: {}", complaint(answer))
}

/// The last line of what `etcdctl` complains of, without the noise of its log.
pub(crate) fn complaint(answer: &Answer) -> String {
    let mut lines = answer.stderr.lines().rev();
    let line = lines
        .find(|line| line.starts_with("Error") || line.contains("rpc error"))
        .or_else(|| answer.stderr.lines().last())
        .unwrap_or("no word of complaint");
    line.trim().chars().take(160).collect()
}
