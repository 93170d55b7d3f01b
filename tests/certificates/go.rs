//! Asks Go's crypto/x509, which is what etcd reads certificates with.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use etcd_charm::facts::Timestamp;

/// The helper program, built.
pub(crate) struct Go(std::path::PathBuf);

/// What Go makes of a trust file: the common name of its first certificate, or
/// why a client with that certificate could not connect.
pub(crate) type Opinion = Result<String, String>;

impl Go {
    /// Builds the helper; `None`, and a line on standard error, where there is
    /// no Go.
    ///
    /// # Panics
    /// There is Go and the helper cannot be built; or there is no Go and the
    /// environment has `CI`, where nothing may be skipped.
    pub(crate) fn find(test: &str) -> Option<Self> {
        if Command::new("go").arg("version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "{test} needs go");
            // Not by eprintln, whose output a passing test does not show.
            writeln!(std::io::stderr(), "SKIPPED {test}: go is not installed").expect("stderr");
            return None;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/verify.go");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("verify-{test}"));
        let output = Command::new("go")
            .arg("build")
            .arg("-o")
            .arg(&program)
            .arg(source)
            // The source needs no module, and must not find one by chance.
            .env("GO111MODULE", "off")
            .output()
            .expect("go runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(Self(program))
    }

    /// Go's opinion of each of these texts, at this time.
    pub(crate) fn judge(&self, texts: &[String], now: Timestamp) -> Vec<Opinion> {
        let mut child = Command::new(&self.0)
            .arg(now.0.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the helper runs");
        let mut input = child.stdin.take().expect("piped");
        let mut message = Vec::new();
        for text in texts {
            message.extend(u32::try_from(text.len()).expect("short").to_be_bytes());
            message.extend(text.as_bytes());
        }
        // The helper answers while it reads, so both must go on at once.
        let writer = std::thread::spawn(move || input.write_all(&message));
        let output = child.wait_with_output().expect("the helper ends");
        writer.join().expect("no panic").expect("the helper reads");
        assert!(output.status.success(), "the helper failed");
        let opinions: Vec<_> = String::from_utf8(output.stdout)
            .expect("text")
            .lines()
            .map(|line| match line.strip_prefix("ok ") {
                Some(digits) => Ok(decode(digits)),
                None => Err(line.to_owned()),
            })
            .collect();
        assert_eq!(opinions.len(), texts.len());
        opinions
    }
}

fn decode(digits: &str) -> String {
    let bytes = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("digits");
            u8::from_str_radix(pair, 16).expect("digits")
        })
        .collect();
    String::from_utf8(bytes).expect("a name in UTF-8")
}
