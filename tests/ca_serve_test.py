"""The issuing server with its real binary and real TLS clients: who is given a certificate, once, and who is not."""

from __future__ import annotations

import concurrent.futures
import fcntl
import json
import re
import signal
import socket
import ssl
import subprocess
import unittest
from pathlib import Path

from ca_server import PATH, Answer, Identity, Server, keep, make_csr, self_signed
from cli_case import Case
from support import lockstep, openssl


class Serving(Case):
    def setUp(self) -> None:
        super().setUp()
        self.initialize()
        self.server: Server | None = None
        self.addCleanup(lambda: self.server and self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def serve(self, *options: str, listen: str = "127.0.0.1:0") -> Server:
        self.server = Server(self.ca, *options, listen=listen)
        return self.server

    def enrolled(self, name: str, *san: str) -> Identity:
        key, csr = make_csr(self.top, name, name, *san)
        token = self.server.token("--name", name)
        return keep(self.top, name, key, self.server.post(csr, "enroll", token=token, name=name))

    def refused(self, answer: Answer, status: int, code: str) -> None:
        """With that status and code, nothing issued, and on record."""
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)
        self.assertEqual(sorted(answer.json["error"]), ["code", "hint", "message"])
        last = self.server.audit()[-1]
        self.assertEqual(last["decision"], "refused")
        if code not in ("bad_json", "bad_reason"):
            self.assertEqual(last["code"], code)
        self.assertEqual(len(self.server.certificates()), self.issued, "something was issued")

    @property
    def issued(self) -> int:
        return self._issued

    def count(self) -> None:
        self._issued = len(self.server.certificates())


