//! The steps, in the order in which they are shown.

mod ask;
mod example;
mod hostile;
mod leave;
mod rotate;
mod see;
mod start;
mod use_it;

use std::path::Path;
use std::time::{Duration, Instant};

use etcd_charm_world::{ClientAuthority, UnitName, World, WorldOptions};

use crate::screen::Screen;
use crate::show::{Outcome, Show};

/// Shows everything.
pub(crate) fn all(screen: &Screen, options: WorldOptions, example: &Path) -> Outcome<()> {
    let version = options.programs.version.clone();
    screen.title("The etcd charm: applications get access to their own part of one etcd.");
    screen.line("");
    screen.show(&format!(
        "real:       the charms' programs, etcd {version} and etcdctl, TLS, every certificate and key"
    ));
    screen.show("simulated:  Juju (its hook tools, databags and secrets), systemd, apt; one unit, no machine");
    screen.show(
        "by hand:    applications that bring their own certificates, `shop` (interface v0) and `web` (v1)",
    );
    let mut show = Show {
        screen,
        world: World::new(options),
        example: example.to_owned(),
        begun: Instant::now(),
        unit: UnitName::new("etcd", 0),
        authority: ClientAuthority::new(),
        shop: None,
        web: None,
        accesses: Vec::new(),
        refused: Vec::new(),
        at_first: None,
        hooks: 0,
        hook_time: Duration::ZERO,
    };
    start::deploy(&mut show, 1)?;
    example::show(&mut show, 2)?;
    ask::relate(&mut show, 3)?;
    ask::databags(&mut show, 4)?;
    use_it::rights(&show, 5)?;
    use_it::traffic(&show, 6)?;
    rotate::rotate(&mut show, 7)?;
    hostile::refuse(&mut show, 8)?;
    see::see(&mut show, 9)?;
    leave::remove(&mut show, 10)?;
    finish(&show);
    Ok(())
}

fn finish(show: &Show<'_>) {
    let took = show.begun.elapsed().as_secs_f64();
    let screen = show.screen;
    screen.line("");
    screen.title(
        "Shown: from `juju deploy` to access that was granted, used, renewed, refused and removed.",
    );
    screen.show(&format!(
        "It took {took:.1} s, {} hooks ({:.1} s) and {} starts of etcd. Nothing of it is left on this machine.",
        show.hooks,
        show.hook_time.as_secs_f64(),
        show.starts()
    ));
    screen.show("Next: README.md tells how to deploy it; `make test` runs every check; `make costs` measures.");
}
