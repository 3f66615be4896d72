"""Writes the seeds of the two fuzzers that arrange a disk, tree and publish: one for each thing that can stand in a
store's directory and each moment at which a publish is cut off, and the attacks that take several steps, which mutation
alone would need hours to come upon.

The numbers are those of tree_base.cc, tree_shape.cc and publish_fuzz.cc. A seed whose numbers have come to mean
something else is still a shape, only another one.
"""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

# What is done besides looking and opening, see Trial::run().
CUT_OFF, COMMIT, ADOPT, BACK, REPAIR = range(5)
# Bases.
NO_STORE, IMPORTED, PENDING, PROMOTED, SIGNED = 0, 3, 5, 6, 10
# Changes, see Shaping::change().
REMOVE, LINK, FIFO, DIRECTORY, FILE, CUT, FLIP, LONGER, MOVE, HARD_LINK, COPY = range(1, 12)
COPY_GENERATION, EDIT_MANIFEST, SEAL, MOUNT, RETARGET, RETYPE = range(12, 18)

CONTROL = ("current current2 pending history lock draft .current.tmp .gen-3.tmp .history.tmp stray gen-7 gen-000000009 "
           "gen-42 gen-largest gen-beyond 1 2 3 4 5 6").split()  # fmt: skip
NUMBERS = "0 1 2 3 4 5 6 42 largest-1 largest largest+1 largest-serial most-1 most".split()
STORE_NAMES = 11
GENERATION_NAMES = 11
CONTROL_DIRECTORY = 7  # of a store's names
SERIAL, SUB = 3, 9  # of a generation's
OUTSIDE_GENERATION, OUTSIDE_SECRET, UP, ITSELF = 16, 19, 10, 12


def control(name: str) -> bytes:
    return bytes([1, CONTROL.index(name)])


def member(generation: int, name: int) -> bytes:
    return bytes([5, generation - 1, name])


def store(name: int) -> bytes:
    return bytes([0, name])


ISSUING = bytes([3, 0])


def counter(number: str) -> bytes:
    return bytes([2, NUMBERS.index(number)])


def raw(text: bytes) -> bytes:
    return bytes([0, len(text)]) + text


def history(mask: int, highest: str) -> bytes:
    return bytes([4, mask, NUMBERS.index(highest)])


def link(slot: bytes, target: int) -> bytes:
    return bytes([LINK]) + slot + bytes([target])


def flip(slot: bytes, at: int) -> bytes:
    return bytes([FLIP]) + slot + at.to_bytes(2, "big") + bytes([at % 8])


def retarget(pointer: str, generation: int) -> bytes:
    return bytes([RETARGET, 0 if pointer == "current" else 1, generation - 1])


def edit_manifest(generation: int, field: int, *numbers: str) -> bytes:
    return bytes([EDIT_MANIFEST, generation - 1, field]) + bytes(NUMBERS.index(each) for each in numbers)


def single_changes() -> list[bytes]:
    """Each place once, with each kind of change in turn."""
    slots = [control(name) for name in CONTROL] + [store(name) for name in range(STORE_NAMES)]
    slots += [member(generation, name) for generation in (3, 4) for name in range(GENERATION_NAMES)]
    kinds = cycle(
        [
            lambda slot: bytes([REMOVE]) + slot,
            lambda slot: link(slot, OUTSIDE_GENERATION),
            lambda slot: bytes([FIFO]) + slot,
            lambda slot: flip(slot, 200),
            lambda slot: bytes([DIRECTORY]) + slot,
            lambda slot: bytes([CUT]) + slot + bytes([128]),
            lambda slot: link(slot, OUTSIDE_SECRET),
            lambda slot: bytes([FILE]) + slot + bytes([1, 6]),
            lambda slot: bytes([HARD_LINK]) + control("history") + slot,
        ]
    )
    return [next(kinds)(slot) for slot in slots]


def pointers() -> list[bytes]:
    """Pointers that lead outside, upwards, to themselves, to another generation, to nothing; and lost ones, with and
    without their record, with one generation and several."""
    lost = bytes([REMOVE]) + control("current")
    return [
        b"",
        *[link(control("current"), target) for target in (OUTSIDE_GENERATION, OUTSIDE_SECRET, UP, ITSELF, 0, 4, 5)],
        *[link(control("pending"), target) for target in (OUTSIDE_GENERATION, 0, 4, 5)],
        retarget("current", 3) + retarget("pending", 3),
        lost,
        lost + bytes([REMOVE]) + control("history"),
        lost + b"".join(bytes([REMOVE]) + control(name) for name in ("2", "3", "4", "history")),
    ]


