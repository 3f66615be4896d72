"""A status service that shows a certificate of a CA made for the test: what its tests over TLS share. It proves nothing by itself."""

from __future__ import annotations

import os
import ssl

from ca_server import Identity, make_csr
from service_save_test import Case, fill
from status_server import StatusServer
from support import lockstep, make_ca, sign


class TlsCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ca = make_ca(self.top / "ca")
        fill(self.top / "root")
        self.renew()

    def renew(self) -> None:
        """A new certificate in the folder that the service shows."""
        for path in self.top.glob("web.*"):
            path.unlink()
        key, csr = make_csr(self.top, "web", "localhost", "DNS:localhost", "DNS:status.example.com", "IP:127.0.0.1")
        sign(self.ca, csr, self.top / "web.crt")
        lockstep("cert", "--path", self.top / "root", "import", "--domain", "localhost", "--cert", self.top / "web.crt", "--key",
                 key, "--trust", self.ca / "ca.crt")  # fmt: skip

    def context(self, client: Identity | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=os.fspath(self.ca / "ca.crt"))
        if client:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def tls(self, *options: str, listen: str = "127.0.0.1:0") -> StatusServer:
        return self.serve("--certificate", "localhost", *options, listen=listen, tls=self.context())