class Rules(Serving):
    def test_enroll_renew_and_ask_again(self) -> None:
        server = self.serve("--validity", "2d")
        key, csr = make_csr(self.top, "pump-7", "pump-7", "DNS:pump-7.example")
        token = server.token("--name", "pump-7")
        first = server.post(csr, "enroll", token=token, name="pump-7")
        self.assertEqual(first.status, 201, first.body)
        again = server.post(csr, "enroll", token=token, name="pump-7")
        self.assertEqual((again.status, again.json), (200, first.json))
        self.assertEqual(first.json["schema"], 1)
        self.assertEqual(first.json["status"], "issued")
        identity = keep(self.top, "pump-7", key, first)
        openssl("verify", "-purpose", "sslclient", "-CAfile", self.ca / "ca.crt", identity.certificate)
        self.assertEqual(first.json["certificate"].count("BEGIN CERTIFICATE"), 2)

        key2, csr2 = make_csr(self.top, "second", "pump-7", "DNS:pump-7.example")
        renewed = server.post(csr2, "proactive", identity)
        self.assertEqual(renewed.status, 201, renewed.body)
        self.assertEqual(server.post(csr2, "proactive", identity).json, renewed.json)
        newer = keep(self.top, "second", key2, renewed)
        shown = server.ask("GET", f"{PATH}/{renewed.json['id']}", client=newer)
        self.assertEqual((shown.status, shown.json), (200, renewed.json))
        # With a key that is kept, the same bytes come again by the newer certificate: another renewal.
        third = server.post(csr2, "proactive", newer)
        self.assertEqual(third.status, 201)
        self.assertNotEqual(third.json["serial"], renewed.json["serial"])
        self.assertEqual(len(server.certificates()), 3)

        other = self.enrolled("pump-8")
        self.assertEqual(server.ask("GET", f"{PATH}/{renewed.json['id']}", client=other).status, 404)
        self.assertEqual(server.ask("GET", f"{PATH}/{renewed.json['id']}").status, 404)
        self.assertEqual(server.ask("GET", f"{PATH}/{'0' * 64}", client=other).status, 404)
        decisions = [line["decision"] for line in server.audit()]
        self.assertEqual(decisions, ["issued", "repeated", "issued", "repeated", "shown", "issued", "issued",
                                     "not_found", "not_found", "not_found"])  # fmt: skip
        self.assertNotIn(token, (self.ca / "audit.log").read_text())
        self.well("doctor", "ca-data")
        self.assertEqual(server.stop(), 0)

    def test_a_client_certificate_that_does_not_count(self) -> None:
        server = self.serve()
        identity = self.enrolled("pump-7")
        other = self.enrolled("pump-8")
        stranger = self_signed(self.top, "stranger")
        _, csr = make_csr(self.top, "next", "pump-7")
        _, wider = make_csr(self.top, "wider", "pump-7", "DNS:elsewhere.example")
        _, for_server = make_csr(self.top, "for-server", "web")
        self.well("ca", "sign", for_server, "--profile", "server", "--out", "for-server.crt")
        web = Identity(self.top / "for-server.crt", self.top / "for-server.key")
        self.count()
        self.refused(server.post(csr, "proactive"), 401, "certificate_required")
        self.refused(server.post(csr, "proactive", stranger), 401, "certificate_unknown")
        self.refused(server.post(csr, "proactive", other), 403, "subject_differs")
        self.refused(server.post(wider, "proactive", identity), 403, "names_differ")
        self.refused(server.post(for_server, "proactive", web), 401, "certificate_not_for_clients")
        self.refused(server.post(csr, "expired", identity), 401, "bootstrap_unknown")
        self.well("ca", "revoke", openssl("x509", "-in", identity.certificate, "-noout", "-serial").strip()[7:])
        self.refused(server.post(csr, "proactive", identity), 401, "certificate_revoked")

    def test_expired_comes_back_by_its_bootstrap_certificate(self) -> None:
        server = self.serve("--validity", "1s", "--rate", "100000")
        bootstrap = self_signed(self.top, "factory")
        self.well("ca", "device", "add", "pump-7", "--bootstrap", bootstrap.certificate)
        key, csr = make_csr(self.top, "pump-7")
        first = server.post(csr, "expired", bootstrap)
        self.assertEqual(first.status, 201, first.body)
        identity = keep(self.top, "pump-7", key, first)
        self.count()
        _, other = make_csr(self.top, "pump-9")
        self.refused(server.post(other, "expired", bootstrap), 403, "subject_differs")
        # Until it is over, then the same request is a new one: polled, because only the clock ends it.
        again = server.post(csr, "expired", bootstrap)
        while again.status == 200:
            again = server.post(csr, "expired", bootstrap)
        self.assertEqual(again.status, 201, again.body)
        self.assertEqual(again.json["id"], first.json["id"])
        self.count()
        self.refused(server.post(csr, "proactive", identity), 401, "certificate_expired")
        self.well("ca", "device", "remove", "pump-7")
        _, fresh = make_csr(self.top, "fresh", "pump-7")
        self.refused(server.post(fresh, "expired", bootstrap), 401, "bootstrap_unknown")

    def test_tokens(self) -> None:
        server = self.serve()
        _, csr = make_csr(self.top, "pump-7")
        _, csr2 = make_csr(self.top, "another", "pump-7")
        _, csr9 = make_csr(self.top, "pump-9")
        self.count()
        self.refused(server.post(csr, "enroll", token="guess", name="pump-7"), 403, "token_unknown")
        bound = server.token("--name", "pump-7")
        self.refused(server.post(csr9, "enroll", token=bound, name="pump-9"), 403, "token_for_another")
        self.refused(server.post(csr9, "enroll", token=bound, name="pump-7"), 403, "subject_differs")
        self.refused(server.post(csr, "enroll", token=bound, name="../x"), 400, "name_malformed")
        self.assertEqual(server.post(csr, "enroll", token=bound, name="pump-7").status, 201)
        self.count()
        self.refused(server.post(csr2, "enroll", token=bound, name="pump-7"), 403, "token_used")
        free = server.token()
        self.refused(server.post(csr2, "enroll", token=free, name="pump-7"), 403, "already_enrolled")
        revoked = lockstep("ca", "--data-dir", self.ca, "token", "list").stdout.splitlines()[-1].split()[0]
        self.well("ca", "token", "revoke", revoked)
        self.refused(server.post(csr9, "enroll", token=free, name="pump-9"), 403, "token_unknown")
        again = server.token("--name", "pump-7", "--reenroll")
        self.assertEqual(server.post(csr2, "enroll", token=again, name="pump-7").status, 201)

    def test_one_token_two_devices_at_the_same_moment(self) -> None:
        server = self.serve()
        token = server.token()
        requests = [(name, make_csr(self.top, name)[1]) for name in (f"pump-{i}" for i in range(8))]
        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            answers = list(pool.map(lambda r: server.post(r[1], "enroll", token=token, name=r[0]), requests))
        self.assertEqual(sorted(answer.status for answer in answers), [201] + [403] * 7)
        self.assertEqual(len(server.certificates()), 1)

    def test_requests_that_are_none(self) -> None:
        server = self.serve()
        _, csr = make_csr(self.top, "pump-7")
        self.count()
        good = {"csr": csr.read_text(), "reason": "enroll", "token": "t", "name": "pump-7"}
        twice = json.dumps(good)[:-1] + ', "token": "u"}'
        deep = '{"csr":' + "[" * 30 + "]" * 30 + "}"
        for body in ("", "[]", "{", twice, deep, json.dumps({**good, "more": 1}), json.dumps({**good, "csr": 1}),
                     json.dumps({**good, "reason": "proactive"})):  # fmt: skip
            self.refused(server.ask("POST", PATH, body.encode()), 400, "bad_json")
        self.refused(server.ask("POST", PATH, json.dumps({**good, "reason": "x"}).encode()), 400, "bad_reason")
        broken = csr.read_text().replace("A", "B", 40)
        answer = server.ask("POST", PATH, json.dumps({**good, "csr": broken}).encode())
        self.assertEqual((answer.status, answer.code), (400, "bad_csr"), answer.body)
        self.assertEqual(server.ask("POST", PATH, b"x" * 100_000).status, 413)
        self.assertEqual(server.ask("GET", PATH).status, 405)
        self.assertEqual(server.ask("GET", "/elsewhere").status, 404)
        self.assertEqual(len(server.certificates()), 0)


