//! The `main` of a test program whose tests make models.

use std::process::ExitCode;

pub use libtest_mimic::{Arguments, Trial};

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

/// A test of this name; it fails by a panic.
pub fn test(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// Runs tests as the arguments of the command line want it, so many at a time unless these say otherwise: tests wait
/// for processes most of the time, so more of them than there are processors make sense.
///
/// A process that a model started under the name of a hook tool or a command ends here.
#[must_use]
pub fn main(threads: usize, tests: impl FnOnce() -> Vec<Trial>) -> ExitCode {
    if let Some(code) = crate::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(threads);
    libtest_mimic::run(&arguments, tests()).exit_code()
}
