//! What can be wrong with the text around a certificate.

use etcd_charm::facts::Timestamp;

use super::recipe::{Recipe, any_extension};
use super::{Entry, Verdict, pem};

/// A good certificate in every kind of text.
pub(super) fn entries(now: Timestamp) -> Vec<Entry> {
    let der = Recipe::good(now).der();
    let leaf = pem("CERTIFICATE", &der);
    let key = pem("PRIVATE KEY", b"not really one");
    let lines = |from: usize, to: usize| -> String {
        let lines: Vec<_> = leaf.lines().collect();
        lines[from..lines.len() - to].join("\n")
    };
    let with_headers = leaf.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n\n", 1);
    let indented: String = leaf.lines().map(|line| format!("  {line}\n")).collect();
    let half_indented = leaf.replacen("\nM", "\n M", 1);
    let outside = "there is text outside of the PEM blocks";
    let no_end = "block 1 has no END line";
    let bad_base64 = "block 1 is not valid base64";
    let foreign = |label| format!("a PEM block is not a CERTIFICATE but: {label}");
    let disclosed = "a private key was sent: consider it disclosed and replace it";

    let accepted = [
        ("LF", leaf.clone()),
        ("CRLF line ends", leaf.replace('\n', "\r\n")),
        ("no new line at the end", leaf.trim_end().to_owned()),
        ("blank lines around", format!("\n \t\r\n{leaf}\n\n")),
        ("blanks at line ends", leaf.replace('\n', " \t\n")),
        (
            "one long line",
            leaf.lines().fold(String::new(), |all, line| {
                if line.starts_with('-') {
                    format!("{all}\n{line}\n")
                } else {
                    all + line
                }
            }),
        ),
        ("the same leaf twice", format!("{leaf}{leaf}")),
        ("ten blocks", leaf.repeat(10)),
    ];
    let refused = [
        ("empty", String::new(), "there is no certificate".to_owned()),
        (
            "white space only",
            " \n\t\r\n".to_owned(),
            "there is no certificate".to_owned(),
        ),
        (
            "text before",
            format!("subject=CN = client\n{leaf}"),
            outside.to_owned(),
        ),
        (
            "text after",
            format!("{leaf}# the end\n"),
            outside.to_owned(),
        ),
        (
            "text between",
            format!("{leaf}issuer\n{leaf}"),
            outside.to_owned(),
        ),
        ("a zero byte after", format!("{leaf}\0"), outside.to_owned()),
        (
            "two blocks on one line",
            format!("{}{leaf}", leaf.trim_end()),
            no_end.to_owned(),
        ),
        (
            "byte order mark",
            format!("\u{feff}{leaf}"),
            outside.to_owned(),
        ),
        ("all indented", indented, outside.to_owned()),
        ("indented inside", half_indented, bad_base64.to_owned()),
        (
            "PEM headers",
            with_headers,
            "block 1 has PEM headers".to_owned(),
        ),
        (
            "blank line inside",
            leaf.replacen('\n', "\n\n", 1),
            bad_base64.to_owned(),
        ),
        (
            "not base64",
            leaf.replacen("\nM", "\n*", 1),
            bad_base64.to_owned(),
        ),
        (
            "base64 cut short",
            lines(0, 2) + "\nQQ\n-----END CERTIFICATE-----\n",
            bad_base64.to_owned(),
        ),
        ("no END", lines(0, 1), no_end.to_owned()),
        (
            "no END before the next BEGIN",
            format!("{}\n{leaf}", lines(0, 1)),
            no_end.to_owned(),
        ),
        (
            "no END and text after",
            lines(0, 1) + "\nsome text",
            no_end.to_owned(),
        ),
        ("no BEGIN", lines(1, 0), outside.to_owned()),
        (
            "BEGIN only",
            "-----BEGIN CERTIFICATE-----".to_owned(),
            no_end.to_owned(),
        ),
        (
            "nothing between the markers",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned(),
            bad_base64.to_owned(),
        ),
        (
            "TRUSTED CERTIFICATE",
            pem("TRUSTED CERTIFICATE", &der),
            foreign("TRUSTED CERTIFICATE"),
        ),
        (
            "X509 CERTIFICATE",
            pem("X509 CERTIFICATE", &der),
            foreign("X509 CERTIFICATE"),
        ),
        (
            "lower case label",
            pem("certificate", &der),
            foreign("certificate"),
        ),
        (
            "a CRL after it",
            leaf.clone() + &pem("X509 CRL", b"0"),
            foreign("X509 CRL"),
        ),
        (
            "a label with escapes",
            pem("a\u{1b}[31m", &der),
            foreign("a\\u{1b}[31m"),
        ),
        ("a key after it", leaf.clone() + &key, disclosed.to_owned()),
        ("a key before it", key.clone() + &leaf, disclosed.to_owned()),
        (
            "an EC key alone",
            pem("EC PRIVATE KEY", &der),
            disclosed.to_owned(),
        ),
        ("a key and junk", format!("junk{key}"), disclosed.to_owned()),
        (
            "eleven blocks",
            leaf.repeat(11),
            "there are more than 10 certificates".to_owned(),
        ),
        (
            "a broken second",
            leaf.clone() + &pem("CERTIFICATE", b"0"),
            "certificate 2 of the chain is malformed".to_owned(),
        ),
        (
            "a broken third",
            leaf.repeat(2) + &pem("CERTIFICATE", &[&der[..], b"\0"].concat()),
            "certificate 3 of the chain is malformed".to_owned(),
        ),
        (
            "one megabyte",
            leaf.clone() + &" ".repeat(1 << 20),
            "the text is longer than 65536 bytes".to_owned(),
        ),
        (
            "one megabyte of base64",
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                "A".repeat(1 << 20)
            ),
            "the text is longer than 65536 bytes".to_owned(),
        ),
    ];
    let mut entries: Vec<_> =
        accepted
            .into_iter()
            .map(|(name, text)| entry(name, text.into_bytes(), Verdict::accepted()))
            .chain(refused.into_iter().map(|(name, text, reason)| {
                entry(name, text.into_bytes(), Verdict::Refused(reason))
            }))
            .collect();
    for (size, verdict) in [
        (15, Verdict::accepted()),
        (
            17,
            Verdict::refused("the certificate itself is longer than 16384 bytes"),
        ),
    ] {
        let mut recipe = Recipe::good(now);
        let filler = any_extension(&[0x2a, 3], false, &vec![0x05; size * 1024]);
        recipe.extensions.get_or_insert_default().push(filler);
        let text = pem("CERTIFICATE", &recipe.der()).into_bytes();
        entries.push(entry(&format!("a leaf of {size} KiB"), text, verdict));
    }
    let not_text = || Verdict::refused("the certificate is not PEM text");
    entries.push(entry("DER", der.clone(), not_text()));
    let latin1 = [leaf.as_bytes(), b"\xe4"].concat();
    entries.push(entry("Latin-1", latin1, not_text()));
    for cut in [1, 5, 50, der.len() - 1] {
        let text = pem("CERTIFICATE", &der[..cut]).into_bytes();
        let verdict = Verdict::refused("the certificate is malformed: encoding");
        entries.push(entry(&format!("DER cut to {cut} bytes"), text, verdict));
    }
    let text = pem("CERTIFICATE", &[&der[..], b"\0"].concat()).into_bytes();
    let verdict = Verdict::refused("the certificate is malformed: encoding");
    entries.push(entry("garbage after the DER", text, verdict));
    entries
}

fn entry(name: &str, text: Vec<u8>, verdict: Verdict) -> Entry {
    Entry {
        name: format!("text: {name}"),
        text,
        verdict,
        key: None,
    }
}
