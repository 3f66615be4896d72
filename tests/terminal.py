"""A terminal for the tests: a pseudo-terminal, and the screen that a person would see after each piece of output.

It proves nothing by itself. `Screen` knows what the program uses (line feeds, carriage returns, cursor up, erase to the end)
and refuses everything else. A line that is as wide as the screen goes on in the next one, as on a real terminal.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from dataclasses import dataclass, field
from pathlib import Path

from support import TIMEOUT, Failure, binary, environment

UNFINISHED = re.compile(r"\x1b(\[\d*)?")
ESCAPE = re.compile(r"\x1b\[(\d*)([A-Za-z])")


@dataclass
class Screen:
    rows: int
    columns: int
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    top: int = 0  # of the window; what is above cannot be reached any more
    returned: bool = False  # the last character went to the beginning of the line: something is about to be taken back
    frames: list[str] = field(default_factory=list)  # what stood there each time before that

    def feed(self, text: str) -> str:
        """What is left over: the beginning of an escape code."""
        at = 0
        while at < len(text):
            if UNFINISHED.fullmatch(text, at):
                return text[at:]
            found = ESCAPE.match(text, at)
            if found:
                if self.returned:
                    self.frames.append(self.text)
                self.returned = False
                self.escape(int(found[1] or 1), found[2])
                at = found.end()
                continue
            self.returned = False
            self.character(text[at])
            at += 1
        return ""

    def escape(self, count: int, kind: str) -> None:
        if kind == "A":
            self.row -= count
            if self.row < self.top:
                raise Failure(f"the cursor leaves a screen of {self.rows} lines")
        elif kind == "J":
            del self.lines[self.row + 1 :]
            self.lines[self.row] = self.lines[self.row][: self.column]
        else:
            raise Failure(f"an escape code that is not expected: {kind!r}")

    def character(self, c: str) -> None:
        if c == "\r":
            self.column = 0
            self.returned = True
        elif c == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
            self.top = max(self.top, self.row - self.rows + 1)
        elif c < " " or c == "\x7f":
            raise Failure(f"a control character on the terminal: {c!r}")
        else:
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + c + line[self.column + 1 :]
            self.column += 1
            if self.column == self.columns:
                self.character("\n")
                self.column = 0

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n")


@dataclass
class Session:
    code: int
    stdout: str
    raw: str  # what came to the terminal
    frames: list[str]  # the screen each time before something was taken back, and at the end

    @property
    def last(self) -> str:
        return self.frames[-1] if self.frames else ""


def on_terminal(words: list[str], cwd: Path, rows: int = 24, columns: int = 80, term: str = "xterm") -> Session:
    """Runs the program with standard error on a terminal of that size, standard output in a file."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    out = cwd / "terminal.out"
    with out.open("wb") as stdout:
        child = subprocess.Popen([binary(), *words], cwd=cwd, env=environment(TERM=term), stdin=subprocess.DEVNULL,
                                 stdout=stdout, stderr=slave)  # fmt: skip
    os.close(slave)
    screen, raw, left = Screen(rows, columns), "", ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while True:
            try:
                piece = decoder.decode(os.read(master, 1 << 16))
            except OSError:  # EIO: nobody has the other end any more
                break
            raw += piece
            left = screen.feed(left + piece)
        return Session(child.wait(TIMEOUT), out.read_text(), raw, [*screen.frames, screen.text])
    finally:
        os.close(master)
        if child.poll() is None:
            child.kill()
            child.wait()
