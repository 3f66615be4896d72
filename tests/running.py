"""A program of ours that runs in the background and is heard: what the tests of servers share. It proves nothing by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from support import KEEPER, TIMEOUT, Failure, environment

ENDED = "(it has ended)"


class Running:
    """Starts at once; what it says is kept. With `with_us` it is nobody's to stop: it ends, and that folder goes, with the last
    process that has it. `stdout` is heard as well where it is asked for."""

    def __init__(self, words: Sequence[str | os.PathLike[str]], *, stdout: bool = True, with_us: Path | None = None,
                 user: int | None = None) -> None:  # fmt: skip
        if with_us:
            words = ["sh", "-c", KEEPER, with_us, *words]
        self.process = subprocess.Popen(list(map(os.fspath, words)), env=environment(),
                                        stdin=subprocess.PIPE if with_us else subprocess.DEVNULL,
                                        stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
                                        stderr=subprocess.STDOUT if stdout else subprocess.PIPE, text=True,
                                        process_group=0 if with_us else None, user=user, group=user)  # fmt: skip
        self.output = self.process.stdout if stdout else self.process.stderr
        self.said: list[str] = []
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.output:
            with self.heard:
                self.said.append(line)
                self.heard.notify_all()
        with self.heard:
            self.said.append(ENDED)
            self.heard.notify_all()

    def wait_for(self, text: str, times: int = 1) -> str:
        """The line that holds the text, as soon as it has been said so often."""
        def found() -> list[str]:
            return [line for line in self.said if text in line]

        with self.heard:
            self.heard.wait_for(lambda: len(found()) >= times or ENDED in self.said, TIMEOUT)
            if len(found()) < times:
                raise Failure(f"it did not say '{text}': {self.said}")
            return found()[times - 1]

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Waits for the end that somebody has asked for; a second signal would not let it come to an end in order."""
        code = self.process.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        self.output.close()
        return code
