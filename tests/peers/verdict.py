"""The ways in which a tool's files can be bad, by name, so that a table can count them.

It proves nothing by itself. The names are what an operator would say; each has one meaning for every tool.
"""

from __future__ import annotations

from pathlib import Path

from support import Failure

PAIR = "pair does not match"  # certificate and key that are read by their usual names do not belong together
HALF = "half of a set"  # some files of a set are there and others are missing, or belong to another certificate
ZERO = "zero bytes"  # a file under its final name is empty
BROKEN = "unreadable"  # a file under its final name cannot be parsed or verified
UNRECORDED = "not in the records"  # a certificate was handed out or kept that the CA's index does not list
GONE = "records lost"  # the CA's index or serial is missing or has lost entries
TWICE = "number twice"  # a serial or CRL number is given, or would be given next, a second time
LOSS = "success with loss"  # exit 0, and the new state is not there
NEXT = "next run fails"  # the next run of the same tool does not work
HANG = "does not end"
OTHER = "other"

KINDS = (PAIR, HALF, ZERO, BROKEN, UNRECORDED, GONE, TWICE, LOSS, NEXT, HANG, OTHER)


class Bad(Failure):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def kind_of(problem: Exception) -> str:
    return problem.kind if isinstance(problem, Bad) else OTHER


def whole(path: Path) -> bytes:
    """The content of a file that must be there and not be empty."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Bad(HALF, f"{path.name} is missing") from None
    if not content:
        raise Bad(ZERO, f"{path.name} is empty")
    return content