def attacks() -> list[bytes]:
    return [
        # Members whose checksum is wrong; one that leads outside; a manifest made true again.
        *[flip(member(generation, name), 0) for generation in (3, 5) for name in range(4)],
        *[link(member(generation, 0), OUTSIDE_SECRET) for generation in (3, 5)],
        flip(member(3, 0), 9) + bytes([SEAL, 2]),
        # Records that lie about numbers, and numbers at their end.
        *[bytes([FILE]) + control("history") + history(0, top) for top in ("0", "42", "largest")],
        *[bytes([FILE]) + control("history") + history(0xFF, top) for top in ("0", "42", "largest")],
        bytes([FILE]) + control("history") + raw(b"{}"),
        bytes([COPY]) + control("3") + control("gen-largest") + bytes([REMOVE]) + control("history"),
        *[edit_manifest(generation, 2, "largest") for generation in (3, 5)],
        *[edit_manifest(generation, 4, "1") for generation in (3, 5)],
        *[edit_manifest(generation, 3, "42", "42") for generation in (3, 5)],
        # Left-overs with what no command leaves in them.
        bytes([COPY_GENERATION, 2, 4]) + bytes([DIRECTORY]) + member(5, SUB),
        bytes([COPY]) + control("3") + control(".gen-3.tmp") + bytes([REMOVE]) + control("3"),
        bytes([COPY_GENERATION, 1, 5]) + link(control("5"), OUTSIDE_GENERATION),
        link(control("lock"), OUTSIDE_SECRET),
        link(control("draft"), OUTSIDE_SECRET),
        bytes([REMOVE]) + store(CONTROL_DIRECTORY),
        # Edits that an editor left as files of their own, beside damage.
        bytes([FILE]) + store(0) + raw(b"edited") + flip(member(3, 1), 3),
        bytes([FILE]) + store(0) + raw(b"edited") + flip(member(5, 1), 3),
        bytes([FILE]) + store(5) + raw(b"edited"),
        bytes([COPY]) + member(3, 0) + store(0),
        bytes([MOUNT, 0]) + raw(b"mounted"),
    ]


def attacks_on_an_authority() -> list[bytes]:
    """Announcements of more certificates than anybody ever issued, counters at their end, stray certificates."""
    draft = bytes([DIRECTORY]) + control("draft")
    found = [draft + bytes([FILE]) + ISSUING + counter(number) for number in ("6", "42", "largest-serial", "most", "0")]
    for number in ("5", "42", "largest-serial"):
        found.append(bytes([RETYPE]) + member(5, SERIAL) + counter(number) + bytes([SEAL, 4]))
        found.append(bytes([FILE, 4, NUMBERS.index(number)]) + raw(b"not a certificate"))
    return found


def tree_seeds() -> list[bytes]:
    # Repair most often: it has the most to decide. BACK opens a CA's ledger, which is never rolled back.
    actions = cycle([REPAIR, CUT_OFF, COMMIT, ADOPT, REPAIR, BACK])
    crashes = cycle([0, 5, 9, 13, 17, 21])
    shapes = [(None, base, shape) for base in (IMPORTED, PENDING, PROMOTED, SIGNED) for shape in pointers()]
    shapes += [(None, base, shape) for base in (IMPORTED, SIGNED) for shape in attacks() + single_changes()]
    shapes += [(BACK, SIGNED, shape) for shape in attacks_on_an_authority()] + [(None, NO_STORE, b"")]
    return [bytes([next(actions) if action is None else action, next(crashes), 1]) + base.to_bytes(2, "big") + shape
            for action, base, shape in shapes]  # fmt: skip


def publish_seeds() -> list[bytes]:
    """Every moment undisturbed; some with each file in turn flipped, removed, or a link to somewhere else."""
    moments, files = 80, 9
    found = [moment.to_bytes(2, "big") for moment in range(moments)]
    for moment in range(moments // 4, moments, 8):
        for file in range(files):
            for change in (bytes([9, file, 0, 0, 1]), bytes([10, file]), bytes([2, file, 1])):
                found.append(moment.to_bytes(2, "big") + change)
    return found


def main() -> None:
    """The argument is the folder with one folder for each fuzzer."""
    for name, seeds in (("tree", tree_seeds()), ("publish", publish_seeds())):
        for number, seed in enumerate(seeds):
            (Path(sys.argv[1]) / name / f"seed-{number:03}").write_bytes(seed)


if __name__ == "__main__":
    main()
