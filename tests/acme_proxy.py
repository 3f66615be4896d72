"""Between the client and a real ACME server: an HTTPS proxy that passes everything on but what a test wants to be otherwise.

It proves nothing by itself. The Host header is kept, so that the server's URLs and the signatures' name the proxy. Every
request is recorded with its payload. A rule stands for the next requests of one kind: an answer of its own, a change of
the server's answer, or a connection that ends.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from acme_server import AcmeServer

KINDS = {"dir": "directory", "nonce-plz": "newNonce", "sign-me-up": "newAccount", "order-plz": "newOrder",
         "my-account": "account", "my-order": "order", "finalize-order": "finalize", "authZ": "authorization",
         "chalZ": "challenge", "certZ": "certificate", "revoke-cert": "revokeCert",
         "rollover-account-key": "keyChange", "renewal-info": "renewalInfo"}  # fmt: skip


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    sent: int | None = None  # so many bytes of the body, and then the connection ends
    drip: float | None = None  # seconds between two bytes of the body

    @property
    def document(self) -> dict:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass
class Exchange:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    forward: Callable[[], Answer] = field(repr=False)
    connection: socket.socket = field(repr=False)

    @property
    def kind(self) -> str:
        return KINDS.get(self.path.split("/")[1].split("?")[0], self.path)

    @property
    def payload(self) -> dict:
        text = json.loads(self.body)["payload"] if self.body else ""
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) or b"{}")


Action = Callable[[Exchange], "Answer | None"]  # nothing: the connection ends without an answer


def problem(kind: str, detail: str, status: int = 400, headers: dict[str, str] | None = None, **more: object) -> Action:
    """An error document; a kind without a colon is one of ACME's own."""
    name = kind if ":" in kind or not kind else f"urn:ietf:params:acme:error:{kind}"
    body = json.dumps({"type": name, "detail": detail, "status": status, **more}).encode()
    return lambda _: Answer(status, [("Content-Type", "application/problem+json"), *(headers or {}).items()], body)


def says(body: bytes | str, status: int = 200, headers: dict[str, str] | None = None) -> Action:
    """This, and not what the server would have said."""
    raw = body.encode() if isinstance(body, str) else body
    return lambda _: Answer(status, [("Content-Type", "application/json"), *(headers or {}).items()], raw)


def edited(change: Callable[[dict], object]) -> Action:
    """The server's answer with its JSON changed in place."""

    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        if answer.status < 300 and answer.body:
            document = answer.document
            change(document)
            answer.body = json.dumps(document).encode()
        return answer

    return act


def rewritten(change: Callable[[bytes], bytes]) -> Action:
    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        answer.body = change(answer.body)
        return answer

    return act


def lost(exchange: Exchange) -> None:
    """The server takes the request, and nobody hears of it."""
    exchange.forward()


def truncated(exchange: Exchange) -> Answer:
    answer = exchange.forward()
    answer.sent = len(answer.body) // 2
    return answer


def silent(exchange: Exchange) -> None:
    """No answer for as long as the client waits for one; the server never hears of the request."""
    exchange.connection.recv(1)


def dripping(seconds: float) -> Action:
    """The server's answer, a byte at a time."""

    def act(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        answer.drip = seconds
        return answer

    return act


class Proxy:
    def __init__(self, server: AcmeServer) -> None:
        self.server = server
        self.requests: list[Exchange] = []
        self._rules: list[list] = []  # kind, action, how often it still counts
        self._lock = threading.Lock()
        self._context = ssl.create_default_context(cafile=str(server.trust))
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                owner._serve(self)

            do_POST = do_HEAD = do_GET

        self._listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listener.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(server.trust, server.key)
        self._listener.socket = tls.wrap_socket(self._listener.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._listener.server_address[1]
        self.base = f"https://127.0.0.1:{self.port}"
        self.directory = f"{self.base}/dir"
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def on(self, kind: str, action: Action, times: int = 1) -> None:
        """The next `times` requests of that kind are answered by `action` (0: all)."""
        with self._lock:
            self._rules.append([kind, action, times or -1])

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def count(self, kind: str) -> int:
        with self._lock:
            return sum(1 for exchange in self.requests if exchange.kind == kind)

    def of(self, kind: str) -> list[Exchange]:
        with self._lock:
            return [exchange for exchange in self.requests if exchange.kind == kind]

    def offer(self, **directory: object) -> None:
        """More in the directory; "meta" is added to what is there."""

        def change(document: dict) -> None:
            document.setdefault("meta", {}).update(directory.get("meta", {}))  # type: ignore[call-overload]
            document.update({name: value for name, value in directory.items() if name != "meta"})

        self.on("directory", edited(change), 0)

    def _take_rule(self, kind: str) -> Action | None:
        with self._lock:
            for rule in self._rules:
                if rule[0] == kind and rule[2] != 0:
                    rule[2] -= 1
                    return rule[1]
        return None

    def _serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        exchange = Exchange(handler.command, handler.path, dict(handler.headers), body, lambda: self._forward(exchange),
                            handler.connection)  # fmt: skip
        with self._lock:
            self.requests.append(exchange)
        action = self._take_rule(exchange.kind)
        try:
            answer = action(exchange) if action else self._order_with_proofs(exchange)
            if answer is None:
                handler.close_connection = True
                return
            handler.send_response_only(answer.status)
            for name, value in answer.headers:
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            if handler.command != "HEAD" and answer.drip is None:
                handler.wfile.write(answer.body[: answer.sent])
            for byte in answer.body if answer.drip is not None else b"":
                handler.wfile.write(bytes([byte]))
                if select.select([handler.connection], [], [], answer.drip)[0]:
                    raise OSError("the client does not wait for the rest")
            handler.close_connection = handler.close_connection or answer.sent is not None
        except OSError:  # the client went away, or the server is not there: both see the connection end
            handler.close_connection = True

    def _order_with_proofs(self, exchange: Exchange) -> Answer:
        """Told to take no authorization twice, Pebble (2.4) does so once in a hundred times: then the client is asked for
        its order once more, as by a server that does not like the nonce."""
        answer = exchange.forward()
        if exchange.kind != "newOrder" or self.server.reuse or answer.status != 201 or answer.document["status"] != "ready":
            return answer
        with self._lock:
            self.requests.remove(exchange)
        again = problem("badNonce", "once more", headers={"Replay-Nonce": answer.header("Replay-Nonce")})(exchange)
        assert again is not None
        return again

    def _forward(self, exchange: Exchange) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=20, context=self._context)
        try:
            connection.request(exchange.method, exchange.path, exchange.body or None,
                               {name: value for name, value in exchange.headers.items()
                                if name.lower() not in ("connection", "accept-encoding")})  # fmt: skip
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
