//! A requirer asks for a certificate, a provider answers, and the requirer finds
//! the answer. The texts stand for PEM.

use tls_certificates::Databag;
use tls_certificates::answers::{self, Answer};
use tls_certificates::requests::{self, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = Request {
        csr: "a request".to_owned(),
        is_ca: false,
    };
    let mut unit = Databag::new();
    let value = requests::write(std::slice::from_ref(&request)).ok_or("nothing is asked for")?;
    unit.insert(requests::KEY.to_owned(), value);

    let asked = requests::read(&unit)?;
    let answered: Vec<_> = asked.requests.iter().map(answer).collect();
    let mut provider = Databag::new();
    for (key, value) in answers::write(&answered, &[]) {
        provider.extend(value.map(|value| (key.to_owned(), value)));
    }

    let found = answers::read(&provider)?;
    let certificate = found.certificate(&request.csr).ok_or("no answer")?;
    assert_eq!(certificate.certificate, "a certificate");
    Ok(())
}

fn answer(request: &Request) -> Answer {
    Answer {
        csr: request.csr.clone(),
        certificate: "a certificate".to_owned(),
        ca: "an authority".to_owned(),
        chain: vec!["a certificate".to_owned(), "an authority".to_owned()],
        is_revoked: false,
    }
}
