"""Files stay small enough to be read at once, and hold nothing of the machine they were written on.

At most 400 lines a file, no trailing whitespace, a newline at the end, no absolute paths of somebody's working copy.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
MOST_LINES = 400
LONGEST_LINE = 200
SOURCE = (".cc", ".h", ".py", ".cmake", ".sh", ".ts", ".js", ".css", ".html", ".toml")
TEXT = (*SOURCE, ".md", ".txt", ".json", ".service", ".timer", ".conf")
SKIPPED = re.compile(r"^(build[^/]*|\.git|node_modules|[^/]*corpus[^/]*|testdata)(/|$)|/(node_modules|corpus|testdata)/")
# Of the machine that a file was written on: this working copy, somebody's folder for temporary files, anybody's home.
MACHINE = re.compile(
    rf"(?<![\w./$}}])({re.escape(os.fspath(TOP))}|{re.escape(tempfile.gettempdir())}/[\w-]+/|/(?:home|root)/[a-z.])")  # fmt: skip


def tracked() -> list[str]:
    """What git knows; in an unpacked archive, what there is."""
    listed = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True)  # fmt: skip
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\0") if name and (TOP / name).is_file()]
    return [os.path.relpath(os.path.join(folder, name), TOP) for folder, _, names in os.walk(TOP) for name in names]


def is_text(path: Path) -> bool:
    if path.suffix in TEXT:
        return True
    with path.open("rb") as file:
        return path.suffix == "" and file.read(2) == b"#!"


def of_file(name: str) -> list[str]:
    path = TOP / name
    if path.is_symlink() or not is_text(path):
        return []
    text = path.read_text()
    lines = text.splitlines()
    source = path.suffix in SOURCE or path.suffix == ""
    problems = []
    if source and len(lines) > MOST_LINES:
        problems.append(f"{name}: {len(lines)} lines; {MOST_LINES} at most")
    if text and not text.endswith("\n"):
        problems.append(f"{name}: no newline at the end")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            problems.append(f"{name}:{number}: trailing whitespace")
        if source and len(line) > LONGEST_LINE:
            problems.append(f"{name}:{number}: {len(line)} characters")
        if MACHINE.search(line):
            problems.append(f"{name}:{number}: a path of one machine: {line.strip()[:80]}")
    return problems


def main() -> None:
    names = [name for name in tracked() if not SKIPPED.search(name)]
    if len(names) < 100:
        sys.exit(f"Error: only {len(names)} files below {TOP}: this test looks in the wrong place")
    problems = [problem for name in sorted(names) for problem in of_file(name)]
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"Error: {len(problems)} problems")
    print(f"{len(names)} files are in order")


if __name__ == "__main__":
    main()
