"""Two ways of replacing a certificate and its key that many programs use. The rig must find them wrong.

Usage: controls.py pair|swap NEW.crt NEW.key DIRECTORY. `pair` writes a temporary file, fsyncs it, renames it and
fsyncs the directory, for one file after the other. `swap` makes a new directory and swaps a symbolic link to it, with
no fsync at all.
"""

import os
import sys


def write(path: str, content: bytes, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content)
    if durable:
        os.fsync(descriptor)
    os.close(descriptor)


def sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def pair(files: dict[str, bytes], directory: str) -> None:
    for name, content in files.items():
        write(f"{directory}/.{name}.tmp", content, durable=True)
        os.rename(f"{directory}/.{name}.tmp", f"{directory}/{name}")
        sync_directory(directory)


def swap(files: dict[str, bytes], directory: str) -> None:
    os.mkdir(f"{directory}/new")
    for name, content in files.items():
        write(f"{directory}/new/{name}", content, durable=False)
    os.symlink("new", f"{directory}/link.tmp")
    os.rename(f"{directory}/link.tmp", f"{directory}/current")


def main() -> int:
    protocol, certificate, key, directory = sys.argv[1:]
    files = {"server.crt": open(certificate, "rb").read(), "server.key": open(key, "rb").read()}
    {"pair": pair, "swap": swap}[protocol](files, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
