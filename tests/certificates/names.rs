//! What can be wrong, or unusual, with the names in a certificate.

use super::Outcome;
use super::fields::List;
use super::recipe::{CN, PRINTABLE, UTF8, common_name, name, sequence, tlv};

const O: &[u8] = &[0x55, 0x04, 0x0a];

/// A part of a name: which, of what type, and its value.
type Part<'a> = (&'a [u8], u8, &'a [u8]);

pub(super) fn add(list: &mut List) {
    let two = "the certificate has 2 common names";
    let (client, root): (Part<'_>, Part<'_>) = ((CN, UTF8, b"client"), (CN, UTF8, b"root"));
    list.subject("two common names", two, &[client, root]);
    list.subject("two, the other first", two, &[root, client]);
    list.subject("the same name twice", two, &[client, client]);
    list.refused("two common names in one part", two, |r| {
        let one = |text: &[u8]| sequence(&[&tlv(6, &[CN]), &tlv(UTF8, &[text])]);
        r.subject = sequence(&[&tlv(0x31, &[&one(b"client"), &one(b"root")])]);
    });
    let none = "the certificate has no common name";
    list.subject("no common name", none, &[(O, UTF8, b"client")]);
    list.subject("empty subject", none, &[]);
    let empty = "the common name is empty";
    list.subject("empty common name", empty, &[(CN, UTF8, b"")]);
    for (what, text, shown) in [
        ("zero byte", "client\0x", "client\\0x"),
        ("new line", "a\nb", "a\\nb"),
        ("delete", "a\x7f", "a\\u{7f}"),
        ("C1 control", "a\u{85}", "a\\u{85}"),
        ("right to left", "\u{202e}toor", "\\u{202e}toor"),
    ] {
        let reason = format!("the common name has control or invisible characters: {shown}");
        list.subject(what, &reason, &[(CN, UTF8, text.as_bytes())]);
    }
    let long = format!(
        "the common name is longer than 64 characters: {}…",
        "x".repeat(40)
    );
    list.subject("65 characters", &long, &[(CN, UTF8, &[b'x'; 65])]);
    // Around the two values are 38 bytes.
    let organization = |bytes: usize| vec![b'o'; bytes - 38];
    list.accepted("subject of 1024 bytes", |r| {
        r.subject = name(&[client, (O, UTF8, &organization(1024))]);
        assert_eq!(r.subject.len(), 1024);
    });
    let (large, longer) = (organization(1025), "the subject is longer than 1024 bytes");
    list.subject(
        "subject of 1025 bytes",
        longer,
        &[client, (O, UTF8, &large)],
    );
    let padded = |shown| format!("the common name begins or ends with white space: \"{shown}\"");
    let blank = padded(" client");
    list.subject("leading blank", &blank, &[(CN, UTF8, b" client")]);
    let blank = padded("client ");
    list.subject("trailing blank", &blank, &[(CN, PRINTABLE, b"client ")]);
    let kind = "the common name is not a UTF8String, PrintableString or IA5String";
    list.subject("BMPString", kind, &[(CN, 0x1e, b"\0c\0l")]);
    list.subject("T61String", kind, &[(CN, 0x14, b"client")]);
    list.subject("NumericString", kind, &[(CN, 0x12, b"12")]);
    list.subject("UniversalString", kind, &[(CN, 0x1c, b"\0\0\0c")]);
    list.subject("OCTET STRING", kind, &[(CN, 0x04, b"client")]);
    let bad_name = "the certificate is malformed: common name";
    list.subject("not UTF-8", bad_name, &[(CN, UTF8, b"a\xff")]);
    list.subject("not printable", bad_name, &[(CN, PRINTABLE, b"a@b")]);
    list.subject("not IA5", bad_name, &[(CN, 0x16, b"a\xc3\xbc")]);
    let subject = "the certificate is malformed: subject";
    for (what, part) in [
        ("bad organisation", (O, PRINTABLE, &b"a@b"[..])),
        ("bit string", (O, 0x03, b"\0a")),
        (
            "large identifier",
            (b"\x55\x90\x80\x80\x80\x80\x00", UTF8, b"a"),
        ),
    ] {
        list.subject(what, subject, &[client, part]);
    }
    list.refused("empty part", subject, |r| {
        r.subject = sequence(&[&tlv(0x31, &[])])
    });
    list.refused("three values", subject, |r| {
        let attribute = sequence(&[
            &tlv(6, &[CN]),
            &tlv(UTF8, &[b"client"]),
            &tlv(UTF8, &[b"x"]),
        ]);
        r.subject = sequence(&[&tlv(0x31, &[&attribute])]);
    });
    list.refused("bad issuer", "the certificate is malformed: issuer", |r| {
        r.issuer = name(&[(O, UTF8, b"\xff")]);
    });
    for (what, text) in [
        ("64 characters", "ü".repeat(64)),
        ("blank inside", "a b".to_owned()),
        ("other script", "клиент".to_owned()),
    ] {
        list.add(what, Outcome::Accepted(text.clone()), |r| {
            r.subject = common_name(&text)
        });
    }
    list.accepted("IA5String", |r| r.subject = name(&[(CN, 0x16, b"client")]));
    list.accepted("PrintableString", |r| {
        r.subject = name(&[(CN, PRINTABLE, b"client"), (O, 0x14, b"\xe4")])
    });
    list.accepted("two in the issuer", |r| {
        r.issuer = name(&[(CN, UTF8, b"a"), (CN, UTF8, b"root")])
    });
}
