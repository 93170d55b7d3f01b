//! The life of a client that takes its certificate from etcd.

use etcd_charm_world::{Certificate, RelationId, Signing, SigningRequest, UnitName, V0};

use crate::crash::harness::Harness;
use crate::crash::snapshot::{self, Aliases};
use crate::support::ask_v0;

/// What the common names of these clients begin with.
pub(crate) const SIGNER: &str = "signer-";

const APP: &str = "signed";

/// One such client.
pub(crate) struct Signed {
    /// `None` where it asks for none any more.
    signing: Option<Signing>,
    request: SigningRequest,
    /// What it has been given so far, the last one at the end.
    given: Vec<Certificate>,
    access: Option<V0>,
    common_name: String,
    /// What a rival asks for.
    other: Option<SigningRequest>,
}

impl Signed {
    /// One that asks for its certificate; nothing has run yet.
    pub(crate) fn ask(harness: &mut Harness, number: usize) -> Self {
        let common_name = format!("{SIGNER}{number:04}");
        let signing = harness.world.relate_certificates(APP);
        let request = SigningRequest::new(&common_name);
        harness.world.ask_to_sign(&signing, &[&request]);
        Self {
            signing: Some(signing),
            request,
            given: Vec::new(),
            access: None,
            common_name,
            other: None,
        }
    }

    fn take(&mut self, harness: &Harness) -> Certificate {
        let signing = self.signing.as_ref().expect("it is asked for");
        let given = harness.world.signed(signing, &self.request);
        let given = given.expect("a certificate");
        self.given.push(given.clone());
        given
    }

    pub(crate) fn request_access(&mut self, harness: &mut Harness) {
        let shown = self.take(harness);
        self.access = Some(ask_v0(&mut harness.world, APP, "/signed/", &shown));
    }

    pub(crate) fn renew(&mut self, harness: &mut Harness) {
        self.request = SigningRequest::new(&self.common_name);
        let signing = self.signing.as_ref().expect("it is asked for");
        harness.world.ask_to_sign(signing, &[&self.request]);
    }

    pub(crate) fn show_renewed(&mut self, harness: &mut Harness) {
        let shown = self.take(harness);
        let access = self.access.as_mut().expect("it has access");
        access.set_certificate(&mut harness.world.model, &shown.certificate);
    }

    /// Somebody else asks for the same name.
    pub(crate) fn meet_rival(&mut self, harness: &mut Harness) -> Signing {
        let rival = harness.world.relate_certificates("rival");
        let request = SigningRequest::new(&self.common_name);
        harness.world.ask_to_sign(&rival, &[&request]);
        self.other = Some(request);
        rival
    }

    pub(crate) fn stop_signing(&mut self, harness: &mut Harness) {
        let signing = self.signing.take().expect("it is asked for");
        harness.world.model.remove_relation(signing.relation);
    }

    pub(crate) fn end_access(&mut self, harness: &mut Harness, unit: &UnitName) {
        let access = self.access.take().expect("it has access");
        harness.world.model.remove_relation(access.relation);
        assert!(harness.world.admin(unit).run(&["del", "/signed/key"]).ok);
    }

    /// The relations that it has, and what they are called.
    pub(crate) fn relations(&self) -> Vec<(RelationId, &'static str)> {
        let signing = self.signing.iter();
        let signing = signing.map(|signing| (signing.relation, "signing"));
        let access = self.access.iter();
        let access = access.map(|access| (access.relation, "signed access"));
        signing.chain(access).collect()
    }

    /// What stands for what is another in each life.
    pub(crate) fn aliases(&self, harness: &Harness) -> Aliases {
        let mut aliases = vec![(self.common_name.clone(), "<signer>".to_owned())];
        for request in [&self.request].into_iter().chain(&self.other) {
            let text = request.csr.replace('\n', "\\n");
            aliases.push((text, "<request>".to_owned()));
        }
        let answered = self.signing.iter();
        let answered = answered.filter_map(|signing| harness.world.signed(signing, &self.request));
        for certificate in self.given.iter().cloned().chain(answered) {
            let name = "<certificate of the signer>";
            aliases.extend(snapshot::of_certificate(&certificate.certificate, name));
        }
        if let Some(uri) = self.access.iter().find_map(|access| access.secret.clone()) {
            let id = uri.rsplit([':', '/']).next().unwrap().to_owned();
            aliases.push((uri, "<secret of the signer>".to_owned()));
            aliases.push((id, "<id of the signer's secret>".to_owned()));
        }
        aliases
    }

    /// What any certificate of it opens, on any unit.
    pub(crate) fn show(&self, harness: &mut Harness, units: &[UnitName]) -> &'static str {
        let mut all = Vec::new();
        for shown in &self.given {
            for unit in units {
                let client = harness.world.client(unit, shown);
                let client = match self.access {
                    Some(_) => client,
                    None => client.impatient(),
                };
                let other = client.impatient().run(&["put", "/bystander/key", "stolen"]);
                assert!(!other.ok, "a certificate reaches what is not its own");
                all.push(client.run(&["put", "/signed/key", "value"]).ok);
            }
        }
        match (all.contains(&true), all.contains(&false)) {
            (true, false) => "its keys",
            (false, _) => "nothing",
            (true, true) => "its keys, here and there",
        }
    }
}
