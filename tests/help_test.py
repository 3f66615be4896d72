"""Every command's --help has an example that works when it is pasted: all of them are run, one after the other, as a person
would who reads them for the first time, in one empty directory.

What is not as the example says, and nothing else:
- the CA. Examples name Let's Encrypt, ZeroSSL or nobody (then it is Let's Encrypt); here they are told a Pebble on a
  loopback port, by --server and --ca-bundle.
- /var/www/html is a directory of the test that a web server answers from, on the port that this Pebble looks at.
- `nginx` is a program of the test that writes down how it was called.
- `ca serve` listens on a free port and runs in the background; the device asks it under the name localhost.
- `serve` and `up` listen on free ports, and are ended by a signal.
- the id of a token is that of one that there is.
- `agent run --once` begins at once (--jitter 0) and not within a minute.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import sys
import threading
from pathlib import Path

from acme_server import AcmeServer, ChallengeServer, program
from ca_server import Server
from status_server import StatusServer
from support import Failure, Outcome, binary, environment, lockstep, lockstep_json, run, scratch
from up_test import Up

# In this order each finds what it needs; what a person would have done in between stands before it.
STORY: dict[str, list[str]] = {
    "ca init": [],
    "ca request": [],
    "ca sign": [],
    "ca verify": [],
    "ca show": [],
    "ca list": [],
    # It serves from here on, and those after it meet it.
    "ca serve": [],
    "ca token create": [],
    "ca token list": [],
    "ca token revoke": ["lockstep ca token create --name spare"],
    "ca device add": ["openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=factory "
                      "-addext basicConstraints=critical,CA:FALSE "
                      "-keyout bootstrap.key -out bootstrap.crt"],  # fmt: skip
    "ca device list": [],
    "ca device remove": [],
    "device enroll": ["lockstep ca token create --name sensor-1 --out token", "cp ca-data/ca.crt ca.crt"],
    "device status": [],
    "device rotate": [],
    "device verify": [],
    # There must be an identity to go back to.
    "device rollback": ["lockstep --config keeping.toml device rotate --force"],
    "cert import": [],
    "cert show": [],
    "cert verify": [],
    # There must be a generation to go back to.
    "cert rollback": ["lockstep cert import --domain localhost --cert localhost.crt --key localhost.key --combined"],
    "ca revoke": [],
    "ca crl": [],
    "account register": [],
    "account show": [],
    "cert obtain": [],
    "cert needs-renewal": [],
    "cert renew": [],
    "cert list": [],
    "agent run": [],
    "account update": [],
    "account rollover": [],
    "cert revoke": [],
    "account deactivate": [],
    "serve": [],
    "up": [],
    "doctor": [],
    "recover": [],
}
# What these groups are about must be there before anything can be done with it.
LATER = {"device", "ca token", "ca device"}
ANSWERS = {"cert needs-renewal": 1}  # "it is not due" is no failure
ASKS_A_CA = {"account register", "cert obtain", "account update", "account rollover", "account deactivate"}


def examples(*path: str) -> dict[str, str]:
    """The example of this command and of all below it, by the commands' words."""
    text = lockstep(*path, "--help").stdout
    found = re.search(r"^Examples?:\n  (lockstep .+)\n*\Z", text, re.MULTILINE)
    if not found:
        raise Failure(f"lockstep {' '.join(path)} --help does not end with an example:\n{text}")
    result = {" ".join(path): found[1]}
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    for name in re.findall(r"^  (\S+)", listed[1], re.MULTILINE) if listed else []:
        result.update(examples(*path, name))
    return result


