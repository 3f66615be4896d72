"""PEERS: the commands of other people's tools that are broken in the same way as ours, and which of ours they compare to.

It proves nothing by itself; peers/sweep.py runs them. Each is a Scenario like ours: it needs nothing but a directory at a
fixed path, so that anything that can run ours (a tracer, a disk that loses power) can run these. Servers lie outside of it
and live as long as the process, whose memory they share: prepare, argv, state and follow belong in one process.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import scenarios as ours
from scenarios import Scenario
from support import Failure, binary, run

from peers import acme_clients, openssl_ca

PEERS: tuple[Scenario, ...] = (*openssl_ca.SCENARIOS, *acme_clients.SCENARIOS)

# Ours beside them. There is no ACME client of ours yet: what an import does to a folder is what their last step does.
_BESIDE = {
    openssl_ca.TOOL: ("ca sign", "ca sign, three", "ca revoke", "ca crl"),
    "ACME": ("cert import", "cert import, renewal"),
}
OURS: tuple[Scenario, ...] = tuple(scenario for names in _BESIDE.values() for scenario in ours.SCENARIOS
                                   if scenario.name in names)  # fmt: skip
# What a sweep without defects cannot miss: the plain copies of two files.
CONTROL: Scenario = replace(next(scenario for scenario in ours.SCENARIOS if scenario.control), tool="cp")

TOOLS = tuple(dict.fromkeys(scenario.tool for scenario in (*OURS, *PEERS)))


def problem(tool: str) -> str | None:
    """Why the scenarios of this tool cannot be run here; None when they can."""
    for client in acme_clients.CLIENTS:
        if client.name == tool:
            return acme_clients.problem(client)
    return None if shutil.which("openssl") else "openssl is not installed"


def _said(*argv: str) -> str:
    outcome = run(argv)
    return (outcome.stdout + outcome.stderr).strip().splitlines()[0]


def version(tool: str) -> str:
    """What the tool is, as exactly as it can be known: the Debian package where there is one."""
    if tool == "lockstep":
        return _said(binary(), "--version")
    if tool == openssl_ca.TOOL:
        return _said("openssl", "version")
    if shutil.which(tool) is None:
        return "not installed"
    try:
        package = run(["dpkg-query", "-W", "-f", "${Version}", tool])
    except (OSError, Failure):
        return "installed, of unknown version"
    return f"{tool} {package.stdout}" if package.code == 0 else "installed, not as a package"
