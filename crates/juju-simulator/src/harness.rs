//! The `main` of a test program whose tests make models.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use libtest_mimic::{Arguments, Trial};

/// How many of the slowest tests are named at the end.
const NAMED: usize = 10;

/// From this time of all together on they are.
const LONG: Duration = Duration::from_secs(60);

/// The variable that names a file for the times of all tests, the longest first.
const TIMES_FILE: &str = "TEST_TIMES";

/// How long each test took.
static TIMES: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// Makes a list of tests out of functions, named as their paths are.
///
/// ```
/// mod access {
///     pub(crate) fn is_granted() {}
/// }
/// let tests = juju_simulator::tests![access::is_granted];
/// assert_eq!(tests[0].name(), "access::is_granted");
/// ```
#[macro_export]
macro_rules! tests {
    ($($test:path),* $(,)?) => {
        vec![$($crate::harness::test(stringify!($test), $test)),*]
    };
}

/// Makes a list of tests out of functions that take a value: each is run with each of these, and the end of its name
/// says with which.
///
/// ```
/// mod cluster {
///     pub(crate) fn of(_units: usize) {}
/// }
/// let tests = juju_simulator::tests_of!([1, 3], [cluster::of]);
/// assert_eq!(tests[1].name(), "cluster::of_3");
/// ```
#[macro_export]
macro_rules! tests_of {
    ($values:expr, [$($test:path),* $(,)?]) => {{
        let mut tests = Vec::new();
        for value in $values {
            $({
                let (name, value) = (format!("{}_{value}", stringify!($test)), value.clone());
                tests.push($crate::harness::test(&name, move || $test(value)));
            })*
        }
        tests
    }};
}

/// A test of this name; it fails by a panic.
pub fn test(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    let own_name = name.to_owned();
    Trial::test(name, move || {
        let begun = Instant::now();
        run();
        let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
        times.push((begun.elapsed(), own_name));
        Ok(())
    })
}

/// Runs tests as the arguments of the command line want it, so many at a time unless these say otherwise: tests wait
/// for processes most of the time, so more of them than there are processors make sense. Says which took longest; the
/// variable `TEST_TIMES` names a file to which the time of each test is appended.
///
/// A process that a model started under the name of a hook tool or a command ends here.
#[must_use]
pub fn main(threads: usize, tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    if let Some(code) = crate::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(threads);
    let begun = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, tests());
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
    times.sort_by(|one, other| other.cmp(one));
    // Trials that were made elsewhere are not measured.
    if begun.elapsed() > LONG && !times.is_empty() {
        // Whether this can be written or not, the tests have been run.
        let _ = writeln!(io::stdout(), "slowest: {}", slowest(&times));
    }
    if let Some(file) = std::env::var_os(TIMES_FILE)
        && let Err(error) = note(&times, file.as_ref())
    {
        let _ = writeln!(io::stdout(), "no times: {error}");
    }
    conclusion.exit_code()
}

fn slowest(times: &[(Duration, String)]) -> String {
    let named = times.iter().take(NAMED);
    let named = named.map(|(time, name)| format!("{name} {} s", time.as_secs()));
    named.collect::<Vec<_>>().join(", ")
}

fn note(times: &[(Duration, String)], file: &Path) -> io::Result<()> {
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(file)?;
    times
        .iter()
        .try_for_each(|(time, name)| writeln!(file, "{:.1} {name}", time.as_secs_f64()))
}
