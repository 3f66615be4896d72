"""A running `lockstep ca serve`, and clients for it: what the tests of the issuing server and its load program share.

It proves nothing by itself.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from pathlib import Path
from typing import NamedTuple

from running import Running
from support import TIMEOUT, Failure, binary, lockstep, lockstep_json, openssl

PATH = "/api/v1/certificatesigningrequests"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


class Identity(NamedTuple):
    certificate: Path
    key: Path


class Server(Running):
    def __init__(self, ca: Path, *options: str, listen: str = "127.0.0.1:0", with_us: Path | None = None) -> None:
        self.ca = ca
        super().__init__([binary(), "ca", "--data-dir", ca, "serve", "--listen", listen, *options], stdout=False, with_us=with_us)
        self.port = int(re.search(r"on port (\d+)", self.wait_for("on port"))[1])

    def context(self, client: Identity | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=os.fspath(self.ca / "ca.crt"))
        if client:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def connect(self, client: Identity | None = None, source: str | None = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(client), timeout=TIMEOUT,
                                           source_address=(source, 0) if source else None)  # fmt: skip

    def ask(self, method: str, target: str, body: bytes | None = None, client: Identity | None = None,
            headers: dict[str, str] | None = None, source: str | None = None) -> Answer:  # fmt: skip
        connection = self.connect(client, source)
        try:
            connection.request(method, target, body, {"Connection": "close", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, csr: Path, reason: str, client: Identity | None = None, source: str | None = None,
             **fields: str) -> Answer:  # fmt: skip
        body = json.dumps({"csr": csr.read_text(), "reason": reason, **fields}).encode()
        return self.ask("POST", PATH, body, client, source=source)

    def token(self, *options: str) -> str:
        return lockstep_json("ca", "--data-dir", self.ca, "token", "create", *options)["token"]

    def certificates(self) -> list[dict]:
        """Those of devices: the server's own is no device's."""
        listed = lockstep_json("ca", "--data-dir", self.ca, "list")["certificates"]
        return [entry for entry in listed if entry["subject"] != "CN=localhost"]

    def audit(self) -> list[dict]:
        return [json.loads(line) for line in (self.ca / "audit.log").read_text().splitlines()]


def make_csr(folder: Path, name: str, common_name: str | None = None, *san: str) -> tuple[Path, Path]:
    """NAME.key and NAME.csr for CN=common_name."""
    key, csr = folder / f"{name}.key", folder / f"{name}.csr"
    names = ("--san", ",".join(san)) if san else ()
    lockstep("ca", "request", "--subject", f"CN={common_name or name}", *names, "--out-key", key, "--out-csr", csr)
    return key, csr


def keep(folder: Path, name: str, key: Path, answer: Answer) -> Identity:
    """The certificate of an answer as a file, beside its key."""
    if answer.status not in (200, 201):
        raise Failure(f"{answer.status}: {answer.body!r}")
    path = folder / f"{name}.crt"
    path.write_text(answer.json["certificate"])
    return Identity(path, key)


def self_signed(folder: Path, name: str, days: int = 30) -> Identity:
    """A certificate that no CA of ours made, as a factory gives to a device."""
    identity = Identity(folder / f"{name}.crt", folder / f"{name}.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
            "-subj", f"/O=Factory/CN={name}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", identity.key, "-out", identity.certificate)  # fmt: skip
    return identity
