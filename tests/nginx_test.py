"""A real nginx serves a certificate folder: every handshake shows one complete set, before and after a renewal.

nginx reads the folder through the generated nginx.conf, which names one generation's own files. A renewal and a
rollback reach clients with a reload; between the change and the reload the old set goes on being served whole. nginx
runs in the foreground as a child of this test, on a free loopback port, and is ended by its own process id.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import (Failure, environment, free_port, lockstep, lockstep_json, make_ca, make_request, openssl, run, scratch, sign,
                     skip)  # fmt: skip

PATIENCE = 20.0

CONFIGURATION = """\
daemon off;
pid {top}/nginx.pid;
error_log {log} notice;
events {{}}
http {{
  access_log off;
  client_body_temp_path {top}/body;
  proxy_temp_path {top}/proxy;
  fastcgi_temp_path {top}/fastcgi;
  uwsgi_temp_path {top}/uwsgi;
  scgi_temp_path {top}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    {certificate}
    location / {{ return 200 "served\\n"; }}
  }}
}}
"""


def nginx_binary() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return found or skip("nginx is missing (apt-get install nginx-light)")


def wait_for(what: str, done) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise Failure(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)


class Server:
    def __init__(self, top: Path, folder: Path, program: str) -> None:
        self.port = free_port()
        self.log = top / "error.log"
        self.configuration = top / "nginx.conf"
        self.configuration.write_text(
            CONFIGURATION.format(top=top, log=self.log, port=self.port, certificate=f"include {folder}/nginx.conf;")
        )
        self.words = [program, "-p", os.fspath(top), "-c", os.fspath(self.configuration), "-e", os.fspath(self.log)]
        self.check_configuration()
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, env=environment())
        wait_for("nginx to listen", self.listens)

    def check_configuration(self) -> None:
        checked = run([*self.words, "-t"])
        if checked.code != 0:
            raise Failure(f"nginx refuses the configuration: {checked.text}")

    def listens(self) -> bool:
        if self.process.poll() is not None:
            raise Failure(f"nginx ended with {self.process.returncode}: {self.log.read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def reload(self, serial: str) -> None:
        self.check_configuration()
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        wait_for(f"serial {serial} to be served", lambda: self.served() == serial)
        # Until they have ended the old workers may take a connection too.
        wait_for("the old workers to end", lambda: not before & self.workers())

    def workers(self) -> set[str]:
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def served(self) -> str:
        """The serial of a handshake."""
        shown = openssl("s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost")
        certificate = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown, text=True, capture_output=True,
                                     timeout=PATIENCE, check=True, env=environment())  # fmt: skip
        return certificate.stdout.strip().removeprefix("serial=").lower()

    def expect(self, serial: str, root: Path) -> None:
        if self.served() != serial:
            raise Failure(f"serial {self.served()} is served, not {serial}")
        fetched = run(["curl", "--silent", "--show-error", "--cacert", root, "--resolve", f"localhost:{self.port}:127.0.0.1",
                       f"https://localhost:{self.port}/"])  # fmt: skip
        if (fetched.code, fetched.stdout) != (0, "served\n"):
            raise Failure(f"curl does not trust what is served: {fetched.text}")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)


@contextmanager
def served(top: Path, folder: Path, program: str) -> Iterator[Server]:
    server = Server(top, folder, program)
    try:
        yield server
    finally:
        server.end()


def install(top: Path, name: str, root: Path, *more: str) -> str:
    """A new key and certificate into the folder; gives its serial back."""
    key, csr = make_request(top, name)
    serial = sign(top / "ca", csr, top / f"{name}.crt")
    lockstep("cert", "--path", top / "data", "import", "--domain", "localhost", "--cert", top / f"{name}.crt", "--key", key,
             "--trust", root, *more)  # fmt: skip
    return serial


def main() -> None:
    program = nginx_binary()
    if shutil.which("curl") is None:
        skip("curl is missing")
    with scratch("nginx") as top:
        top.chmod(0o755)
        root = make_ca(top / "ca") / "ca.crt"
        folder = top / "data" / "certs" / "localhost"
        first = install(top, "first", root, "--nginx-conf")
        with served(top, folder, program) as server:
            server.expect(first, root)
            serial = first
            for name in ("second", "third", "fourth"):
                renewed = install(top, name, root)
                server.expect(serial, root)  # until the reload, all of the old set
                server.reload(renewed)
                serial = renewed
                server.expect(serial, root)
            back = lockstep_json("cert", "--path", top / "data", "rollback", "localhost")["serial"]
            server.reload(back)
            server.expect(back, root)
            # What cannot be installed changes nothing: a reload serves the same set again.
            lockstep("cert", "--path", top / "data", "import", "--domain", "localhost", "--cert", top / "fourth.crt",
                     "--key", top / "first.key", expect=1)  # fmt: skip
            server.reload(back)
            server.expect(back, root)
    print(f"nginx served {len({first, serial, back})} sets of certificate and key, and never a mixture")


if __name__ == "__main__":
    main()
