"""Edits of the status service's configuration as scenarios of the sweep.

It proves nothing by itself; scenarios.py lists them. The edit is made by service_edit_driver, which has one thread (strace
counts calls per thread); service_save_test.py does the same to the running service. The two files together are entirely old
or entirely new, and no group names a server that is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from support import Failure, binary, lockstep, run

OLD, NEW = "old", "new"
SERVERS = [{"id": "server-001", "name": "Web", "ip": "192.0.2.1", "note": "kept"},
           {"id": "server-002", "name": "Mail", "dnsAddress": "mail.example.com", "port": 465}]  # fmt: skip
LAYOUT = {"groups": [
    {"id": "group-1", "name": "Front", "order": 1, "serverIds": ["server-001", "server-002"], "rowNumber": 1, "rowOrder": 1},
    {"id": "group-2", "name": "Back", "order": 2, "serverIds": ["server-002"], "rowNumber": 2, "rowOrder": 1}]}  # fmt: skip


def driver() -> str:
    return str(Path(binary()).parent / "service_edit_driver")


def argv(what: str, name: str) -> Callable[[Path], Sequence[str]]:
    return lambda work: [driver(), "service", what, name]


def prepare(existing: bool) -> Callable[[Path], None]:
    def fill(work: Path) -> None:
        folder = work / "service"
        folder.mkdir(mode=0o700)
        (folder / ".lock").touch(mode=0o600)
        if not existing:
            return
        for name, value in (("servers.json", SERVERS), ("dashboard-layout.json", LAYOUT)):
            path = folder / name
            path.write_text(json.dumps(value, indent=2) + "\n")
            path.chmod(0o640)

    return fill


def read(folder: Path) -> tuple[list, list]:
    """Both files, whole and in agreement, with the mode they had."""
    servers, groups = [], []
    path = folder / "servers.json"
    if path.exists():
        servers = json.loads(path.read_text())
        if not path.read_text().endswith("]\n"):
            raise Failure("servers.json does not end as it must")
    if (folder / "dashboard-layout.json").exists():
        groups = json.loads((folder / "dashboard-layout.json").read_text())["groups"]
    ids = {server["id"] for server in servers}
    for group in groups:
        if gone := set(group["serverIds"]) - ids:
            raise Failure(f"group {group['id']} names {gone}, which are gone")
    return servers, groups


def state(existing: bool, what: str, name: str) -> Callable[[Path], str]:
    def look(work: Path) -> str:
        if any(path.name.endswith(".lockstep-intent") for path in (work / "service").iterdir()):
            lockstep("recover", "service", cwd=work)  # as the service does when it starts
        servers, groups = read(work / "service")
        old = (SERVERS, LAYOUT["groups"]) if existing else ([], [])
        for path in (work / "service").glob("*.json"):
            if existing and path.stat().st_mode & 0o777 != 0o640:
                raise Failure(f"{path.name} has another mode")
        if (servers, groups) == old:
            return OLD
        by_id = {entry["id"]: entry for entry in (*servers, *groups)}
        method = what.split("-")[0]
        if method == "delete":
            done = name not in by_id
        else:
            done = by_id.get(name, {}).get("name") == "Edited"
        expected = len(old[0]) + len(old[1]) + {"post": 1, "put": 0, "delete": -1}[method]
        if not done or len(by_id) != expected:
            raise Failure(f"neither old nor new: {servers} {groups}")
        return NEW

    return look


def follow(what: str, name: str, look: Callable[[Path], str]) -> Callable[[Path, str], None]:
    def again(work: Path, found: str) -> None:
        if found == OLD and (done := run(argv(what, name)(work), cwd=work)).code != 0:
            raise Failure(f"the next run: {done.text}")
        if look(work) != NEW:
            raise Failure("the next run succeeded, but the state is old")
        if found == NEW and (done := run([driver(), "service", "post-group", "group-77"], cwd=work)).code != 0:
            if "name" not in done.stdout and "Validation" not in done.stdout:
                raise Failure(f"another edit: {done.text}")

    return again


def of(what: str, name: str, existing: bool = True) -> tuple:
    """What a scenario is made of."""
    look = state(existing, what, name)
    return prepare(existing), argv(what, name), look, follow(what, name, look)


def all_of() -> list[tuple[str, tuple]]:
    """Their names, and what each is made of."""
    found = [("service post-server, the first", of("post-server", "server-009", False))]
    for what, name in (("post-server", "server-009"), ("put-server", "server-001"), ("delete-server", "server-002"),
                       ("post-group", "group-9"), ("put-group", "group-1"), ("delete-group", "group-1")):  # fmt: skip
        found.append((f"service {what}", of(what, name)))
    return found
