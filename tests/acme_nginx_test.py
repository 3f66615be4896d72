"""A real nginx under load while its certificate is renewed again and again from a real ACME server.

The deploy hook reloads it after each renewal. Not one handshake may fail, nginx may never meet a certificate beside another
one's key, and in the end it serves the last certificate. LOCKSTEP_DEEP=1 renews two hundred times.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "crash"))

from acme_case import AcmeCase
from nginx_swaps import PATIENCE, Nginx

CLIENTS = 2


class Load:
    """TLS clients that connect as fast as they can and verify what they are shown."""

    def __init__(self, nginx: Nginx) -> None:
        self._nginx = nginx
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(CLIENTS)]
        self.handshakes = 0
        self.shown: set[str] = set()
        self.failures: list[str] = []

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self.shown.add(self._nginx.served())
                self.handshakes += 1
            except OSError as problem:  # ssl.SSLError is one
                self.failures.append(str(problem))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Served(AcmeCase):
    def test_no_handshake_fails_and_no_pair_is_mixed(self) -> None:
        renewals = 200 if os.environ.get("LOCKSTEP_DEEP") == "1" else 25
        self.obtain("localhost", extra=self.also("--nginx-conf", "--key-type", "ec256"))
        folder = self.folder("localhost")
        nginx = Nginx(self.top / "nginx", f"include {folder}/nginx.conf;", self.server.root())
        self.addCleanup(nginx.end)
        hook = " ".join([*nginx.words, "-s", "reload"])
        self.obtain("localhost", extra=self.also("--nginx-conf", "--key-type", "ec256", "--deploy-hook", hook))
        before = nginx.served()
        with Load(nginx) as load:
            for _ in range(renewals):
                self.well("cert", "renew", "-d", "localhost", "--force")
            last = hashlib.sha256(ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())).hexdigest()
            until = time.monotonic() + PATIENCE
            while last not in load.shown:
                self.assertLess(time.monotonic(), until, "nginx does not serve the last certificate")
                time.sleep(0.02)  # between two looks; a reload is over when nginx says so, in no order with ours
        said = [line for line in list(nginx.lines.queue) if "[emerg]" in line or "[alert]" in line or "mismatch" in line]
        print(f"{renewals} renewals, {load.handshakes} handshakes, {len(load.failures)} failed, "
              f"{len(load.shown)} certificates seen, {len(said)} complaints of nginx", flush=True)  # fmt: skip
        self.assertEqual(load.failures, [])
        self.assertEqual(said, [])
        self.assertIn(before, load.shown | {before})
        self.assertGreater(len(load.shown), renewals // 4, "the load did not see the renewals")


if __name__ == "__main__":
    unittest.main()
