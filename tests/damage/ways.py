"""Ways of damaging a file, a link or a directory, and the places in a store where it is done."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from support import openssl


def control(store: Path) -> Path:
    return store / ".lockstep"


def live(store: Path) -> Path:
    return control(store) / os.readlink(control(store) / "current")


def kept(store: Path) -> Path:
    """The newest generation that is not live."""
    return sorted(path for path in control(store).glob("gen-*") if path != live(store))[-1]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def member(name: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda store: change(live(store) / name)


def in_control(name: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda store: change(control(store) / name)


def beside(name: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda store: change(store / name)


def in_kept(name: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda store: change(kept(store) / name if name else kept(store))


def in_all(name: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    def do(store: Path) -> None:
        for generation in control(store).glob("gen-*"):
            change(generation / name)

    return do


def to_directory(path: Path) -> None:
    if os.path.lexists(path):
        remove(path)
    path.mkdir()
    (path / "something").write_text("mine")


def with_a_directory(path: Path) -> None:
    to_directory(path)
    (path / "sub").mkdir()


def to_link(target: str) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        if os.path.lexists(path):
            remove(path)
        path.symlink_to(target)

    return do


def to_fifo(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def to_text(text: str) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        if os.path.lexists(path):
            remove(path)
        path.write_text(text)

    return do


def overwrite(text: str) -> Callable[[Path], None]:
    return edited(lambda _: text)


def edited(change: Callable[[str], str]) -> Callable[[Path], None]:
    """In place: the file keeps its inode, its mode and its links."""

    def do(path: Path) -> None:
        path.write_text(change(path.read_text()))

    return do


def wide_open(path: Path) -> None:
    path.chmod(0o644)


def of_another_generation(path: Path) -> None:
    manifest = json.loads(path.read_text())
    manifest["generation"] += 7
    manifest["highest"] += 7
    path.write_text(json.dumps(manifest))


def new_key(path: Path) -> None:
    """In place, so that the mode stays: a key that is whole, and another's."""
    path.write_text(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))


def replaced_by_copy(text: str) -> Callable[[Path], None]:
    """As editors save: a new file in place of the link, its content a little different."""

    def do(path: Path) -> None:
        content = path.read_text()
        path.unlink()
        path.write_text(content + text)

    return do


def copy_of_live(store: Path) -> None:
    shutil.copytree(live(store), control(store) / "gen-00000099")


def copy_of_other_kind(store: Path) -> None:
    copy_of_live(store)
    manifest = control(store) / "gen-00000099" / "manifest.json"
    text = manifest.read_text()
    number = int(live(store).name.removeprefix("gen-"))
    text = text.replace(f'"generation": {number}', '"generation": 99').replace(f'"highest": {number}', '"highest": 99')
    text = re.sub(r'"kind": "\w+"', '"kind": "identity"', text)
    manifest.write_text(text)


def torn_index(text: str) -> str:
    return text[: text.rindex('"not_before"')]


def twice(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:2], *lines[1:]])


def without_the_second(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:2], *lines[3:]])


def foreign_certificate(name: str) -> Callable[[Path], None]:
    def do(store: Path) -> None:
        serial = int(name.removesuffix(".pem"), 16)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                store.parent / "other.key", "-out", store / "certs" / name, "-subj", "/CN=Other", "-days", "9",
                "-set_serial", str(serial))  # fmt: skip

    return do


def foreign_list(path: Path) -> None:
    """A CRL that is whole and another CA's."""
    top = path.parent.parent.parent.parent
    other = top / "other"
    other.mkdir()
    (other / "index.txt").write_text("")
    (other / "number").write_text("09\n")
    (other / "conf").write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={other}/index.txt\ncrlnumber={other}/number\n"
                                "default_md=sha256\ndefault_crl_days=9\n")  # fmt: skip
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", other / "key",
            "-out", other / "crt", "-subj", "/CN=Other", "-days", "9")  # fmt: skip
    openssl("ca", "-gencrl", "-config", other / "conf", "-keyfile", other / "key", "-cert", other / "crt", "-out",
            other / "crl")  # fmt: skip
    path.write_text((other / "crl").read_text())
    shutil.rmtree(other)