class World:
    """The directory that the examples are pasted in, and what they meet."""

    def __init__(self, top: Path) -> None:
        self.place, programs, web = top / "home", top / "bin", top / "www"
        for directory in (self.place, programs, web):
            directory.mkdir()
        (programs / "lockstep").symlink_to(binary())
        nginx = programs / "nginx"
        nginx.write_text(f'#!/bin/sh\necho "$@" >> {top}/nginx.log\n')
        nginx.chmod(0o755)
        self.called = top / "nginx.log"
        self.environment = environment(PATH=f"{programs}:{os.environ['PATH']}")
        self.serving: Server | None = None
        self.dns = ChallengeServer(top)
        self.server = AcmeServer(top / "pebble", self.dns.dns)
        self.substitutions = {"/var/www/html": str(web), "agent run --once": "agent run --once --jitter 0"}
        handler = functools.partial(QuietFiles, directory=web)
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", self.server.http_port), handler)
        threading.Thread(target=self.web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(self, example: str) -> None:
        """Does what the example says, on a free port, until the end of the story."""
        self.serving = Server(self.place / "ca-data", *example.split("ca serve ")[1].split()[2:])
        address = f"https://localhost:{self.serving.port}"
        self.substitutions["https://ca.example:8444"] = address
        # As a device is set up whose old keys are to be kept.
        (self.place / "keeping.toml").write_text(
            f'[device.identity]\nname = "sensor-1"\nca = "ca.crt"\n[device.issuer]\nserver = "{address}"\n'
            "[device.renewal]\ndestroy_old_keys = false\n")  # fmt: skip

    def stop(self) -> None:
        if self.serving is not None:
            self.serving.stop()
        self.web.shutdown()
        self.web.server_close()
        self.server.stop()
        self.dns.stop()

    def pasted(self, command: str, example: str) -> str:
        for said, meant in self.substitutions.items():
            example = example.replace(said, meant)
        if command == "ca token revoke":
            listed = lockstep_json("ca", "--data-dir", self.place / "ca-data", "token", "list")
            example = example.rsplit(" ", 1)[0] + " " + listed["tokens"][-1]["id"]
        if command in ASKS_A_CA:
            example = re.sub(r" --server \S+", "", example)
            example += f" --server {self.server.directory} --ca-bundle {self.server.trust}"
        return example

    def paste(self, text: str, place: Path | None = None) -> Outcome:
        return run(["sh", "-c", text], cwd=place or self.place, env=self.environment)


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    program("pebble", "pebble")
    found = examples()
    groups = {path: example for path, example in found.items() if any(other.startswith(f"{path} ".lstrip()) for other in found
                                                                       if other != path)}  # fmt: skip
    commands = {path: example for path, example in found.items() if path not in groups}
    if sorted(commands) != sorted(STORY):
        sys.exit(f"Error: the commands with help are {sorted(commands)}, those with a place in the story {sorted(STORY)}")
    bad = [f"{path}: the example is of something else: {example}" for path, example in commands.items()
           if not example.startswith(f"lockstep {path} ") and example != f"lockstep {path}"]  # fmt: skip
    with scratch("help", in_memory=True) as top:
        world = World(top)
        try:
            for path, before in STORY.items():
                for step in before:
                    if (done := world.paste(step)).code != 0:
                        bad.append(f"$ {step}\n{done.text}")
                if path == "ca serve":
                    world.serve(commands[path])
                    continue
                if path == "serve":
                    if StatusServer(world.place / "lockstep-data").stop() != 0:
                        bad.append("lockstep serve did not end well")
                    continue
                if path == "up":
                    if Up(world.place / "lockstep-data").stop() != 0:
                        bad.append("lockstep up did not end well")
                    continue
                text = world.pasted(path, commands[path])
                done = world.paste(text)
                if done.code != ANSWERS.get(path, 0):
                    bad.append(f"{path}\n$ {text}\n{done.text}")
            if not world.called.exists() or set(world.called.read_text().splitlines()) != {"-s reload"}:
                bad.append("the deploy hook of the example was not run")
            # Those of the groups and of the program itself are the first thing that anybody pastes.
            for number, (path, example) in enumerate(groups.items()):
                place = top / f"first-{number}"
                place.mkdir()
                done = world.paste(world.pasted(path, example), world.place if path in LATER else place)
                if done.code != 0:
                    bad.append(f"'{path}' in an empty directory\n$ {example}\n{done.text}")
        finally:
            world.stop()
    if bad:
        sys.exit("Examples that do not work:\n" + "\n".join(bad))
    print(f"help: {len(found)} examples work as they are pasted")


if __name__ == "__main__":
    main()
