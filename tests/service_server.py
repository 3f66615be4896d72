"""A running `lockstep serve` for tests and load programs. It proves nothing by itself."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

from support import TIMEOUT, Failure, binary, environment


class Service:
    """A running `lockstep serve` over a directory that may hold a configuration already."""

    def __init__(self, root: Path, *options: str) -> None:
        words = [binary(), "serve", "--path", root, "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(list(map(os.fspath, words)), env=environment(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
        said = ""
        while " port " not in said:
            said = self.process.stderr.readline()
            if not said:
                raise Failure("the service has ended before it listened")
        self.port = int(re.search(r" port (\d+)", said)[1])
        self.log = threading.Thread(target=self.process.stderr.read, daemon=True)  # so that it never waits for us
        self.log.start()
        self.token = (root / "service" / "token").read_text().strip()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        if method != "GET":
            headers |= {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        for last in (False, True):  # an idle connection may have been closed
            try:
                self.connection.request(method, path, text, headers)
                answer = self.connection.getresponse()
                return answer, answer.read()
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()
                if last:
                    raise
        raise AssertionError

    def data(self, method: str, path: str, body: object = None, **headers: str) -> dict:
        answer, text = self.ask(method, path, body, **headers)
        if answer.status not in (200, 201):
            raise Failure(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)["data"]

    def change(self, identifier: str, **fields: object) -> None:
        """Whatever was there before, of which nobody else knows."""
        answer, text = self.ask("GET", f"/api/config/servers/{identifier}")
        server = json.loads(text)["data"]
        self.data("PUT", f"/api/config/servers/{identifier}", {**server, **fields}, **{"If-Match": answer.getheader("ETag")})

    def metrics(self) -> str:
        return self.ask("GET", "/metrics")[1].decode()

    def memory(self, which: str = "VmRSS") -> int:
        """KiB."""
        return int(re.search(rf"{which}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def processor(self) -> float:
        """Seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIMEOUT)
        self.log.join(TIMEOUT)
        return code


def write_configuration(root: Path, servers: list[dict]) -> None:
    (root / "service").mkdir(parents=True)
    (root / "service" / "servers.json").write_text(json.dumps(servers, indent=2))
