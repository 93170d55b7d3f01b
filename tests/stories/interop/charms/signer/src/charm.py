"""A provider that signs what units ask for.

It uses the library as its documentation has it, and nothing more. As the provider
charms do, it revokes everything when its CA is another one, and signs the requests
that are left in a later hook.
"""

from datetime import timedelta

import ops
from charmlibs.interfaces import tls_certificates as tls

CERTIFICATES = "certificates"
VALIDITY = timedelta(days=90)


class SignerCharm(ops.CharmBase):
    """Has the CA that its configuration names."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.name = str(self.config["authority"])
        self.certificates = tls.TLSCertificatesProvidesV4(self, CERTIFICATES)
        framework.observe(self.on.config_changed, self._on_config_changed)
        framework.observe(self.on.update_status, self._sign)
        framework.observe(self.on[CERTIFICATES].relation_changed, self._sign)

    def _on_config_changed(self, _: ops.EventBase) -> None:
        used = self.charm_dir / "used"
        before = used.read_text(encoding="utf-8") if used.exists() else self.name
        if before != self.name:
            self.certificates.revoke_all_certificates()
        used.write_text(self.name, encoding="utf-8")

    def _authority(self) -> tuple[tls.Certificate, tls.PrivateKey]:
        pem, key = (self.charm_dir / f"{self.name}.{end}" for end in ("pem", "key"))
        if not pem.exists():
            private = tls.PrivateKey.generate()
            attributes = tls.CertificateRequestAttributes(common_name=self.name, is_ca=True)
            authority = tls.Certificate.generate_self_signed_ca(attributes, private, 4 * VALIDITY)
            key.write_text(str(private), encoding="utf-8")
            pem.write_text(str(authority), encoding="utf-8")
        read = [path.read_text(encoding="utf-8") for path in (pem, key)]
        return tls.Certificate.from_string(read[0]), tls.PrivateKey.from_string(read[1])

    def _sign(self, _: ops.EventBase) -> None:
        authority, private = self._authority()
        for request in self.certificates.get_outstanding_certificate_requests():
            csr = request.certificate_signing_request
            certificate = tls.Certificate.generate(csr, authority, private, VALIDITY)
            self.certificates.set_relation_certificate(
                tls.ProviderCertificate(
                    relation_id=request.relation_id,
                    certificate=certificate,
                    certificate_signing_request=csr,
                    ca=authority,
                    chain=[certificate, authority],
                )
            )


if __name__ == "__main__":
    ops.main(SignerCharm)
