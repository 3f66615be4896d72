"""Which disk states a power cut can leave, given a recording: a pure function of the events, the limits and a seed.

It proves nothing by itself; power_cut.py mounts what this lists.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

_EXHAUSTIVE = 7  # up to so many writes between two flushes, every subset is a state
_SAMPLES = 48  # beyond that, so many subsets
_PAGE = 4096  # a larger write may arrive in part


@dataclass(frozen=True, order=True)
class State:
    prefix: int  # events that are all on the disk
    pieces: tuple[str, ...]  # what else got there: EVENT or EVENT:BEGIN-END
    after_success: bool  # the command had reported success before the power went
    step: str  # the last step that the command had begun

    @property
    def text(self) -> str:
        return " ".join([str(self.prefix), *self.pieces])


@dataclass(frozen=True)
class Recording:
    writes: int
    flushes: int
    states: tuple[State, ...]
    exhaustive: bool  # every subset between every two flushes is among the states


def _subsets(pending: list[int], sizes: dict[int, int], chance: random.Random) -> Iterator[tuple[str, ...]]:
    if len(pending) <= _EXHAUSTIVE:
        for mask in range(1 << len(pending)):
            yield tuple(str(event) for bit, event in enumerate(pending) if mask >> bit & 1)
    else:
        for count in range(len(pending) + 1):  # in their order, as far as they came
            yield tuple(map(str, pending[:count]))
        for left_out in range(len(pending)):
            yield tuple(str(event) for position, event in enumerate(pending) if position != left_out)
        for _ in range(_SAMPLES):
            share = chance.random()
            yield tuple(str(event) for event in pending if chance.random() < share)
    # A large write is not atomic: a part of one, with any of the others.
    for torn in pending:
        if sizes[torn] > _PAGE:
            cut = chance.randrange(1, sizes[torn] // _PAGE + (sizes[torn] % _PAGE != 0)) * _PAGE
            part = f"{torn}:0-{cut}" if chance.random() < 0.5 else f"{torn}:{cut}-{sizes[torn]}"
            yield tuple(part if event == torn else str(event) for event in pending if event == torn or chance.random() < 0.5)


def enumerate_states(events: list[str], seed: str, success: str = "success") -> Recording:
    """`events` as recording_disk lists them, with one mark `success`."""
    chance = random.Random(seed)
    sizes = {number: int(event.split()[2]) for number, event in enumerate(events) if event.startswith("W")}
    flushes = [number for number, event in enumerate(events) if event == "F"]
    states: dict[tuple[int, tuple[str, ...]], State] = {}
    succeeded, exhaustive, step = False, True, "before the first step"
    for begin, end in zip([0, *(number + 1 for number in flushes)], [*flushes, len(events)]):
        pending = [number for number in range(begin, end) if number in sizes]
        for number in range(begin, end):
            if events[number].startswith("M "):
                succeeded = succeeded or events[number] == f"M {success}"
                step = events[number][2:]
        exhaustive = exhaustive and len(pending) <= _EXHAUSTIVE
        for pieces in _subsets(pending, sizes, chance):
            # Any of these may be what was there at the segment's end: after success when the mark lies before that.
            states.setdefault((begin, pieces), State(begin, pieces, succeeded, step))
    return Recording(len(sizes), len(flushes), tuple(states.values()), exhaustive)


def choose(states: tuple[State, ...], limit: int | None, seed: str) -> list[State]:
    """`limit` of the states, half of them after success when there are so many; in the order of the recording."""
    if limit is None or len(states) <= limit:
        return sorted(states)
    chance = random.Random(seed)
    late = [state for state in states if state.after_success]
    early = [state for state in states if not state.after_success]
    some_late = min(len(late), max(limit // 4, limit - len(early)))
    return sorted([*chance.sample(late, some_late), *chance.sample(early, limit - some_late)])
