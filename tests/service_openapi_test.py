"""The REST interface is what its OpenAPI document says: every operation is called, in success and in each refusal that can be
brought about, and a tool from npm holds the answers against the document that the service itself gives out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from service_save_test import Case, body
from status_server import GROUPS, SERVERS, Answer
from support import lockstep, make_ca, make_request, run, sign

TOP = Path(__file__).resolve().parent.parent
# What takes another kind of trouble to bring about than a request, and the test that does it.
ELSEWHERE = {"500": "service_save_test.py", "503": "a full queue"}
# Reading is free on loopback; service_security_test.py asks from elsewhere.
FREE = re.compile(r"^GET \S+ 401$")


class OpenApi(Case):
    def setUp(self) -> None:
        super().setUp()
        self.answers: list[dict] = []

    def note(self, method: str, path: str, answer: Answer) -> Answer:
        self.answers.append({"method": method, "path": path, "status": answer.status, "type": answer.headers["content-type"],
                             "headers": answer.headers, "body": answer.body.decode()})  # fmt: skip
        return answer

    def test_every_answer_is_what_the_document_says(self) -> None:
        if not shutil.which("node") or not shutil.which("npm"):
            self.skipTest("node and npm are not installed")
        installed = run(["bash", TOP / "scripts" / "build-openapi-check"], timeout=300)
        self.assertEqual(installed.code, 0, installed.text)
        ca = make_ca(self.top / "ca")
        key, csr = make_request(self.top, "web")
        sign(ca, csr, self.top / "web.crt")
        server = self.serve()
        lockstep("cert", "--path", self.top / "root", "import", "--domain", "localhost", "--cert", self.top / "web.crt", "--key", key)
        (self.top / "root" / "certs" / "broken.example" / ".lockstep").mkdir(parents=True)
        document = self.top / "openapi.json"
        document.write_bytes(server.get("/api/openapi.json").body)
        known = json.loads(document.read_text())
        self.assertEqual(known["openapi"], "3.1.0")
        self.routes_are_all_there(known)

        for path, operations in known["paths"].items():
            for method in operations:
                self.refusals(server, method.upper(), path)
        for path in ("/health", "/metrics", "/api/session", "/api/rules", "/api/openapi.json", "/api/certificates", "/api/servers",
                     "/api/servers/stats/summary", SERVERS, GROUPS):  # fmt: skip
            self.note("GET", path, server.get(path))
        self.events(server)
        self.edits(server)
        self.trouble(server)

        lines = "\n".join(json.dumps(answer) for answer in self.answers)
        checked = subprocess.run(["node", "check.mjs", document], cwd=TOP / "build" / "openapi", input=lines, text=True,
                                 capture_output=True)  # fmt: skip
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        summary = json.loads(checked.stdout.splitlines()[-1])
        print(f"{summary['answers']} answers of {summary['kinds']} kinds", flush=True)
        left = [name for name in summary["missing"] if name.split()[-1] not in ELSEWHERE and not FREE.match(name)]
        self.assertEqual(left, [], "no request of this test had these answers")

    def routes_are_all_there(self, known: dict) -> None:
        """The program's table of routes and the document name the same."""
        table = re.findall(r'\{"([A-Z]+)", "([^"]+)", Need', (TOP / "src" / "service" / "api.cc").read_text())
        self.assertGreater(len(table), 15)
        self.assertEqual({(method, path.replace(":id", "{id}")) for method, path in table},
                         {(method.upper(), path) for path, operations in known["paths"].items() for method in operations})  # fmt: skip

    def refusals(self, server: object, method: str, path: str) -> None:
        real = path.replace("{id}", "none")
        self.note(method, path, server.ask(method, real, {} if method != "GET" else None, {"Host": "evil.example"}))
        if method == "GET":
            if "{id}" in path:
                self.note(method, path, server.get(real))
            return
        self.note(method, path, server.ask(method, real, {}, token="wrong"))
        if "{id}" in path:
            self.note(method, path, server.ask(method, real, body("x"), {"If-Match": '"x"'}))
            existing = real.replace("none", "group-1" if "groups" in path else "server-001")
            self.note(method, path, server.ask(method, existing, body("x")))
            self.note(method, path, server.ask(method, existing, {"name": "x", "ip": "::1"}, {"If-Match": '"x"'}))
        elif method == "PUT":
            self.note(method, path, server.ask(method, real, {"groups": []}))
            self.note(method, path, server.ask(method, real, {"groups": []}, {"If-Match": '"x"'}))
        if method in ("POST", "PUT"):
            self.note(method, path, server.ask(method, real, b"{"))
            self.note(method, path, server.ask(method, real, b"{}", {"Content-Type": "text/plain"}))

    def events(self, server: object) -> None:
        connection = server.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        first = answer.fp.readline()
        self.note("GET", "/api/events", Answer(answer.status, headers, first))
        answer.close()

    def edits(self, server: object) -> None:
        note = self.note
        made = note("POST", SERVERS, server.ask("POST", SERVERS, body("One", tags=["a"], caBundle="/x.pem", port=None)))
        note("POST", SERVERS, server.ask("POST", SERVERS, body("Two", id=made.data["id"])))
        one, path = f"{SERVERS}/{made.data['id']}", f"{SERVERS}/{{id}}"
        note("GET", path, server.get(one))
        note("PUT", path, server.put(one, body("Three", extra=1), made.etag))
        note("GET", "/api/servers/{id}", server.get(f"/api/servers/{made.data['id']}"))
        group = note("POST", GROUPS, server.ask("POST", GROUPS, {"name": "New", "serverIds": [made.data["id"]]}))
        note("POST", GROUPS, server.ask("POST", GROUPS, {"id": "group-1", "name": "Taken"}))
        note("POST", GROUPS, server.ask("POST", GROUPS, {"name": "new"}))
        mine, path = f"{GROUPS}/{group.data['id']}", f"{GROUPS}/{{id}}"
        note("GET", path, server.get(mine))
        changed = note("PUT", path, server.put(mine, {"name": "Other"}, group.etag))
        all_groups = server.get(GROUPS)
        places = [{key: value for key, value in one.items() if key != "name"} for one in all_groups.data["groups"]]
        note("PUT", f"{GROUPS}/order", server.put(f"{GROUPS}/order", {"groups": places}, all_groups.etag))
        note("DELETE", path, server.ask("DELETE", f"{mine}?reassign=all", None, {"If-Match": changed.etag}))
        note("DELETE", path, server.ask("DELETE", f"{mine}?reassign=default", None, {"If-Match": changed.etag}))
        note("DELETE", f"{SERVERS}/{{id}}", server.delete(one, server.get(one).etag))

    def trouble(self, server: object) -> None:
        huge = b"x" * 1_100_000
        for method, path in (("POST", SERVERS), ("PUT", f"{SERVERS}/{{id}}"), ("POST", GROUPS), ("PUT", f"{GROUPS}/order"),
                             ("PUT", f"{GROUPS}/{{id}}")):  # fmt: skip
            self.note(method, path, server.ask(method, path.replace("{id}", "x"), huge))
        (server.folder / "servers.json").write_text("[{]")
        server.wait_for("what was good before stays in force")
        for collection in (SERVERS, GROUPS):
            self.note("POST", collection, server.ask("POST", collection, body("x")))
        self.note("GET", "/health", server.get("/health"))


del Case  # its tests are in the module that it comes from

if __name__ == "__main__":
    unittest.main(verbosity=2)
