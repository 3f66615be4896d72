"""What strangers may do to the status service: nothing that it does not let them, on the real program."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import ssl
import threading
import time
import unittest
from pathlib import Path

import service_scenarios
from ca_server import Identity, make_csr
from service_save_test import TOKEN, Case, body, fill, files_of
from service_tls_case import TlsCase
from status_server import GROUPS, SERVERS, StatusServer
from support import TIMEOUT, lockstep, make_ca, openssl, run, sign, tree_difference

WRITES = (("POST", SERVERS), ("PUT", f"{SERVERS}/server-001"), ("DELETE", f"{SERVERS}/server-001"), ("POST", GROUPS),
          ("PUT", f"{GROUPS}/group-1"), ("DELETE", f"{GROUPS}/group-1"), ("PUT", f"{GROUPS}/order"))  # fmt: skip
READS = ("/api/servers", "/api/servers/server-001", "/api/servers/stats/summary", SERVERS, f"{SERVERS}/server-001", GROUPS,
         f"{GROUPS}/group-1", "/api/certificates", "/metrics")  # fmt: skip


def raw(server: StatusServer, sent: bytes, more: float = 0.0) -> bytes:
    """Bytes as they are, and all that comes back until the service closes."""
    with socket.create_connection((server.host, server.port), TIMEOUT) as connection:
        connection.sendall(sent)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


class Strangers(Case):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.serve()
        self.before = files_of(self.server.folder)

    def nothing_changed(self) -> None:
        self.assertEqual(tree_difference(self.before, files_of(self.server.folder)), [])
        self.assertEqual(self.server.get("/health").status, 200)

    def test_no_token_and_wrong_tokens(self) -> None:
        wrong = (None, "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "Bearer " + TOKEN)
        for method, target in WRITES:
            for token in wrong:
                answer = self.server.ask(method, target, {"name": "x", "ip": "::1"}, token=token)
                self.assertEqual((answer.status, answer.json), (401, {"success": False, "error": "Unauthorized"}), token)
                self.assertIn("Bearer", answer.headers["www-authenticate"])
        basic = self.server.ask("POST", SERVERS, body("x"), {"Authorization": f"Basic {TOKEN}"})
        self.assertEqual(basic.status, 401)
        for target in READS:
            self.assertEqual(self.server.ask("GET", target, token=None).status, 200, "reading is free on loopback")
        self.nothing_changed()

    def test_the_token_is_its_owners_alone(self) -> None:
        server = StatusServer(self.top / "fresh")
        self.addCleanup(server.stop, signal.SIGKILL)
        self.assertEqual((server.folder / "token").stat().st_mode & 0o777, 0o600)
        self.assertIn(server.token, server.wait_for("Token for changes"))
        self.assertEqual(sum(server.token in line for line in server.said), 1, "printed once")
        server.ask("POST", SERVERS, body("x"))
        self.assertEqual(server.stop(), 0)
        again = StatusServer(self.top / "fresh")
        self.addCleanup(again.stop, signal.SIGKILL)
        again.get("/api/session")
        again.stop()
        self.assertEqual([line for line in again.said if server.token in line], [], "and never again")
        self.assertNotIn(server.token, (server.folder / "audit.log").read_text())

    def test_foreign_hosts_and_origins(self) -> None:
        port = self.server.port
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "0.0.0.0", "localhost.evil.example"):
            for method, target in (("GET", "/api/servers"), ("GET", "/"), ("POST", SERVERS)):
                answer = self.server.ask(method, target, body("x") if method == "POST" else None, {"Host": host})
                self.assertEqual((answer.status, answer.error), (403, "Forbidden host"), host)
        for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1", f"http://localhost:{port}"):
            for method, target in (("GET", "/api/servers"), ("POST", SERVERS), ("GET", "/api/events")):
                answer = self.server.ask(method, target, body("x") if method == "POST" else None, {"Origin": origin})
                self.assertEqual((answer.status, answer.error), (403, "Forbidden origin"), origin)
                self.assertFalse([name for name in answer.headers if name.startswith("access-control")])
        self.nothing_changed()
        own = self.server.ask("POST", SERVERS, body("x"), {"Origin": f"http://127.0.0.1:{port}"})
        self.assertEqual(own.status, 201)

    def test_a_rebound_name_reads_nothing(self) -> None:
        """The attacker's page has its own name resolved to 127.0.0.1: the browser sends that name in Host."""
        answer = raw(self.server, b"GET /api/config/servers HTTP/1.1\r\nHost: rebind.evil.example\r\nConnection: close\r\n\r\n")
        self.assertEqual(status(answer), 403)
        self.assertNotIn(b"server-001", answer)

    def test_requests_that_are_none(self) -> None:
        start = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        bad = {
            "no Host": b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
            "two Hosts": start + b"Host: localhost\r\n\r\n",
            "a folded line": start + b"X-A: 1\r\n 2\r\n\r\n",
            "a bare line feed": start + b"X-A: 1\nX-B: 2\r\n\r\n",
            "a NUL": start + b"X-A: 1\x002\r\n\r\n",
            "a space before the colon": start + b"X-A : 1\r\n\r\n",
            "two lengths": start + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            "a length and chunks": b"POST /api/config/servers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
                                   b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            "two authorizations": start + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        }  # fmt: skip
        for what, sent in bad.items():
            self.assertIn(status(raw(self.server, sent)), (0, 400, 403), what)
        big = start + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n"
        self.assertIn(status(raw(self.server, big)), (0, 400, 431))
        for method in (b"TRACE", b"CONNECT", b"PATCH", b"OPTIONS", b"BREW"):
            self.assertEqual(status(raw(self.server, start.replace(b"GET", method) + b"\r\n")), 405, method)
        self.nothing_changed()

    def test_no_way_out_of_the_assets_and_the_ids(self) -> None:
        for path in ("/../etc/passwd", "/assets/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/assets/..%2f..",
                     "/assets/\\..\\x", "/.git/config", "/service/token", "/assets/%00", "/api/../service/token"):  # fmt: skip
            answer = self.server.ask("GET", path)
            self.assertEqual((answer.status, answer.json.get("error")), (404, "Route not found"), path)
        for name in ("..", "%2e%2e", "..%2f..%2ftoken", "a%0d%0aX-Injected:%201", "%00"):
            self.assertEqual(self.server.ask("GET", f"{SERVERS}/{name}").status, 404, name)
        made = self.server.ask("POST", SERVERS, body("x", id="../../x"))
        self.assertEqual((made.status, list(made.json["data"])), (400, ["id"]))
        self.nothing_changed()

    def test_line_breaks_go_into_no_header_and_no_log(self) -> None:
        answer = raw(self.server, b"GET /api/config/servers/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: localhost\r\n"
                                  b"Connection: close\r\n\r\n")  # fmt: skip
        self.assertEqual(status(answer), 404)
        self.assertNotIn(b"Set-Cookie", answer.split(b"\r\n\r\n")[0])
        made = self.server.ask("POST", SERVERS, body("a\r\nWarning: forged", id="a"))
        self.assertEqual(made.status, 400)
        kept = self.server.ask("POST", SERVERS, body("<script>alert(1)</script>", note="a\r\nb"))
        self.assertEqual(kept.status, 201)
        self.server.stop()
        self.assertEqual([line for line in self.server.said if line.startswith("Warning: forged")], [])
        self.assertTrue(self.server.audit() and self.server.audit("audit-refused.log"), "each line is JSON")

    def test_strangers_push_no_change_out_of_the_log(self) -> None:
        self.assertEqual(self.server.ask("POST", SERVERS, body("x")).status, 201)
        log = self.server.folder / "audit.log"
        before = log.read_bytes()
        for _ in range(10):
            answer = self.server.ask("DELETE", f"{SERVERS}/{'a' * 15_500}", token=None)
            self.assertEqual(answer.status, 401)
        self.server.stop()
        self.assertEqual(log.read_bytes(), before)
        lines = (self.server.folder / "audit-refused.log").read_text().splitlines()
        self.assertEqual(len(lines), 10)
        self.assertLess(max(map(len, lines)), 600)
        self.assertIn("(15527 bytes)", json.loads(lines[0])["request"])
        self.assertLess(max(map(len, self.server.said)), 600)

    def test_bodies_that_are_too_much(self) -> None:
        refused = self.server.ask("POST", SERVERS, b"x" * 2_000_000)
        self.assertEqual((refused.status, refused.headers.get("x-content-type-options")), (413, "nosniff"))
        promised = (f"POST {SERVERS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: "
                    "application/json\r\nContent-Length: 2000000000\r\n\r\n").encode()  # fmt: skip
        self.assertEqual(status(raw(self.server, promised)), 413)
        deep = b'{"name":"x","ip":"::1","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
        for sent, said in ((deep, "nested"), (b'{"name":"a","name":"b","ip":"::1"}', "stands twice"), (b"{", "not valid JSON"),
                           (b"[]", "object"), (b"", "not valid JSON"), (b'{"name":"\xff","ip":"::1"}', "not valid JSON"),
                           (b'{"name":"a\x00b","ip":"::1"}', "not valid JSON"), (b"7", "object")):  # fmt: skip
            answer = self.server.ask("POST", SERVERS, sent)
            self.assertEqual(answer.status, 400, sent[:40])
            self.assertIn(said, answer.error)
        form = self.server.ask("POST", SERVERS, b'{"name":"x","ip":"::1"}', {"Content-Type": "text/plain"})
        self.assertEqual(form.status, 415, "what a form can send is not taken")
        self.nothing_changed()

    def test_every_answer_has_the_headers(self) -> None:
        for method, target in (("GET", "/health"), ("GET", "/nothing"), ("POST", SERVERS), ("GET", "/"), ("PATCH", "/health")):
            answer = self.server.ask(method, target, token=None)
            if answer.status == 405:
                continue
            policy = answer.headers["content-security-policy"]
            self.assertIn("default-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertEqual(answer.headers["referrer-policy"], "no-referrer")
            self.assertNotIn("set-cookie", answer.headers)
            self.assertNotIn("strict-transport-security", answer.headers)

    def test_who_sends_slowly_holds_nobody_up(self) -> None:
        began = time.monotonic()
        slow = [socket.create_connection((self.server.host, self.server.port), TIMEOUT) for _ in range(200)]
        try:
            for connection in slow:
                connection.sendall(b"POST /api/config/servers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nX-A: ")
            self.assertEqual(self.server.ask("POST", SERVERS, body("x")).status, 201)
            ended = 0
            for number, connection in enumerate(slow):
                try:
                    if number % 10 == 0:
                        connection.sendall(b"a")
                    while connection.recv(4096):
                        pass
                    ended += 1
                except OSError:
                    ended += 1
            self.assertEqual(ended, 200, "each was ended by the service")
            self.assertLess(time.monotonic() - began, TIMEOUT)
        finally:
            for connection in slow:
                connection.close()


class BehindAProxy(Case):
    def test_a_page_that_came_by_https_can_save(self) -> None:
        server = self.serve("--host", "status.example.com")
        for number, origin in enumerate(("https://status.example.com", "http://status.example.com")):
            saved = server.ask("POST", SERVERS, body(f"x{number}"), {"Host": "status.example.com", "Origin": origin})
            self.assertEqual(saved.status, 201, origin)
        for origin in ("https://evil.example", "https://localhost", "null"):
            refused = server.ask("POST", SERVERS, body("y"), {"Host": "status.example.com", "Origin": origin})
            self.assertEqual((refused.status, refused.error), (403, "Forbidden origin"), origin)

    def test_a_host_that_no_request_can_have(self) -> None:
        for name in ("name:8443", "https://name", "*", "münchen.example"):
            refused = lockstep("serve", "--path", self.top / "root", "--listen", "127.0.0.1:0", "--host", name, expect=2)
            self.assertIn(f"--host '{name}'", refused.stderr)
        self.assertFalse((self.top / "root").exists())


class ManyConnections(Case):
    def test_ten_thousand_connections(self) -> None:
        """More than there are places for: they wait, or are ended, and whoever comes afterwards is answered."""
        most = 10_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < most + 200:
            self.skipTest(f"only {hard} files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most + 200, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve("--connections", "12000")
        held = []
        try:
            for number in range(most):
                held.append(socket.create_connection((server.host, server.port), TIMEOUT))
                if number % 1000 == 999:
                    self.assertEqual(server.get("/health").status, 200, number)
            self.assertEqual(server.ask("POST", SERVERS, body("x")).status, 201)
        finally:
            for connection in held:
                connection.close()
        self.assertEqual(server.get("/health").status, 200)
        few = self.serve("--connections", "64")
        held = [socket.create_connection((few.host, few.port), TIMEOUT) for _ in range(500)]
        for connection in held:
            connection.close()
        self.assertEqual(few.get("/health").status, 200)


class OverTls(TlsCase):
    def test_plain_is_for_loopback_alone(self) -> None:
        for address in ("0.0.0.0:0", ":0", "[::]:0", "0"):
            refused = lockstep("serve", "--path", self.top / "root", "--listen", address, expect=2)
            self.assertIn("plain HTTP is for loopback alone", refused.stderr)
        lockstep("serve", "--path", self.top / "root", "--client-ca", self.ca / "ca.crt", expect=2)

    def test_elsewhere_reading_needs_the_token_too(self) -> None:
        server = self.tls(listen="0.0.0.0:0")
        for target in READS:
            self.assertEqual(server.ask("GET", target, token=None).status, 401, target)
            self.assertIn(server.ask("GET", target).status, (200, 404), target)
        self.assertEqual(server.ask("GET", "/api/events", token=None).status, 401)
        for target in ("/health", "/api/session", "/api/rules", "/api/openapi.json"):
            answer = server.ask("GET", target, headers={"Host": "status.example.com"}, token=None)
            self.assertEqual(answer.status, 200, target)
            self.assertIn("max-age", answer.headers["strict-transport-security"])
        for host in ("localhost", f"localhost:{server.port}", "127.0.0.1", "[::1]:8443"):
            answer = server.ask("GET", "/health", headers={"Host": host})
            self.assertEqual(answer.status, 200, host)
            self.assertNotIn("strict-transport-security", answer.headers, "it would be for every program of this machine")
        session = server.ask("GET", "/api/session", token=None).data
        self.assertEqual((session["mayRead"], session["mayWrite"]), (False, False))
        self.assertEqual(status(raw(server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")), 0, "no plain HTTP there")

    def test_the_certificates_names_and_further_ones(self) -> None:
        server = self.tls("--host", "board.example.com")
        for host, wanted in (("status.example.com", 200), ("board.example.com:443", 200), ("other.example.com", 403)):
            self.assertEqual(server.ask("GET", "/health", headers={"Host": host}).status, wanted, host)
        own = server.ask("POST", SERVERS, body("x"), {"Host": "board.example.com", "Origin": "https://board.example.com"})
        self.assertEqual(own.status, 201)
        foreign = server.ask("POST", SERVERS, body("x"), {"Host": "board.example.com", "Origin": "http://board.example.com"})
        self.assertEqual(foreign.status, 403)

    def test_a_client_certificate_may_write(self) -> None:
        server = self.tls("--client-ca", str(self.ca / "ca.crt"))
        clients = {}
        for name in ("operator", "device"):
            key, csr = make_csr(self.top, name, name)
            serial = "client" if name == "operator" else "server"
            lockstep("ca", "--data-dir", self.ca, "sign", csr, "--profile", serial, "--out", self.top / f"{name}.crt")
            clients[name] = Identity(self.top / f"{name}.crt", key)
        server.tls = self.context(clients["operator"])
        self.assertEqual(server.ask("GET", "/api/session", token=None).data["who"], "certificate: CN=operator")
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=None).status, 201)
        server.tls = self.context(clients["device"])
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=None).status, 401, "a certificate for servers")
        stranger = Identity(self.top / "stranger.crt", self.top / "stranger.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=operator",
                "-keyout", stranger.key, "-out", stranger.certificate)  # fmt: skip
        server.tls = self.context(stranger)
        self.assertEqual(server.ask("POST", SERVERS, body("x"), token=None).status, 401, "a certificate of nobody's")
        server.stop()
        self.assertIn("certificate: CN=operator", [line["who"] for line in server.audit()])

    def test_a_new_certificate_is_shown_at_once(self) -> None:
        server = self.tls()

        def shown() -> str:
            with socket.create_connection((server.host, server.port), TIMEOUT) as plain:
                with self.context().wrap_socket(plain, server_hostname="localhost") as secure:
                    return secure.getpeercert()["serialNumber"]

        before = shown()
        kept = server.connect()
        self.addCleanup(kept.close)
        self.assertEqual(server.ask("GET", "/health", connection=kept).status, 200)
        self.renew()
        server.wait_for("another certificate is shown")
        self.assertNotEqual(shown(), before)
        self.assertEqual(server.ask("GET", "/health", connection=kept).status, 200, "who is connected stays")

    def test_signals(self) -> None:
        server = self.tls()
        server.process.send_signal(signal.SIGHUP)
        self.assertEqual(server.get("/health").status, 200)
        self.assertEqual(server.stop(signal.SIGINT), 0)


del Case  # its tests are in the module that it comes from

if __name__ == "__main__":
    unittest.main(verbosity=2)
