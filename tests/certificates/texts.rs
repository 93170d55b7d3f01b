//! What can be wrong with the text around a certificate.

use etcd_charm::facts::Timestamp;

use super::recipe::{Recipe, any_extension};
use super::{Entry, Outcome, pem};

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
    let long = "the text is longer than 65536 bytes";
    let second = pem("CERTIFICATE", b"0");
    let third = pem("CERTIFICATE", &[&der[..], b"\0"].concat());
    let block =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----");
    let refused = [
        (
            "there is no certificate",
            vec![
                ("empty", String::new()),
                ("white space only", " \n\t\r\n".to_owned()),
            ],
        ),
        (
            outside,
            vec![
                ("text before", format!("subject=CN = client\n{leaf}")),
                ("text after", format!("{leaf}# the end\n")),
                ("text between", format!("{leaf}issuer\n{leaf}")),
                ("a zero byte after", format!("{leaf}\0")),
                ("byte order mark", format!("\u{feff}{leaf}")),
                ("all indented", indented),
                ("no BEGIN", lines(1, 0)),
            ],
        ),
        (
            no_end,
            vec![
                (
                    "two blocks on one line",
                    format!("{}{leaf}", leaf.trim_end()),
                ),
                ("no END", lines(0, 1)),
                (
                    "no END before the next BEGIN",
                    format!("{}\n{leaf}", lines(0, 1)),
                ),
                ("no END and text after", lines(0, 1) + "\nsome text"),
                ("BEGIN only", "-----BEGIN CERTIFICATE-----".to_owned()),
            ],
        ),
        (
            bad_base64,
            vec![
                ("indented inside", half_indented),
                ("blank line inside", leaf.replacen('\n', "\n\n", 1)),
                ("not base64", leaf.replacen("\nM", "\n*", 1)),
                (
                    "base64 cut short",
                    lines(0, 2) + "\nQQ\n-----END CERTIFICATE-----\n",
                ),
                ("nothing between the markers", block("")),
            ],
        ),
        (
            "block 1 has PEM headers",
            vec![("PEM headers", with_headers)],
        ),
        (
            &foreign("X509 CRL"),
            vec![("a CRL after it", leaf.clone() + &pem("X509 CRL", b"0"))],
        ),
        (
            &foreign("a\\u{1b}[31m"),
            vec![("a label with escapes", pem("a\u{1b}[31m", &der))],
        ),
        (
            "a private key was sent: consider it disclosed and replace it",
            vec![
                ("a key after it", leaf.clone() + &key),
                ("a key before it", key.clone() + &leaf),
                ("an EC key alone", pem("EC PRIVATE KEY", &der)),
                ("a key and junk", format!("junk{key}")),
            ],
        ),
        (
            "there are more than 10 certificates",
            vec![("eleven blocks", leaf.repeat(11))],
        ),
        (
            "certificate 2 of the chain is malformed",
            vec![("a broken second", leaf.clone() + &second)],
        ),
        (
            "certificate 3 of the chain is malformed",
            vec![("a broken third", leaf.repeat(2) + &third)],
        ),
        (
            long,
            vec![
                ("one megabyte", leaf.clone() + &" ".repeat(1 << 20)),
                (
                    "one megabyte of base64",
                    block(&("A".repeat(1 << 20) + "\n")),
                ),
            ],
        ),
    ];
    let mut entries = Vec::new();
    let mut add = |name: &str, text: String, expected| {
        entries.push(entry(name, text.into_bytes(), expected));
    };
    for (name, text) in accepted {
        add(name, text, Outcome::accepted());
    }
    for (reason, texts) in refused {
        for (name, text) in texts {
            add(name, text, Outcome::refused(reason));
        }
    }
    for label in ["TRUSTED CERTIFICATE", "X509 CERTIFICATE", "certificate"] {
        add(label, pem(label, &der), Outcome::refused(&foreign(label)));
    }
    for (size, expected) in [
        (15, Outcome::accepted()),
        (
            17,
            Outcome::refused("the certificate itself is longer than 16384 bytes"),
        ),
    ] {
        let mut recipe = Recipe::good(now);
        let filler = any_extension(&[0x2a, 3], false, &vec![0x05; size * 1024]);
        recipe.extensions.get_or_insert_default().push(filler);
        let text = pem("CERTIFICATE", &recipe.der()).into_bytes();
        entries.push(entry(&format!("a leaf of {size} KiB"), text, expected));
    }
    let not_text = || Outcome::refused("the certificate is not PEM text");
    entries.push(entry("DER", der.clone(), not_text()));
    let latin1 = [leaf.as_bytes(), b"\xe4"].concat();
    entries.push(entry("Latin-1", latin1, not_text()));
    for cut in [1, 5, 50, der.len() - 1] {
        let text = pem("CERTIFICATE", &der[..cut]).into_bytes();
        let expected = Outcome::refused("the certificate is malformed: encoding");
        entries.push(entry(&format!("DER cut to {cut} bytes"), text, expected));
    }
    let text = pem("CERTIFICATE", &[&der[..], b"\0"].concat()).into_bytes();
    let expected = Outcome::refused("the certificate is malformed: encoding");
    entries.push(entry("garbage after the DER", text, expected));
    entries
}

fn entry(name: &str, text: Vec<u8>, expected: Outcome) -> Entry {
    Entry {
        name: format!("text: {name}"),
        text,
        expected,
        key: None,
    }
}
