"""A running `lockstep serve`, and a client for it: what the tests of the status service share.

It proves nothing by itself.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
from pathlib import Path
from typing import NamedTuple

from running import Running
from support import TIMEOUT, Failure, binary

SERVERS, GROUPS = "/api/config/servers", "/api/config/groups"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def data(self) -> dict:
        if not self.json["success"]:
            raise Failure(f"{self.status}: {self.body!r}")
        return self.json["data"]

    @property
    def error(self) -> str:
        return self.json["error"]

    @property
    def etag(self) -> str:
        return self.headers["etag"]


class StatusServer(Running):
    def __init__(self, root: Path, *options: str, listen: str = "127.0.0.1:0", tls: ssl.SSLContext | None = None,
                 host: str = "127.0.0.1", user: int | None = None) -> None:  # fmt: skip
        self.root, self.folder, self.tls, self.host = root, root / "service", tls, host
        super().__init__([binary(), "serve", "--path", root, "--listen", listen, *options], user=user)
        self.port = int(re.search(r"https? port (\d+)", self.wait_for("interface on"))[1])
        token = self.folder / "token"
        self.token = token.read_text().strip() if os.access(token, os.R_OK) else ""

    def __enter__(self) -> StatusServer:
        return self

    def __exit__(self, *what: object) -> None:
        self.stop(signal.SIGKILL)

    def connect(self) -> http.client.HTTPConnection:
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=TIMEOUT)
        return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)

    def ask(self, method: str, target: str, body: object = None, headers: dict[str, str] | None = None,
            token: str | None = "", connection: http.client.HTTPConnection | None = None) -> Answer:  # fmt: skip
        """With the token unless another one, or None, is given; a body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token or self.token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        using = connection or self.connect()
        try:
            using.request(method, target, body, sent)
            answer = using.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            if connection is None:
                using.close()

    def get(self, target: str) -> Answer:
        return self.ask("GET", target)

    def put(self, target: str, body: object, etag: str) -> Answer:
        return self.ask("PUT", target, body, {"If-Match": etag})

    def delete(self, target: str, etag: str) -> Answer:
        return self.ask("DELETE", target, headers={"If-Match": etag})

    def audit(self, name: str = "audit.log") -> list[dict]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def must(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise Failure(f"{what}: expected {wanted}, got {got}")
