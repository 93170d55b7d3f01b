//! The demonstration: what the charm is for, shown step by step to somebody
//! who has never seen it. Every step checks what it shows; if something is not
//! as it should be, it says what, and the exit code is 1.

mod interrupt;
mod screen;
mod show;
mod steps;
mod table;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use etcd_charm_world::{JujuVersion, Programs, WorldOptions};

use crate::screen::Screen;
use crate::show::{Outcome, Stop};

const USAGE: &str = "usage: etcd-charm-demo --charm PATH

  --charm PATH   the charm's program, as `cargo build --release` makes it; that of
                 the example charm, etcd-client-example, is beside it";

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let screen = Screen::of_stdout();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let charm = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--charm", path] => PathBuf::from(path),
        ["--help" | "-h"] => {
            screen.line(USAGE);
            return ExitCode::SUCCESS;
        }
        _ => {
            screen.complain(USAGE);
            return ExitCode::from(2);
        }
    };
    match options(&charm).and_then(|options| run(&screen, options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Interrupted) => ExitCode::from(130),
        Err(Stop::Wrong(what)) => {
            screen.wrong(&what);
            ExitCode::FAILURE
        }
    }
}

fn options(charm: &Path) -> Outcome<WorldOptions> {
    let dispatch = charm.canonicalize().map_err(|error| {
        let charm = charm.display();
        Stop::wrong(format!(
            "there is no program {charm} ({error}): run `make demo`"
        ))
    })?;
    let programs = Programs::all().into_iter().next();
    Ok(WorldOptions {
        dispatch,
        charm: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.."),
        programs: programs.ok_or_else(|| Stop::wrong("no etcd is at hand: run `make demo`"))?,
        juju: JujuVersion::V3_6,
        seed: 1,
    })
}

/// Runs the steps. Whatever ends them, an unmet expectation of the simulation
/// or Ctrl-C included, the world is taken down in good order before this
/// returns: no process and no file is left.
fn run(screen: &Screen, options: WorldOptions) -> Outcome<()> {
    interrupt::watch();
    let panicked = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&panicked);
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("a step panicked");
        let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
        *note = text.to_owned();
    }));
    let example = options.dispatch.with_file_name("etcd-client-example");
    if !example.is_file() {
        let example = example.display();
        return Err(Stop::wrong(format!("there is no program {example}")));
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| steps::all(screen, options, &example)));
    if interrupt::came() {
        return Err(Stop::Interrupted);
    }
    outcome.unwrap_or_else(|_| {
        let text = panicked.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Stop::wrong(text.clone()))
    })
}
