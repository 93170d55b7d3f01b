//! Saying what goes on, since it takes its time.

use std::time::Instant;

/// One step of the story. It says how long it took, if it came to its end.
pub(crate) fn step<T>(name: &str, tell: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    eprintln!("machines: {name} …");
    let told = tell();
    eprintln!("machines: {name}: {:.1} s", begun.elapsed().as_secs_f32());
    told
}
