//! What can be wrong, or unusual, with the extensions of a certificate.

use super::fields::List;
use super::recipe::{
    BASIC_CONSTRAINTS, CA_FALSE, EXTENDED_KEY_USAGE, KEY_USAGE, Recipe, SAN, any_extension,
    extension, sequence, tlv,
};

const CLIENT_AUTH: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02";
const SERVER_AUTH: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
const ANY_USE: &[u8] = b"\x06\x04\x55\x1d\x25\x00";

pub(super) fn add(list: &mut List) {
    let ca = "the certificate is a CA certificate";
    let only = |value: &'static [u8]| {
        move |r: &mut Recipe| r.extensions = Some(vec![extension(BASIC_CONSTRAINTS, true, value)])
    };
    list.refused("CA", ca, only(&[0x30, 3, 1, 1, 0xff]));
    list.refused(
        "CA with path length",
        ca,
        only(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]),
    );
    list.accepted("CA:FALSE written out", only(&[0x30, 3, 1, 1, 0]));
    let constraints = "the certificate is malformed: basic constraints";
    list.refused("CA:true of BER", constraints, only(&[0x30, 3, 1, 1, 1]));
    list.refused(
        "path length of no CA",
        constraints,
        only(&[0x30, 3, 2, 1, 0]),
    );
    list.refused("bytes after", constraints, only(&[0x30, 0, 0]));
    list.refused("empty value", constraints, only(&[]));
    list.accepted("no basic constraints", |r| {
        r.extensions = Some(vec![extension(KEY_USAGE, true, &[3, 2, 7, 0x80])])
    });
    list.accepted("no extensions", |r| r.extensions = None);
    list.refused(
        "empty extensions",
        "the certificate is malformed: extensions",
        |r| r.extensions = Some(Vec::new()),
    );
    let twice = "the certificate has an extension twice: 2.5.29.19";
    let again = |value| extension(BASIC_CONSTRAINTS, true, value);
    list.with("twice", twice, again(CA_FALSE));
    list.with("CA the second time", twice, again(&[0x30, 3, 1, 1, 0xff]));

    let usage = |bits: &[u8]| extension(KEY_USAGE, true, bits);
    let malformed = |what| format!("the certificate is malformed: {what}");
    for (what, reason, bits) in [
        (
            "keyCertSign",
            "the certificate may sign certificates",
            [2, 0x84],
        ),
        (
            "cRLSign",
            "the certificate may sign revocation lists",
            [1, 0x82],
        ),
        ("bad padding", &malformed("key usage"), [4, 0x88]),
    ] {
        list.with(what, reason, usage(&[3, 2, bits[0], bits[1]]));
    }
    list.may_have("digitalSignature", usage(&[3, 2, 7, 0x80]));
    list.may_have("decipherOnly", usage(&[3, 3, 7, 0x80, 0x80]));

    let uses = |list: &[&[u8]]| extension(EXTENDED_KEY_USAGE, false, &sequence(list));
    let not_for_clients = "the extended key usage does not include client authentication";
    list.with("serverAuth only", not_for_clients, uses(&[SERVER_AUTH]));
    list.with("no use at all", &malformed("extended key usage"), uses(&[]));
    list.may_have("clientAuth", uses(&[CLIENT_AUTH]));
    list.may_have("both uses", uses(&[SERVER_AUTH, CLIENT_AUTH]));
    list.may_have("any use", uses(&[ANY_USE]));

    let unknown = "the certificate has an unknown critical extension: 1.2.3";
    list.with(
        "unknown, critical",
        unknown,
        any_extension(&[0x2a, 3], true, b"x"),
    );
    list.may_have("unknown", any_extension(&[0x2a, 3], false, b"x"));
    for (number, value) in [
        (30, &b"\x30\x06\xa0\x04\x30\x02\x82\x00"[..]),
        (33, b"\x30\x00"),
        (36, b"\x30\x03\x80\x01\x00"),
        (54, b"\x02\x01\x00"),
    ] {
        for critical in [false, true] {
            let reason = format!("the certificate has an extension for CAs only: 2.5.29.{number}");
            list.with(
                &format!("extension {number}, critical {critical}"),
                &reason,
                extension(number, critical, value),
            );
        }
    }
    let (ski, aki) = ("subject key identifier", "authority key identifier");
    for (what, reason, added) in [
        ("critical SKI", ski, extension(14, true, &[4, 1, 1])),
        ("SKI of another type", ski, extension(14, false, &[2, 1, 1])),
        (
            "critical AKI",
            aki,
            extension(35, true, &[0x30, 3, 0x80, 1, 1]),
        ),
        ("AKI of another type", aki, extension(35, false, &[4, 1, 1])),
    ] {
        list.with(what, &malformed(reason), added);
    }
    list.may_have("AKI", extension(35, false, &[0x30, 3, 0x80, 1, 1]));
    let distribution = |inner: u8| {
        extension(
            31,
            false,
            &[0x30, 9, 0x30, 7, 0xa0, 5, inner, 3, 0x86, 1, b'x'],
        )
    };
    list.may_have("CRL distribution point", distribution(0xa0));
    list.with(
        "CRL point by relative name",
        &malformed("CRL distribution points"),
        distribution(0xa1),
    );
    let policy = sequence(&[&[6, 2, 0x2a, 3]]);
    list.may_have("policy", extension(32, true, &sequence(&[&policy])));
    list.with(
        "policy twice",
        &malformed("certificate policies"),
        extension(32, false, &sequence(&[&policy, &policy])),
    );
    let access = |critical| {
        any_extension(
            b"\x2b\x06\x01\x05\x05\x07\x01\x01",
            critical,
            b"\x30\x0f\x30\x0d\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x01x",
        )
    };
    list.may_have("authority information", access(false));
    list.with(
        "critical authority information",
        &malformed("authority information access"),
        access(true),
    );

    let names = |tag: u8, value: &[u8]| extension(SAN, false, &sequence(&[&tlv(tag, &[value])]));
    let bad_san = malformed("subject alternative name");
    for (tag, value) in [
        (0x82, &b"a.b"[..]),
        (0x81, b"a@b"),
        (0x87, b"\x7f\0\0\x01"),
        (0x86, b"spiffe://td/x"),
        (0x86, b"urn:x"),
        (0x88, b"\x2a\x03"),
        (0xa0, b"\x06\x01\x2a\xa0\x02\x0c\x00"),
    ] {
        list.may_have(
            &format!("SAN {tag:#x} of {}", value.escape_ascii()),
            names(tag, value),
        );
    }
    for (tag, value) in [
        (0x82, &b"\xff"[..]),
        (0x82, b""),
        (0x87, b"\x7f\0\0"),
        (0x86, b"http://a b/"),
        (0x86, b"http://a..b/"),
        (0x86, b"%"),
        (0x0c, b"x"),
        (0xa2, b"x"),
        (0xa4, b"x"),
    ] {
        list.with(
            &format!("SAN {tag:#x} of {}", value.escape_ascii()),
            &bad_san,
            names(tag, value),
        );
    }
    list.with("empty SAN", &bad_san, extension(SAN, false, &[0x30, 0]));
    let critical = extension(SAN, true, &sequence(&[&tlv(0x88, &[&[0x2a, 3]])]));
    list.with(
        "critical SAN of unknown kind",
        "the certificate has an unknown critical extension: 2.5.29.17",
        critical,
    );
}
