//! Where the libraries are that `tests/tools/python` fetched.

use std::path::PathBuf;

/// What is said where they are not.
pub(crate) const MISSING: &str = "no Python libraries are there: run `tests/tools/python`";

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/python")
}

/// Whether they have been fetched.
pub(crate) fn are_here() -> bool {
    directory().join("stamp").is_file()
}

/// The Python that they were fetched for.
pub(crate) fn interpreter() -> String {
    let path = directory().join("interpreter");
    let text = std::fs::read_to_string(path).expect(MISSING);
    text.trim_end().to_owned()
}

/// Where Python finds them. Version 0 is no package of its own; it lies in one
/// that carries copies of other projects' libraries.
pub(crate) fn python_path() -> String {
    let libraries = directory();
    let carried = libraries.join("single_kernel_mongo/lib");
    format!("{}:{}", libraries.display(), carried.display())
}
