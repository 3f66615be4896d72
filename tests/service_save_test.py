"""How the status service saves, on the real program: what is promised of a save, each promise a test of its own.

service_fault_test.py kills its calls and makes them fail.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import shutil
import signal
import threading
import unittest
from pathlib import Path

import service_scenarios
from service_scenarios import LAYOUT, SERVERS as CONFIGURED
from status_server import GROUPS, SERVERS, StatusServer
from support import run, scratch, tree_difference, tree_state

SEED = int(os.environ.get("LOCKSTEP_SEED") or random.SystemRandom().randrange(1 << 32))
TOKEN = "a-token-for-the-tests-only"


def fill(root: Path, existing: bool = True) -> Path:
    """A root with a configuration and a token, as if the service had run before."""
    root.mkdir()
    service_scenarios.prepare(existing)(root)
    folder = root / "service"
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "token").chmod(0o600)
    return folder


def files_of(folder: Path) -> dict[str, tuple]:
    """What must not change when nothing is changed: all but the log of who wanted what."""
    return {name: state for name, state in tree_state(folder).items() if name not in (".", "audit.log", "audit-refused.log")}


def body(name: str, **more: object) -> dict:
    return {"name": name, "dnsAddress": "www.example.com", **more}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        scratched = scratch("service")
        self.top = scratched.__enter__()
        self.addCleanup(scratched.__exit__, None, None, None)

    def serve(self, *options: str, existing: bool = True, **how: object) -> StatusServer:
        if not (self.top / "root").exists():
            fill(self.top / "root", existing)
        server = StatusServer(self.top / "root", *options, **how)
        self.addCleanup(server.stop, signal.SIGKILL)
        return server

    def stored(self, folder: Path) -> list[dict]:
        return json.loads((folder / "servers.json").read_text())


class Saving(Case):
    def test_ordinary_json_with_two_spaces_that_keeps_what_it_does_not_know(self) -> None:
        server = self.serve()
        made = server.ask("POST", SERVERS, body("Näme", extra={"deep": [None, "", {}]}))
        self.assertEqual((made.status, made.data["id"]), (201, "server-003"))
        text = (server.folder / "servers.json").read_text()
        self.assertEqual(text, json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n")
        self.assertEqual(json.loads(text)[0]["note"], "kept")
        self.assertEqual(json.loads(text)[2]["extra"], {"deep": [None, "", {}]})
        self.assertNotIn("port", json.loads(text)[0], "what nobody touched is written as it was")

    def test_mode_and_owner_stay_and_no_temporary(self) -> None:
        server = self.serve()
        path = server.folder / "servers.json"
        os.chmod(path, 0o664)
        if os.geteuid() == 0:
            os.chown(path, 1234, 2345)
        before = path.stat()
        self.assertEqual(server.ask("POST", SERVERS, body("One")).status, 201)
        after = path.stat()
        self.assertEqual((before.st_mode, before.st_uid, before.st_gid), (after.st_mode, after.st_uid, after.st_gid))
        self.assertNotEqual(before.st_ino, after.st_ino, "it was replaced, not written over")
        self.assertEqual(sorted(os.listdir(server.folder)),
                         [".lock", "audit.log", "dashboard-layout.json", "servers.json", "token"])  # fmt: skip

    def test_the_first_save_makes_the_files(self) -> None:
        server = self.serve(existing=False)
        self.assertEqual(server.get(SERVERS).data, {"servers": []})
        self.assertEqual(server.ask("POST", GROUPS, {"name": "Équipe"}).data["id"], "group-1")
        self.assertFalse((server.folder / "servers.json").exists())
        self.assertEqual(json.loads((server.folder / "dashboard-layout.json").read_text())["groups"][0]["name"], "Équipe")

    def test_deleting_a_server_changes_both_files(self) -> None:
        server = self.serve()
        gone = server.delete(f"{SERVERS}/server-002", server.get(f"{SERVERS}/server-002").etag)
        self.assertEqual(gone.data, {"deletedId": "server-002"})
        servers, groups = service_scenarios.read(server.folder)
        self.assertEqual([one["id"] for one in servers], ["server-001"])
        self.assertEqual([one["serverIds"] for one in groups], [["server-001"], []])

    def test_every_save_is_logged_and_audited(self) -> None:
        server = self.serve()
        tag = server.get(f"{SERVERS}/server-001").etag
        server.put(f"{SERVERS}/server-001", {"name": "Web", "ip": "192.0.2.1", "port": 8443, "apiToken": "secret"}, tag)
        server.wait_for("saved '")
        server.put(f"{SERVERS}/server-001", {"name": "Web", "ip": "192.0.2.1"}, tag)
        server.ask("POST", GROUPS, {"name": "a/b"})
        server.ask("POST", GROUPS, {"name": "x"}, token="wrong-token-wrong-token")
        server.stop()
        lines = server.audit()
        self.assertEqual([(line["level"], line["who"], line["action"]) for line in lines], [("INFO", "token", "UPDATED")])
        self.assertIn({"field": "port", "from": 443, "to": 8443}, lines[0]["changes"])
        refused = server.audit("audit-refused.log")
        self.assertEqual([(line["level"], line["who"], line["action"], line["status"]) for line in refused],
                         [("WARN", "token", "REFUSED", 412), ("WARN", "token", "REFUSED", 400),
                          ("WARN", "anonymous", "REFUSED", 401)])  # fmt: skip
        self.assertNotIn("secret", (server.folder / "audit.log").read_text())
        self.assertEqual(list(refused[1]["fields"]), ["name"])

    def test_a_restart_finds_what_was_saved(self) -> None:
        server = self.serve()
        made = server.ask("POST", SERVERS, body("One"))
        self.assertEqual(server.stop(), 0)
        again = self.serve()
        self.assertEqual(again.get(f"{SERVERS}/{made.data['id']}").data, made.data)
        self.assertEqual(again.get(f"{SERVERS}/{made.data['id']}").etag, made.etag)


class Failing(Case):
    def failed(self, server: StatusServer, answer: object, why: int) -> None:
        self.assertEqual(answer.status, 500, answer.body)
        self.assertIn(os.strerror(why), answer.error)
        self.assertNotIn(str(self.top), answer.body.decode(), "a path of the host")
        line = server.wait_for(" failed: ")
        self.assertIn(os.strerror(why), line)
        self.assertIn(f"errno {why}", line)
        self.assertIn(str(server.folder), line)

    @unittest.skipUnless(os.geteuid() == 0, "needs root for a file system of its own")
    def test_a_full_disk(self) -> None:
        root = self.top / "root"
        fill(root)
        disk = self.top / "disk"
        disk.mkdir()
        mounted = run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk])
        if mounted.code != 0:
            self.skipTest(f"no file system can be mounted here: {mounted.text}")
        self.addCleanup(run, ["umount", "-l", disk])
        shutil.copytree(root / "service", disk / "service")
        shutil.rmtree(root / "service")
        (root / "service").symlink_to(disk / "service")
        server = self.serve()
        (disk / "filler").write_bytes(b"x" * 44 * 1024)
        with open(disk / "filler", "ab", buffering=0) as filler:
            while True:
                try:
                    filler.write(b"x" * 512)
                except OSError as full:
                    self.assertEqual(full.errno, errno.ENOSPC)
                    break
        before = files_of(disk / "service")
        answer = server.ask("POST", SERVERS, body("One"))
        self.assertEqual(answer.status, 500, answer.body)
        self.assertIn(os.strerror(errno.ENOSPC), answer.error)
        self.assertEqual(tree_difference(before, files_of(disk / "service")), [])
        (disk / "filler").unlink()
        self.assertEqual(server.ask("POST", SERVERS, body("One")).status, 201)

    @unittest.skipUnless(os.geteuid() == 0, "root gives the files to somebody else first")
    def test_permission_denied(self) -> None:
        folder = fill(self.top / "root")
        for path in (self.top, self.top / "root", folder, *folder.iterdir()):
            os.chown(path, 1234, 1234)
        server = self.serve(user=1234)
        server.token = TOKEN
        folder.chmod(0o500)
        before = files_of(folder)
        answer = server.ask("POST", SERVERS, body("One"))
        self.failed(server, answer, errno.EACCES)
        self.assertEqual(tree_difference(before, files_of(folder)), [])
        self.assertEqual(len(server.get(SERVERS).data["servers"]), 2)
        folder.chmod(0o700)
        made = server.ask("POST", SERVERS, body("One"))
        self.assertEqual(made.status, 201, (made.body, server.said))

    @unittest.skipUnless(os.geteuid() == 0, "root gives the files to somebody else first")
    def test_an_owner_that_cannot_be_kept_is_said_at_the_start(self) -> None:
        folder = fill(self.top / "root")
        for path in (self.top, self.top / "root", folder, folder / "token", folder / ".lock", folder / "dashboard-layout.json"):
            os.chown(path, 1234, 1234)
        (folder / "servers.json").chmod(0o644)
        server = self.serve(user=1234)
        server.wait_for("cannot be saved with the owner and mode")

    def test_a_lock_that_is_held(self) -> None:
        server = self.serve("--lock-timeout", "1")
        with open(server.folder / ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            answer = server.ask("POST", SERVERS, body("One"))
        self.assertEqual(answer.status, 500)
        self.assertIn("another program", answer.error)
        self.assertEqual(server.ask("POST", SERVERS, body("One")).status, 201)


class Editors(Case):
    """8 clients, 200 edits each, while somebody saves the same file by hand.

    What an editor saves over is lost by the editor's hand: this one looks right before it saves, as a careful editor does,
    and writes down what it saved, so that the few edits which came in the microseconds between are known. Nothing else may
    be lost: no edit of a client to another, and nothing that was saved by hand.
    """

    CLIENTS, EDITS = 8, 200

    def setUp(self) -> None:
        super().setUp()
        self.problems: list[str] = []
        self.by_hand: list[dict[str, int]] = []  # what each save by hand said of the clients' counts
        self.conflicts = self.overwritten = self.glimpsed = 0

    def client(self, server: StatusServer, name: str) -> None:
        """Each edit raises a count in this client's own server: a lost one is seen."""
        connection = server.connect()
        try:
            count, done = 1, 0
            while done < self.EDITS:
                now = server.ask("GET", f"{SERVERS}/{name}", connection=connection)
                if (found := now.data["expiryWarningDays"]) != count:
                    if not any(saved.get(name) == found for saved in self.by_hand):
                        raise AssertionError(f"{found} instead of {count}")
                    self.overwritten += 1
                    count = found
                wanted = body(name, expiryWarningDays=count + 1)
                answer = server.ask("PUT", f"{SERVERS}/{name}", wanted, {"If-Match": now.etag}, connection=connection)
                if answer.status == 412:
                    self.conflicts += 1
                    continue
                if answer.status != 200:
                    raise AssertionError(f"{answer.status} {answer.body!r}")
                count, done = count + 1, done + 1
        except Exception as problem:  # every surprise is a finding
            self.problems.append(f"{name}: {type(problem).__name__}: {problem}")
        finally:
            connection.close()

    def editor(self, folder: Path, stop: threading.Event, chance: random.Random) -> None:
        path = folder / "servers.json"
        edits = 0
        while not stop.is_set():
            text = path.read_text()
            servers = json.loads(text)
            own = next(one for one in servers if one["id"] == "server-001")
            if own.get("edits", 0) != edits:
                # For the microseconds in which a save finds out that it must be taken back, its file can be read. With
                # the lock held there is none under way.
                with open(folder / ".lock") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    servers = json.loads(path.read_text())
                own = next(one for one in servers if one["id"] == "server-001")
                self.glimpsed += 1
                if own.get("edits", 0) == edits:
                    continue
                self.problems.append(f"by hand: {own.get('edits')} is there, {edits} was saved")
                return
            own["edits"] = edits + 1
            replacement = folder / ".servers.json.swp"
            replacement.write_text(json.dumps(servers, indent=4) + "\n")
            if path.read_text() != text:
                continue
            self.by_hand.append({one["id"]: one.get("expiryWarningDays", 0) for one in servers})
            if chance.random() < 0.5:
                os.replace(replacement, path)
            else:
                path.write_text(replacement.read_text())
            edits += 1
            stop.wait(chance.random() / 25)

    def test_no_edit_is_lost(self) -> None:
        server = self.serve()
        for number in range(self.CLIENTS):
            made = server.ask("POST", SERVERS, body(f"client-{number}", id=f"client-{number}", expiryWarningDays=1))
            self.assertEqual(made.status, 201)
        stop = threading.Event()
        editor = threading.Thread(target=self.editor, args=(server.folder, stop, random.Random(SEED)))
        clients = [threading.Thread(target=self.client, args=(server, f"client-{number}")) for number in range(self.CLIENTS)]
        for thread in (editor, *clients):
            thread.start()
        for thread in clients:
            thread.join()
        stop.set()
        editor.join()
        print(f"{self.CLIENTS} clients with {self.EDITS} edits each, {len(self.by_hand)} saves by hand, {self.conflicts} times "
              f"412, {self.overwritten} times saved over by hand, {self.glimpsed} glimpses of a save that was taken back", flush=True)  # fmt: skip
        self.assertEqual(self.problems, [])
        self.assertGreater(len(self.by_hand), 10)
        self.assertEqual(server.stop(), 0)
        servers, _ = service_scenarios.read(server.folder)
        self.assertEqual(len(servers), 2 + self.CLIENTS)
        self.assertEqual(next(one for one in servers if one["id"] == "server-001")["edits"], len(self.by_hand))

    def test_a_save_by_hand_is_taken_over_and_a_bad_one_is_not(self) -> None:
        server = self.serve()
        path = server.folder / "servers.json"
        stale = server.get(f"{SERVERS}/server-001").etag
        path.write_text(json.dumps([CONFIGURED[0] | {"name": "Hand"}, CONFIGURED[1]]))
        server.wait_for("edited by hand")
        self.assertEqual(server.get(f"{SERVERS}/server-001").data["name"], "Hand")
        self.assertEqual(server.put(f"{SERVERS}/server-001", body("Mine"), stale).status, 412)
        server.wait_for("412 Changed elsewhere")
        path.write_text("[{]")
        server.wait_for("what was good before stays in force")
        health = server.get("/health").json
        self.assertEqual((health["status"], health["serverCount"]), ("degraded", 2))
        self.assertIn("servers.json: not valid JSON at byte 3", health["configError"])
        self.assertNotIn(str(self.top), health["configError"])
        answer = server.ask("POST", SERVERS, body("One"))
        self.assertEqual(answer.status, 412, answer.body)
        self.assertEqual(path.read_text(), "[{]")
        path.write_text(json.dumps(CONFIGURED))
        server.wait_for("can be used again")
        self.assertEqual(server.get("/health").json["status"], "ok")
        self.assertEqual(server.ask("POST", SERVERS, body("One")).status, 201)

    def test_two_services_on_one_folder(self) -> None:
        first, second = self.serve(), self.serve()
        for number in range(20):
            self.assertEqual(first.ask("POST", SERVERS, body(f"First {number}")).status, 201)
            self.assertEqual(second.ask("POST", SERVERS, body(f"Second {number}")).status, 201)
        self.assertEqual(len(self.stored(first.folder)), 42)


if __name__ == "__main__":
    print(f"seed {SEED} (LOCKSTEP_SEED repeats it)", flush=True)
    unittest.main(verbosity=2)
