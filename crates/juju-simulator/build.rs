//! Compiles the program that hook tools and the commands of a machine are links to.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What it consists of.
const SOURCES: [&str; 5] = [
    "src/stand_in.rs",
    "src/client.rs",
    "src/names.rs",
    "src/wire.rs",
    "src/machine/stand_in.rs",
];

/// Linked to no library and loaded at its place, so that there is nothing to do at its start.
const STATIC: [&str; 2] = ["-Crelocation-model=static", "-Ctarget-feature=+crt-static"];

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let program = PathBuf::from(variable("OUT_DIR")).join("stand-in");
    // Where the C library is there in its shared form only, the program has that.
    let built = compile(&program, &STATIC) || compile(&program, &[]);
    if !built {
        println!(
            "cargo::warning=no program for hook tools: each will be the test's own executable"
        );
    }
    let program = if built {
        program.as_path()
    } else {
        Path::new("")
    };
    println!("cargo::rustc-env=JUJU_SIMULATOR_TOOL={}", program.display());
}

fn compile(program: &Path, how: &[&str]) -> bool {
    let mut compiler = Command::new(variable("RUSTC"));
    compiler
        .args([
            "--edition=2024",
            "--crate-name=stand_in",
            "--cap-lints=allow",
        ])
        .args(["-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols"])
        .args(how)
        .args(["--target", &variable("TARGET"), SOURCES[0], "-o"])
        .arg(program);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.arg(format!("-Clinker={linker}"));
    }
    compiler
        .output()
        .is_ok_and(|output| output.status.success())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
