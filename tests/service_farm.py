"""A farm of TLS endpoints on the loopback, in one process: what the load program of the status service is pointed at.

    tests/service_farm.py DIRECTORY COUNT

Makes a CA and certificates in DIRECTORY, listens on COUNT ports, prints one JSON line `{"ports": [...], "kinds": [...]}`,
and answers each line on standard input with one JSON line: the moments (CLOCK_MONOTONIC) at which each port was connected to.
Most endpoints are good; of a hundred some are silent, plain TCP, expired or signed by a stranger.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

NAME = "farm.example"
# Not 127.0.0.1, where others on this machine may look for servers of their own on a port that is ours by chance.
ADDRESS = "127.77.31.9"
KINDS = {0: "silent", 1: "plain", 2: "expired", 3: "stranger"}  # by number modulo 100


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(os.fspath, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make_ca(work: Path, name: str) -> None:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            f"/CN={name}", "-keyout", work / f"{name}.key", "-out", work / f"{name}.pem")  # fmt: skip


def make_leaf(work: Path, ca: str, name: str, *validity: str) -> ssl.SSLContext:
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={NAME}",
            "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", work / f"{name}.key", "-out", work / f"{name}.csr")  # fmt: skip
    (work / f"{name}.db").write_text("")
    (work / f"{name}.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={work / name}.db\nnew_certs_dir={work}\nrand_serial=yes\ndefault_md=sha256\n"
        "policy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
    )
    openssl("ca", "-batch", "-config", work / f"{name}.cnf", "-cert", work / f"{ca}.pem", "-keyfile", work / f"{ca}.key",
            "-in", work / f"{name}.csr", "-out", work / f"{name}.pem", "-notext", *validity)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / f"{name}.pem", work / f"{name}.key")
    return context


class Endpoint(asyncio.Protocol):
    """Waits for the other side to end it."""

    def __init__(self, kept: set[asyncio.BaseTransport]) -> None:
        self.kept = kept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.kept.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.kept.discard(self.transport)


class Farm:
    def __init__(self, work: Path, count: int) -> None:
        make_ca(work, "root")
        make_ca(work, "other")
        self.contexts = {"good": make_leaf(work, "root", "good", "-days", "90"), "silent": None, "plain": None,
                         "expired": make_leaf(work, "root", "expired", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"),
                         "stranger": make_leaf(work, "other", "stranger", "-days", "90")}  # fmt: skip
        self.kinds = [KINDS.get(number % 100, "good") for number in range(count)]
        self.moments: list[list[float]] = [[] for _ in range(count)]
        self.kept: set[asyncio.BaseTransport] = set()
        self.sockets = [self.listen() for _ in range(count)]

    @staticmethod
    def listen() -> socket.socket:
        made = socket.socket()
        made.bind((ADDRESS, 0))
        made.listen(64)
        made.setblocking(False)
        return made

    def accept(self, number: int) -> None:
        connection, _ = self.sockets[number].accept()
        self.moments[number].append(time.monotonic())
        connection.setblocking(False)
        asyncio.ensure_future(self.serve(connection, self.kinds[number]))

    async def serve(self, connection: socket.socket, kind: str) -> None:
        try:
            if kind == "plain":
                connection.send(b"this speaks no TLS\r\n")
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Endpoint(self.kept), connection, ssl=self.contexts[kind]
            )
        except (OSError, ssl.SSLError):
            connection.close()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number, listening in enumerate(self.sockets):
            loop.add_reader(listening, self.accept, number)
        ports = [listening.getsockname()[1] for listening in self.sockets]
        print(json.dumps({"ports": ports, "kinds": self.kinds}), flush=True)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while await reader.readline():
            print(json.dumps(self.moments), flush=True)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Farm(Path(sys.argv[1]), int(sys.argv[2])).run())
