"""A provider of etcd and of Valkey as its library's documentation has it.

Nothing is behind it: what the options say is what clients are told. Certificates
that were received are written down in received.jsonl in the charm's directory.
"""

import json

import ops
from cryptography import x509
from cryptography.x509.oid import NameOID
from dpcharmlibs.interfaces import (
    RequirerCommonModel,
    ResourceProviderEventHandler,
    ResourceProviderModel,
    ValkeyResponseModel,
)


class ProviderCharm(ops.CharmBase):
    """Answers what is asked."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.etcd = ResourceProviderEventHandler(
            self, "etcd-client", RequirerCommonModel, unique_key="etcd", mtls_enabled=True
        )
        self.valkey = ResourceProviderEventHandler(
            self, "valkey-client", RequirerCommonModel, unique_key="valkey"
        )
        framework.observe(self.etcd.on.mtls_cert_updated, self._on_certificate)
        framework.observe(self.valkey.on.resource_requested, self._on_resource_requested)
        framework.observe(self.on.config_changed, self._on_config_changed)

    def _on_certificate(self, event) -> None:
        with open(self.charm_dir / "received.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"certificate": event.request.mtls_cert}) + "\n")
        self._answer_etcd(event.relation, event.request)

    def _on_resource_requested(self, event) -> None:
        self._answer_valkey(event.relation, event.request)

    def _on_config_changed(self, _: ops.ConfigChangedEvent) -> None:
        """Tells existing relations what has changed."""
        for handler, answer in ((self.etcd, self._answer_etcd), (self.valkey, self._answer_valkey)):
            for relation in self.model.relations[handler.relation_name]:
                for request in handler.requests(relation):
                    answer(relation, request)

    def _answer_etcd(self, relation, request) -> None:
        if not request.mtls_cert:
            return
        certificate = x509.load_pem_x509_certificate(request.mtls_cert.encode())
        name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        endpoints = str(self.config["endpoints"])
        response = self._response(self.etcd, relation, request, ResourceProviderModel)
        response.endpoints = endpoints
        response.username = name
        response.uris = ",".join(f"https://{endpoint}" for endpoint in endpoints.split(","))
        response.tls_ca = str(self.config["ca"])
        response.version = "3.6.4"
        self.etcd.set_response(relation.id, response)

    def _answer_valkey(self, relation, request) -> None:
        response = self._response(self.valkey, relation, request, ValkeyResponseModel)
        response.endpoints = str(self.config["endpoints"])
        response.read_only_endpoints = "10.0.0.9:6379"
        response.sentinel_endpoints = "10.0.0.1:26379"
        response.mode = "sentinel"
        response.username = f"relation-{relation.id}"
        response.password = str(self.config["password"])
        response.tls = False
        response.version = "9.0.1"
        self.valkey.set_response(relation.id, response)

    @staticmethod
    def _response(handler, relation, request, model):
        """The response that there is, which knows its secrets, or a new one."""
        for response in handler.responses(relation, model):
            if response.request_id == request.request_id:
                response.resource = request.resource
                return response
        return model(salt=request.salt, request_id=request.request_id, resource=request.resource)


if __name__ == "__main__":
    ops.main(ProviderCharm)
