//! What can be wrong, or unusual, with version, serial number, validity and
//! signature of a certificate.

use etcd_charm::facts::Timestamp;

use super::fields::List;
use super::recipe::{ED25519, P256_SHA256, sequence, tlv, utc_time};

pub(super) fn add(list: &mut List, now: Timestamp) {
    let first = "the certificate is X.509 v1, not v3";
    list.refused("X.509 v1", first, |r| {
        r.version.clear();
        r.extensions = None;
    });
    for (what, reason, number) in [
        ("X.509 v1 written out", first, 0),
        ("X.509 v2", "the certificate is X.509 v2, not v3", 1),
        ("X.509 v4", "the certificate is malformed: version", 3),
    ] {
        list.refused(what, reason, |r| r.version = tlv(0xa0, &[&[2, 1, number]]));
    }
    let serial = "the certificate is malformed: serial number";
    list.refused("negative serial number", serial, |r| {
        r.serial = vec![2, 1, 0x80]
    });
    list.refused("serial number not minimal", serial, |r| {
        r.serial = vec![2, 2, 0, 1]
    });
    list.refused("serial number of 21 bytes", serial, |r| {
        r.serial = tlv(2, &[&[1; 21]])
    });
    list.accepted("serial number of 20 bytes", |r| {
        r.serial = tlv(2, &[&[0], &[0xff; 20]])
    });
    list.accepted("serial number zero", |r| r.serial = vec![2, 1, 0]);

    let between = |from: i64, to: i64| {
        sequence(&[
            &utc_time(now.plus_seconds(from)),
            &utc_time(now.plus_seconds(to)),
        ])
    };
    let at = |seconds| now.plus_seconds(seconds);
    list.refused(
        "expired",
        &format!("the certificate expired at {}", at(-1)),
        |r| r.validity = between(-9, -1),
    );
    // Later than any story with it takes.
    list.refused(
        "not yet valid",
        &format!("the certificate is not valid before {}", at(7200)),
        |r| r.validity = between(7200, 9000),
    );
    list.refused(
        "ends before it begins",
        &format!("the certificate expired at {}", at(-60)),
        |r| r.validity = between(-9, -60),
    );
    list.accepted("no well-defined end", |r| {
        r.validity = sequence(&[&utc_time(now), &tlv(0x18, &[b"99991231235959Z"])])
    });
    let validity = "the certificate is malformed: validity";
    for (what, time) in [
        ("no seconds", &b"\x17\x0b3001010000Z"[..]),
        ("time zone", b"\x17\x11300101000000+0100"),
        ("fraction", b"\x18\x1120300101000000.5Z"),
        ("30 February", b"\x17\x0d300230000000Z"),
        ("text", b"\x0c\x0d300101000000Z"),
    ] {
        list.refused(what, validity, |r| {
            r.validity = sequence(&[&utc_time(now), time])
        });
    }
    list.refused("three times", validity, |r| {
        r.validity = sequence(&[&utc_time(now), &utc_time(at(99)), &utc_time(at(99))])
    });

    let algorithm = |oid| format!("the signature algorithm is not allowed: {oid}");
    let rsa = |last: &[u8]| [b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01", last].concat();
    for (what, oid, shown) in [
        ("MD2", rsa(b"\x02\x05\x00"), "1.2.840.113549.1.1.2"),
        ("MD5", rsa(b"\x04\x05\x00"), "1.2.840.113549.1.1.4"),
        (
            "SHA-1 with RSA",
            rsa(b"\x05\x05\x00"),
            "1.2.840.113549.1.1.5",
        ),
        (
            "SHA-1 with ECDSA",
            b"\x06\x07\x2a\x86\x48\xce\x3d\x04\x01".to_vec(),
            "1.2.840.10045.4.1",
        ),
        (
            "DSA",
            b"\x06\x07\x2a\x86\x48\xce\x38\x04\x03".to_vec(),
            "1.2.840.10040.4.3",
        ),
        (
            "PSS with SHA-1",
            rsa(b"\x0a\x30\x00"),
            "1.2.840.113549.1.1.10",
        ),
    ] {
        list.refused(&format!("{what} signature"), &algorithm(shown), |r| {
            r.algorithm = sequence(&[&oid])
        });
    }
    let mismatch = "the certificate is malformed: signature algorithm";
    list.refused("two signature algorithms", mismatch, |r| {
        r.outer_algorithm = Some(sequence(&[ED25519]))
    });
    list.refused("bytes after the algorithm", mismatch, |r| {
        r.algorithm = sequence(&[P256_SHA256, &[5, 0]])
    });
    list.accepted("Ed25519 signature", |r| r.algorithm = sequence(&[ED25519]));
    let signed = "the certificate is malformed: signed part";
    list.refused("unique identifiers", signed, |r| {
        r.unique_ids = vec![0x81, 2, 0, 1];
    });
    let signature = "the certificate is malformed: signature";
    list.refused("no signature", signature, |r| r.signature = vec![3, 1, 0]);
    list.refused("signature of odd bits", signature, |r| {
        r.signature = vec![3, 2, 4, 0x10];
    });
    let issuer = "the certificate is malformed: issuer";
    list.refused("issuer missing", issuer, |r| r.issuer.clear());
}
