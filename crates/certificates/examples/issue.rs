//! An authority issues a client's certificate, which the strict judge accepts;
//! the authority's own certificate is refused as a client's.

use std::time::SystemTime;

use certificates::{Authority, CertificateRefusal, ClientCertificate, Timestamp};

const DAY: i64 = 24 * 60 * 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::from(SystemTime::now());
    let authority = Authority::create("example clients", now, 365 * DAY)?;
    let issued = authority.issue_client("app", now, 30 * DAY)?;
    let client = ClientCertificate::check(issued.certificate.as_bytes(), now)?;
    assert_eq!(client.common_name.as_str(), "app");
    let refusal = ClientCertificate::check(authority.certificate.as_bytes(), now);
    assert!(matches!(refusal, Err(CertificateRefusal::Authority)));
    Ok(())
}
