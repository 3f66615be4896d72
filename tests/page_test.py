"""The page of the status service: its code, and every flow of it in Debian's Chromium.

page_test.py code: TypeScript's and ESLint's opinion, and the unit tests.
page_test.py mock: the flows against ui/tests/mock, which can make any state there is; screenshots into build/screenshots.
page_test.py real: the flows against the program itself, which is killed and started among them.
What is tested lies in build/ui/tree, a copy of ui/ with its packages (scripts/build-page).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support import binary, skip

TOP = Path(__file__).resolve().parent.parent
BUILT = TOP / "build" / "ui"
CODE = ("npx tsc --noEmit", "npx eslint . --max-warnings 0", "npx vitest run")


def run(words: list[str], **extra: str) -> None:
    code = subprocess.run(words, cwd=BUILT / "tree" / "ui", env={**os.environ, **extra}, stdin=subprocess.DEVNULL).returncode
    if code != 0:
        sys.exit(f"Error: {' '.join(words)} ended with {code}")


def flows(*arguments: str) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        skip("there is no Chromium; Debian's package is chromium")
    run(["node", "tests/page/run.mjs", *arguments], CHROMIUM=chromium, DIST=os.fspath(BUILT / "dist"), LOCKSTEP=binary())


def main() -> None:
    if not shutil.which("npm"):
        skip("there is no npm; Debian's package is npm")
    subprocess.run([TOP / "scripts" / "build-page"], check=True)
    match sys.argv[1:]:
        case ["code"]:
            for command in CODE:
                run(command.split())
        case ["mock", *pattern]:
            flows("--screenshots", os.fspath(TOP / "build" / "screenshots"), *pattern)
        case ["real", *pattern]:
            flows("--real", *pattern)
        case _:
            sys.exit("usage: page_test.py code | mock [PATTERN] | real [PATTERN]")


if __name__ == "__main__":
    main()
