//! A model with the charm deployed, a real LXD, and applications that the
//! stories play by hand.

use std::path::Path;

use certificates::{Fingerprint, Timestamp};
use juju_simulator::{Charm, Deployment, HookRun, Model, Options, RelationId, UnitName};
use lxd_integrator::lxd::Client as Lxd;
use lxd_integrator::plan::credentials::{Address, Connection, Https};
use secret_value::Secret;
use serde_json::{Value, json};

use crate::server::Server;

/// More hooks than any story should need to come to rest.
const SETTLE_LIMIT: usize = 400;

const REQUIRER: &str = "
name: requirer
requires:
  lxd:
    interface: lxd
";

/// A client's certificate and key.
pub(crate) struct Client {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
    pub(crate) fingerprint: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(&key).expect("signed");
        let der = certificate.der().to_vec();
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            fingerprint: Fingerprint::of_der(&der).to_string(),
            der,
        }
    }

    /// Whether LXD trusts this client, asked with its own key over the network.
    pub(crate) fn is_trusted(&self, server: &Server) -> bool {
        let port = server.endpoint.rsplit(':').next().expect("a port");
        let pin = pem::parse(&server.certificate).expect("a certificate");
        let connection = Connection::Https(Box::new(Https {
            address: Address {
                host: "127.0.0.1".to_owned(),
                port: port.parse().expect("a number"),
            },
            client_chain: vec![self.der.clone()],
            client_key: Secret::new(self.key.clone()),
            server: pin.into_contents(),
            names: ("the key", "the certificate"),
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut client = Lxd::connect(&connection).await.expect("LXD is there");
            client.server().await.expect("LXD answers").is_some()
        })
    }
}

pub(crate) struct World<'s> {
    pub(crate) model: Model,
    pub(crate) server: &'s Server,
    /// What the integrator speaks to LXD with.
    pub(crate) own: Client,
}

impl<'s> World<'s> {
    /// A model whose cloud is this LXD, and the charm with one unit that is
    /// trusted with it, at rest.
    pub(crate) fn trusted(server: &'s Server, seed: u64) -> Self {
        let mut world = Self::untrusted(server, seed);
        world.model.trust("lxd-integrator", true);
        world.settle();
        world
    }

    pub(crate) fn untrusted(server: &'s Server, seed: u64) -> Self {
        let own = Client::new();
        server.trust("juju", &own.der);
        let mut model = Model::new(Options::temporary().seed(seed)).expect("a model");
        model.set_cloud(cloud(server, &own));
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        let charm = Charm::at(directory).with_dispatch(env!("CARGO_BIN_EXE_lxd-integrator"));
        let root = model.directory().join("root").display().to_string();
        let deployment = Deployment::units(1).environment("LXD_INTEGRATOR_ROOT", root);
        model.deploy_with("lxd-integrator", charm, deployment);
        let mut world = Self { model, server, own };
        world.settle();
        world
    }

    /// Lets all due hooks run; none may fail, and none may show a key.
    pub(crate) fn settle(&mut self) -> Vec<HookRun> {
        let runs = self.model.settle(SETTLE_LIMIT);
        let runs = runs.unwrap_or_else(|error| panic!("{error}"));
        for run in &runs {
            self.inspect(run);
        }
        runs
    }

    /// No line of the key may be in anything that is logged, shown or stored.
    fn inspect(&self, run: &HookRun) {
        let secret = self.own.key.lines().nth(1).expect("a line of the key");
        // What Juju itself answers is where the key comes from.
        let said = run.calls.iter().flat_map(|call| {
            let args = call.args.iter().cloned();
            args.chain(call.stdin.clone()).chain([call.stderr.clone()])
        });
        for text in said.chain([run.stdout.clone(), run.stderr.clone()]) {
            assert!(!text.contains(secret), "a key was shown by {}", run.name);
        }
    }

    /// Deploys an application that the story plays, with a unit, and relates it.
    pub(crate) fn relate(&mut self, app: &str) -> RelationId {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(REQUIRER));
        }
        self.model
            .integrate("lxd-integrator:api", &format!("{app}:lxd"))
    }

    /// Lets a unit ask for these texts.
    pub(crate) fn ask(&mut self, relation: RelationId, unit: &str, texts: &[&str]) {
        let list = json!(texts).to_string();
        self.write(relation, unit, &list);
    }

    /// An application with a unit that asks for a certificate and gets access.
    pub(crate) fn serve(&mut self, app: &str) -> (RelationId, Client) {
        let client = Client::new();
        let relation = self.relate(app);
        self.ask(relation, &format!("{app}/0"), &[&client.certificate]);
        self.settle();
        (relation, client)
    }

    /// Sets an option of ours. Nothing has run yet.
    pub(crate) fn configure(&mut self, option: &str, value: impl Into<Value>) {
        self.model.set_config("lxd-integrator", option, value);
    }

    pub(crate) fn write(&mut self, relation: RelationId, unit: &str, list: &str) {
        let pairs = [("client_certificates", list)];
        self.model.relation_set_unit(relation, unit, &pairs);
    }

    /// The nodes that a unit of ours tells a relation.
    pub(crate) fn nodes(&self, relation: RelationId, unit: &str) -> Vec<Value> {
        let bag = self.model.unit_bag(relation, unit);
        let nodes = bag.get("nodes").map(String::as_str).unwrap_or("[]");
        serde_json::from_str(nodes).expect("a list")
    }

    /// The fingerprints that the first unit tells a relation, the same for each
    /// node.
    pub(crate) fn told(&self, relation: RelationId) -> Vec<String> {
        let nodes = self.nodes(relation, "lxd-integrator/0");
        let first = nodes.first().map(|node| node["trusted_certs_fp"].clone());
        serde_json::from_value(first.unwrap_or_else(|| json!([]))).expect("a list of texts")
    }

    /// The status of a unit of ours, as `active: text`.
    pub(crate) fn status(&self) -> String {
        let status = self.model.unit_status("lxd-integrator/0");
        assert!(status.message.chars().count() <= 100, "{}", status.message);
        format!("{}: {}", status.status, status.message)
    }

    pub(crate) fn action(&mut self, name: &str, parameters: Value) -> (Value, Option<String>) {
        let unit = UnitName::from("lxd-integrator/0");
        let result = self.model.run_action(unit, name, parameters);
        self.inspect(&result.run);
        (
            result.results.clone(),
            (result.status == "failed").then(|| result.message.clone()),
        )
    }

    pub(crate) fn update_status(&mut self) -> Vec<HookRun> {
        let runs = self.model.update_status_all();
        runs.iter().for_each(|run| self.inspect(run));
        runs
    }
}

/// What Juju says of a model on this LXD, with which it speaks by these
/// credentials.
pub(crate) fn cloud(server: &Server, own: &Client) -> Value {
    json!({
        "type": "lxd",
        "name": "localhost",
        "endpoint": server.endpoint,
        "credential": {"auth-type": "certificate", "attrs": {
            "client-cert": own.certificate,
            "client-key": own.key,
            "server-cert": server.certificate,
        }},
    })
}

/// The time as the charm sees it.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}
