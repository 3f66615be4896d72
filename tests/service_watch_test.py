"""What `lockstep serve` says of real servers: openssl's s_server in its moods, and servers that behave badly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service_farm import NAME, make_ca, make_leaf
from service_server import Service, write_configuration
from support import TIMEOUT, scratch


class SServer:
    """openssl s_server on a port that it chooses itself."""

    def __init__(self, work: Path, pair: str, *options: str) -> None:
        words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1000", "-cert", work / f"{pair}.pem",
                 "-key", work / f"{pair}.key", *options]  # fmt: skip
        self.process = subprocess.Popen(list(map(os.fspath, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)  # fmt: skip
        while not (line := self.process.stdout.readline()).startswith(b"ACCEPT"):
            assert line, "openssl s_server has ended"
        self.port = int(line.rpartition(b":")[2])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Rude:
    """Listens, and does to each client what it is told to in a thread of its own."""

    def __init__(self, how: object) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, args=(how,), daemon=True).start()

    def _serve(self, how: object) -> None:
        kept = []
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            kept.append(client)
            threading.Thread(target=how, args=(client,), daemon=True).start()

    def stop(self) -> None:
        self.listening.close()


def drip(client: socket.socket) -> None:
    """A byte of a TLS record now and then: each comes in time, the handshake never ends."""
    try:
        client.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            client.sendall(b"\x02")
            time.sleep(0.05)
    except OSError:
        client.close()


class Watch(unittest.TestCase):
    def test_states(self) -> None:
        with scratch("service-watch") as work:
            for ca in ("root", "other"):
                make_ca(work, ca)
            make_leaf(work, "root", "good", "-days", "90")
            now = datetime.now(UTC)
            began, ends = ((now + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (-50, 10))
            make_leaf(work, "root", "ending", "-startdate", began, "-enddate", ends)
            make_leaf(work, "root", "expired", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
            make_leaf(work, "other", "stranger", "-days", "90")
            wants_certificate = ("-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", str(work / "root.pem"))
            places = {
                "good": SServer(work, "good"), "old": SServer(work, "good", "-tls1_2"), "ending": SServer(work, "ending"),
                "expired": SServer(work, "expired"), "stranger": SServer(work, "stranger"),
                "self-signed": SServer(work, "other"), "page": SServer(work, "good", "-www"),
                "wants-certificate": SServer(work, "good", *wants_certificate),
                "plain": Rude(lambda client: client.sendall(b"220 hello\r\n")), "silent": Rude(lambda client: None),
                "hangs-up": Rude(lambda client: client.close()), "slow": Rude(drip),
            }  # fmt: skip
            try:
                self.look(work, {name: place.port for name, place in places.items()})
            finally:
                for place in places.values():
                    place.stop()

    def look(self, work: Path, ports: dict[str, int]) -> None:
        def server(name: str, at: str, **fields: object) -> dict:
            return {"id": name, "name": name, "ip": "127.0.0.1", "port": ports[at], "serverName": NAME,
                    "checkIntervalSeconds": 5, "consecutiveSuccesses": 1, "consecutiveFailures": 1,
                    "caBundle": str(work / "root.pem")} | fields  # fmt: skip

        refused = socket.create_server(("127.0.0.1", 0))
        ports["refused"] = refused.getsockname()[1]
        refused.close()
        servers = [server(name, name) for name in ports]
        servers += [server("wrong-name", "good", serverName="elsewhere.example"), server("tcp", "plain", protocol="tcp"),
                    server("https", "page", protocol="https"), server("no-bundle", "good", caBundle=str(work / "none.pem")),
                    {**server("no-name", "good", ip="", dnsAddress="nothing.invalid")},
                    {**server("public-roots", "good"), "caBundle": ""}]  # fmt: skip
        servers[-1].pop("caBundle")
        servers[-2].pop("ip")
        write_configuration(work / "root", servers)
        service = Service(work / "root")
        found: dict[str, dict] = {}
        until = time.monotonic() + TIMEOUT
        while len(found) < len(servers) and time.monotonic() < until:
            found = {one["id"]: one for one in service.data("GET", "/api/servers")["servers"] if one["state"] != "unknown"}
            time.sleep(0.1)
        self.assertEqual(service.stop(), 0)
        states = {name: one["state"] for name, one in found.items()}
        self.assertEqual(states, {
            "good": "online", "old": "online", "ending": "expiring", "expired": "expired", "stranger": "untrusted",
            "self-signed": "untrusted", "page": "online", "wants-certificate": states.get("wants-certificate"),
            "plain": "offline", "silent": "offline", "hangs-up": "offline", "slow": "offline", "refused": "offline",
            "wrong-name": "mismatched-name", "tcp": "online", "https": "online", "no-bundle": "untrusted",
            "no-name": "offline", "public-roots": "untrusted",
        }, json.dumps(found, indent=1))  # fmt: skip
        self.assertEqual(found["old"]["certificate"]["tlsVersion"], "TLSv1.2")
        self.assertEqual(found["good"]["certificate"]["tlsVersion"], "TLSv1.3")
        self.assertEqual(found["good"]["certificate"]["sans"], [NAME])
        self.assertTrue(found["good"]["certificate"]["chainOk"])
        self.assertFalse(found["wrong-name"]["certificate"]["nameOk"])
        self.assertTrue(found["wrong-name"]["certificate"]["chainOk"])
        self.assertIsNone(found["tcp"]["certificate"])
        # Its certificate was shown before it asked for ours.
        self.assertEqual(found["wants-certificate"]["certificate"]["subject"], f"CN={NAME}")
        errors = {name: one.get("error", "") for name, one in found.items()}
        self.assertEqual(errors["refused"], "connection refused")
        self.assertEqual(errors["plain"], "TLS: wrong version number")
        for name in ("silent", "slow"):
            self.assertEqual(errors[name], "no TLS handshake within 5 s")
        self.assertIn(errors["hangs-up"], ("TLS: the connection was closed", "TLS: connection reset"))
        self.assertEqual(found["no-bundle"]["certificate"]["chainError"], "the CA bundle cannot be read")
        self.assertIn(errors["no-name"], ("the name is not known", "no name server answers", "no address for the name within 5 s"))


if __name__ == "__main__":
    unittest.main()
