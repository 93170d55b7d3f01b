"""A provider of etcd and of Valkey as its library's documentation has it.

Nothing is behind it: what the options say is what clients are told. Certificates
that were received are written down in received.jsonl in the charm's directory.
"""

import json

import ops
from charms.data_platform_libs.v0.data_interfaces import DatabaseProvides, EtcdProvides
from cryptography import x509
from cryptography.x509.oid import NameOID


class ProviderCharm(ops.CharmBase):
    """Answers what is asked."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.etcd = EtcdProvides(self, "etcd-client")
        self.valkey = DatabaseProvides(self, "valkey-client")
        framework.observe(self.etcd.on.mtls_cert_updated, self._on_certificate)
        framework.observe(self.valkey.on.database_requested, self._on_database_requested)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_certificate(self, event) -> None:
        # The library's event knows secrets alone; across models a certificate is in
        # the databag.
        certificate = event.mtls_cert or event.relation.data[event.relation.app].get("mtls-cert")
        if not certificate:
            return
        with open(self.charm_dir / "received.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"certificate": certificate}) + "\n")
        parsed = x509.load_pem_x509_certificate(certificate.encode())
        name = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        relation = event.relation.id
        self.etcd.update_relation_data(relation, {"username": name})
        self.etcd.set_version(relation, "3.6.4")
        self._tell_etcd(relation)

    def _on_database_requested(self, event) -> None:
        relation = event.relation.id
        self.valkey.set_version(relation, "9.0.1")
        self.valkey.set_read_only_endpoints(relation, "10.0.0.9:6379")
        self.valkey.set_tls(relation, "false")
        # It has no functions for these.
        further = {"mode": "sentinel", "sentinel-endpoints": "10.0.0.1:26379"}
        self.valkey.update_relation_data(relation, further)
        self._tell_valkey(relation)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        """Tells existing relations what has changed."""
        for library, tell in ((self.etcd, self._tell_etcd), (self.valkey, self._tell_valkey)):
            for relation in self.model.relations[library.relation_name]:
                if library.fetch_my_relation_field(relation.id, "endpoints"):
                    tell(relation.id)

    def _tell_etcd(self, relation: int) -> None:
        endpoints = str(self.config["endpoints"])
        uris = ",".join(f"https://{endpoint}" for endpoint in endpoints.split(","))
        self.etcd.set_uris(relation, uris)
        self.etcd.set_tls_ca(relation, str(self.config["ca"]))
        self.etcd.set_endpoints(relation, endpoints)

    def _tell_valkey(self, relation: int) -> None:
        name = f"relation-{relation}"
        self.valkey.set_credentials(relation, name, str(self.config["password"]))
        self.valkey.set_endpoints(relation, str(self.config["endpoints"]))


if __name__ == "__main__":
    ops.main(ProviderCharm)