class Lists(Serving):
    def revoked(self, server: Server) -> str:
        der = self.top / "list.der"
        der.write_bytes(server.ask("GET", "/ca.crl.der").body)
        return openssl("crl", "-inform", "DER", "-in", der, "-noout", "-text", "-CAfile", self.ca / "ca.crt")

    def test_a_list_is_there_from_the_start_and_anew_at_a_reload(self) -> None:
        server = self.serve("--next-update", "2h")
        first = self.revoked(server)
        self.assertIn("No Revoked Certificates", first)
        identity = self.enrolled("pump-7")
        serial = openssl("x509", "-in", identity.certificate, "-noout", "-serial").strip().split("=")[1]
        self.well("ca", "revoke", serial.lower())
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("revocation list 2")
        self.assertIn(f"Serial Number: {serial}", self.revoked(server))
        # The next start finds it fresh.
        server.stop()
        again = self.serve("--next-update", "2h")
        self.assertNotIn("revocation list", "".join(again.said))

    def test_a_list_is_made_again_in_time(self) -> None:
        server = self.serve("--next-update", "4s")
        server.wait_for("revocation list 3")
        self.assertIn("No Revoked Certificates", self.revoked(server))


class Wire(Serving):
    def test_documents(self) -> None:
        server = self.serve("--next-update", "off")
        self.assertEqual(server.ask("GET", "/ca.crt").body, (self.ca / "ca.crt").read_bytes())
        self.assertEqual(server.ask("GET", "/ca.crl").status, 404)
        self.well("ca", "crl")
        pem = server.ask("GET", "/ca.crl").body
        self.assertEqual(pem, (self.ca / "ca.crl").read_bytes())
        der = server.ask("GET", "/ca.crl.der").body
        self.assertEqual(der, server.ask("GET", "/ca.crl", headers={"Accept": "application/pkix-crl"}).body)
        self.assertEqual(ssl.PEM_cert_to_DER_cert(pem.decode().replace("X509 CRL", "CERTIFICATE")), der)
        self.assertEqual(server.ask("GET", "/health").json["status"], "ok")
        self.enrolled("pump-7")
        self.assertIn('lockstep_ca_requests_total{reason="enroll",decision="issued"} 1',
                      server.ask("GET", "/metrics").body.decode())  # fmt: skip
        curl = self.tool("curl", "-sS", "--cacert", self.ca / "ca.crt", f"https://localhost:{server.port}/health")
        self.assertIn('"ok"', curl)

    def raw(self, data: bytes, client: bool = True) -> bytes:
        with socket.create_connection(("127.0.0.1", self.server.port), 30) as plain:
            answer = b""
            with self.tls(plain) if client else plain as wire:
                wire.sendall(data)
                try:
                    while piece := wire.recv(65536):
                        answer += piece
                except (ConnectionError, ssl.SSLError):
                    pass
            return answer

    def tls(self, plain: socket.socket) -> ssl.SSLSocket:
        return self.server.context().wrap_socket(plain, server_hostname="localhost")

    def test_what_is_no_request_of_ours(self) -> None:
        server = self.serve()
        self.assertNotIn(b"200", self.raw(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", client=False))
        old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_1", "-cipher",
                              "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
        self.assertNotEqual(old.returncode, 0)
        for header in (b"Host: a\r\nHost: b\r\n", b"", b"Host: a\r\nX: y\r\n folded\r\n", b"Host: a\nX: b\r\n",
                       b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
                       b"Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"):  # fmt: skip
            self.assertTrue(self.raw(b"POST / HTTP/1.1\r\n" + header + b"\r\n").startswith(b"HTTP/1.1 400"), header)
        self.assertTrue(self.raw(b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000).startswith(b"HTTP/1.1 431"))
        # One who never finishes is cut off, and the others are served meanwhile.
        with self.tls(socket.create_connection(("127.0.0.1", server.port), 30)) as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: ")
            self.assertEqual(server.ask("GET", "/health").status, 200)
            try:
                self.assertEqual(wire.recv(1), b"")
            except (ConnectionError, ssl.SSLError):
                pass
        # What had no request is recorded when it is noticed, which nobody waits for.
        for _ in range(1000):
            unread = [line["code"] for line in server.audit() if line["decision"] == "unread"]
            if "the request did not come in time" in unread:
                break
            server.ask("GET", "/health")
        self.assertIn("the request did not come in time", unread)
        self.assertGreaterEqual(len(unread), 8, unread)
        self.assertEqual(len(server.certificates()), 0)

    def test_an_address_that_asks_too_much(self) -> None:
        server = self.serve("--rate", "1")
        answers = [server.ask("GET", f"{PATH}/{'0' * 64}") for _ in range(40)]
        limited = [answer for answer in answers if answer.status == 429]
        self.assertTrue(limited)
        self.assertTrue(all(int(answer.headers["retry-after"]) >= 1 for answer in limited))
        self.assertEqual(server.ask("GET", f"{PATH}/{'0' * 64}", source="127.0.0.9").status, 404)

    def test_its_own_certificate_is_swapped_live(self) -> None:
        server = self.serve("--server-validity", "3s")
        open_before = server.connect()
        self.addCleanup(open_before.close)
        open_before.request("GET", "/health")
        self.assertEqual(open_before.getresponse().read()[:10], b'{"schema":')
        first = self.shown()
        server.wait_for("the server has a new certificate", 2)
        while self.shown() == first:
            pass  # it is shown from the next handshake on
        self.assertEqual(server.ask("GET", "/health").status, 200)
        pair = [openssl("x509", "-in", self.ca / "server.crt", "-noout", "-pubkey"),
                openssl("pkey", "-in", self.ca / "server.key", "-pubout")]  # fmt: skip
        self.assertEqual(pair[0], pair[1])
        self.assertEqual(server.stop(), 0)

    def shown(self) -> bytes:
        with self.tls(socket.create_connection(("127.0.0.1", self.server.port), 30)) as wire:
            return wire.getpeercert(binary_form=True)


class Lasting(Serving):
    def test_a_hundred_at_once(self) -> None:
        server = self.serve("--rate", "1000")
        identity = self.enrolled("pump-7")
        requests = [make_csr(self.top, f"r{i}", "pump-7")[1] for i in range(100)]
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            signing = pool.submit(lockstep, "ca", "--data-dir", self.ca, "sign", requests[0])
            answers = list(pool.map(lambda csr: server.post(csr, "proactive", identity), requests))
            signing.result()
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assertEqual(len({answer.json["serial"] for answer in answers}), 100)
        self.assertEqual(len(server.certificates()), 102)
        commits = re.search(r"lockstep_ca_commits_total (\d+)", server.ask("GET", "/metrics").body.decode())
        self.assertLess(int(commits[1]), 101, "each request had a commit of its own")
        self.assertEqual(server.stop(), 0)
        self.well("doctor", "ca-data")

    def test_an_answer_that_takes_long(self) -> None:
        server = self.serve()
        identity = self.enrolled("pump-7")
        first, second = (make_csr(self.top, name, "pump-7")[1] for name in ("first", "second"))
        with open(self.ca / ".lockstep" / "lock") as lock, concurrent.futures.ThreadPoolExecutor(1) as pool:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another command is at work
            late = server.post(first, "proactive", identity)
            self.assertEqual((late.status, late.json["status"]), (202, "pending"))
            self.assertGreater(int(late.headers["retry-after"]), 0)
            waiting = pool.submit(server.post, second, "proactive", identity)
            while "lockstep_ca_requests_waiting 1" not in server.ask("GET", "/metrics").body.decode():
                pass
            server.process.send_signal(signal.SIGTERM)  # what has come in is answered first
            fcntl.flock(lock, fcntl.LOCK_UN)
            self.assertEqual(waiting.result().status, 201)
        self.assertEqual(server.ended(), 0)
        server = self.serve()
        shown = server.ask("GET", f"{PATH}/{late.json['id']}", client=identity)
        self.assertEqual((shown.status, shown.json["status"], shown.json["id"]), (200, "issued", late.json["id"]))
        self.assertEqual(len(server.certificates()), 3)

    def test_nobody_is_told_what_is_not_recorded(self) -> None:
        server = self.serve()
        key, csr = make_csr(self.top, "pump-7")
        token = server.token("--name", "pump-7")
        (self.ca / "audit.log").mkdir()
        self.assertEqual(server.post(csr, "enroll", token="guess", name="pump-7").status, 503)
        untold = server.post(csr, "enroll", token=token, name="pump-7")
        self.assertEqual((untold.status, untold.code), (503, "unavailable"))
        self.assertIn("retry-after", untold.headers)
        server.wait_for("the audit log could not be written")
        (self.ca / "audit.log").rmdir()
        told = server.post(csr, "enroll", token=token, name="pump-7")
        self.assertEqual(told.status, 200)  # it was issued before, and is not issued again
        keep(self.top, "pump-7", key, told)
        self.assertEqual(len(server.certificates()), 1)

    def test_killed_and_started_again_it_issues_nothing_twice(self) -> None:
        server = self.serve("--rate", "1000")
        identity = self.enrolled("pump-7")
        requests = [make_csr(self.top, f"r{i}", "pump-7")[1] for i in range(24)]
        shown: dict[Path, set[str]] = {csr: set() for csr in requests}

        def post(csr: Path) -> None:
            try:
                answer = self.server.post(csr, "proactive", identity)
                if answer.status in (200, 201):
                    shown[csr].add(answer.json["certificate"])
            except (OSError, ssl.SSLError, ValueError):
                pass  # killed before it answered

        for kill_after in (1, 5, 12):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                running = [pool.submit(post, csr) for csr in requests]
                concurrent.futures.wait(running[:kill_after])
                server.stop(signal.SIGKILL)
            self.well("doctor", "ca-data")
            server = self.serve("--rate", "1000", listen=f"127.0.0.1:{server.port}")
        for csr in requests:
            post(csr)
        self.assertEqual({len(certificates) for certificates in shown.values()}, {1})
        self.assertEqual(len(server.certificates()), 25)
        self.assertEqual(server.stop(), 0)
        self.well("doctor", "ca-data")


if __name__ == "__main__":
    unittest.main()
