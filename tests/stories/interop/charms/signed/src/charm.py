"""A requirer that takes its certificate from etcd and shows it to etcd.

It uses the libraries as their documentation has it, and nothing more. What they
fire is written down in events.jsonl in the charm's directory, one line for each
event; the certificate in use and its key are in client.pem and client.key.
"""

import json
import os

import ops
from dpcharmlibs.interfaces import (
    RequirerCommonModel,
    RequirerDataContractV1,
    ResourceProviderModel,
    ResourceRequirerEventHandler,
    build_model,
)

if os.environ["LIBRARY"] == "v4":
    from charms.tls_certificates_interface.v4 import tls_certificates as tls
else:
    from charmlibs.interfaces import tls_certificates as tls

RELATION = "etcd"
CERTIFICATES = "certificates"
EVENTS = ("resource_created", "endpoints_changed", "authentication_updated", "status_raised")


class SignedCharm(ops.CharmBase):
    """Asks for what its configuration says."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        is_app = self.config["mode"] == "app"
        name = str(self.config["common-name"])
        self.attributes = tls.CertificateRequestAttributes(common_name=name) if name else None
        self.mode = tls.Mode.APP if is_app else tls.Mode.UNIT
        self.certificates = tls.TLSCertificatesRequiresV4(
            charm=self,
            relationship_name=CERTIFICATES,
            certificate_requests=[self.attributes] if self.attributes else [],
            mode=self.mode,
            refresh_events=[self.on.config_changed],
        )
        self.etcd = ResourceRequirerEventHandler(
            self,
            relation_name=RELATION,
            requests=[
                RequirerCommonModel(
                    resource=str(self.config["prefix"]), mtls_cert=self._stored("client.pem")
                )
            ],
            response_model=ResourceProviderModel,
        )
        on = self.certificates.on
        framework.observe(on.certificate_available, self._on_certificate_available)
        if hasattr(on, "certificate_denied"):
            framework.observe(on.certificate_denied, self._on_certificate_denied)
        for event in EVENTS:
            framework.observe(getattr(self.etcd.on, event), self._on_etcd_event)

    def _path(self, name: str):
        return self.charm_dir / name

    def _stored(self, name: str) -> str | None:
        path = self._path(name)
        return path.read_text(encoding="utf-8") if path.exists() else None

    def _note(self, event: ops.EventBase, **more) -> None:
        line = {"event": event.handle.kind, "hook": os.environ["JUJU_HOOK_NAME"], **more}
        with open(self._path("events.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _on_certificate_available(self, event) -> None:
        """Uses another certificate than before; the event comes for the same one, too."""
        assigned, key = self.certificates.get_assigned_certificate(self.attributes)
        if assigned is None or key is None:
            return
        if str(assigned.certificate) == self._stored("client.pem"):
            return
        self._path("client.pem").write_text(str(assigned.certificate), encoding="utf-8")
        self._path("client.key").write_text(str(key), encoding="utf-8")
        self._note(
            event,
            certificate=str(assigned.certificate),
            ca=str(assigned.ca),
            chain=[str(part) for part in assigned.chain],
            ordered=tls.chain_has_valid_order([str(part) for part in assigned.chain]),
        )
        if not self.unit.is_leader():
            return
        for relation in self.model.relations[RELATION]:
            repository = self.etcd.interface.repository(relation.id)
            current = build_model(repository, RequirerDataContractV1[RequirerCommonModel])
            for request in current.requests:
                request.mtls_cert = str(assigned.certificate)
            self.etcd.interface.write_model(relation.id, current)

    def _on_certificate_denied(self, event) -> None:
        self._note(event, code=int(event.error.code), message=event.error.message)

    def _on_etcd_event(self, event: ops.EventBase) -> None:
        more = {}
        if response := getattr(event, "response", None):
            # What comes from secrets is left out of a dump.
            more["response"] = {
                name.replace("_", "-"): getattr(response, name)
                for name in type(response).model_fields
            }
        if status := getattr(event, "status", None):
            more["status"] = status.model_dump(mode="json")
        self._note(event, **more)


if __name__ == "__main__":
    ops.main(SignedCharm)
