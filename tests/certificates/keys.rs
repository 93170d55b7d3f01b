//! What can be wrong, or unusual, with the key in a certificate.

use super::fields::List;
use super::recipe::{EC, ED25519, P256, P256_POINT, RSA, key, rsa_key, rsa_key_of, sequence, tlv};

pub(super) fn add(list: &mut List) {
    for bits in [2048, 3072, 8192] {
        list.accepted(&format!("RSA {bits}"), |r| r.key = rsa_key(bits));
    }
    for bits in [512, 1024, 2047, 8193, 16_384] {
        let reason = format!("the RSA key has {bits} bits: allowed are 2048 to 8192");
        list.refused(&format!("RSA {bits}"), &reason, |r| r.key = rsa_key(bits));
    }
    let rsa = "the certificate is malformed: RSA key";
    let modulus = [0x81; 256];
    for exponent in [&[1][..], &[2], &[0x80, 0, 0, 1], &[1, 0, 0, 0, 1]] {
        list.refused(&format!("RSA exponent {exponent:?}"), rsa, |r| {
            r.key = rsa_key_of(&modulus, exponent)
        });
    }
    list.accepted("RSA exponent 3", |r| r.key = rsa_key_of(&modulus, &[3]));
    list.refused("even RSA modulus", rsa, |r| {
        r.key = rsa_key_of(&[0x82; 256], &[3])
    });
    list.refused("negative RSA modulus", rsa, |r| {
        r.key = key(
            &[RSA, &[5, 0]],
            &sequence(&[&tlv(2, &[&modulus]), &[2, 1, 3]]),
        )
    });
    let public_key = "the certificate is malformed: public key";
    list.refused("RSA without NULL", public_key, |r| {
        r.key = key(&[RSA], &[0x30, 0])
    });
    let point = "the certificate is malformed: point of the EC key";
    for at in [0, 1, 64] {
        list.refused(&format!("byte {at} of the point"), point, |r| {
            let mut other = P256_POINT.to_vec();
            other[at] ^= 2;
            r.key = key(&[EC, P256], &other);
        });
    }
    list.refused("compressed point", point, |r| {
        r.key = key(&[EC, P256], &[&[3], &P256_POINT[1..33]].concat())
    });
    list.refused("point at infinity", point, |r| {
        r.key = key(&[EC, P256], &[0])
    });
    let curve = "the curve of the key is not P-256 or P-384";
    list.refused("P-521", curve, |r| {
        r.key = key(&[EC, b"\x06\x05\x2b\x81\x04\x00\x23"], &[4; 133])
    });
    list.refused("P-224", curve, |r| {
        r.key = key(&[EC, b"\x06\x05\x2b\x81\x04\x00\x21"], &[4; 57])
    });
    list.refused("secp256k1", curve, |r| {
        r.key = key(&[EC, b"\x06\x05\x2b\x81\x04\x00\x0a"], &[4; 65])
    });
    list.refused("explicit curve", curve, |r| {
        r.key = key(&[EC, &[0x30, 0]], P256_POINT)
    });
    list.refused("Ed25519 of 31 bytes", public_key, |r| {
        r.key = key(&[ED25519], &[1; 31])
    });
    list.refused("Ed25519 with NULL", public_key, |r| {
        r.key = key(&[ED25519, &[5, 0]], &[1; 32])
    });
    list.refused("DSA", "the key is not RSA, P-256, P-384 or Ed25519", |r| {
        r.key = key(&[b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01"], &[2, 1, 1])
    });
    list.refused(
        "X25519",
        "the key is not RSA, P-256, P-384 or Ed25519",
        |r| r.key = key(&[b"\x06\x03\x2b\x65\x6e"], &[1; 32]),
    );
    list.refused("bytes after the key", public_key, |r| {
        r.key = sequence(&[&r.key[2..], &[5, 0]])
    });
}
