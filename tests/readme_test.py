"""Runs the README's session in an empty directory and compares what is printed; times and the directory's path may
differ."""
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import support

README = Path(__file__).resolve().parent.parent / "README.md"


def sessions(text: str) -> list[list[tuple[str, str]]]:
    """The console blocks: lists of (command, what it prints)."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        found.append([tuple(step.split("\n", 1)) for step in steps])
    return found


def normalized(text: str, directory: str) -> list[str]:
    text = text.replace(directory, "/srv/demo")
    return [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", line) for line in text.splitlines()]


def main() -> None:
    blocks = sessions(README.read_text())
    if not blocks or len(blocks[0]) < 5:
        sys.exit("README.md has no session to run")
    with tempfile.TemporaryDirectory() as directory:
        for command, expected in (step for block in blocks for step in block):
            words = shlex.split(command)
            if words[0] == "lockstep":
                words[0] = support.binary()
            run = subprocess.run(words, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 check=False)
            shown, printed = normalized(expected, directory), normalized(run.stdout, directory)
            if run.returncode != 0 or sorted(shown) != sorted(printed):
                sys.exit(f"$ {command}\nexit {run.returncode}; README shows:\n{expected}\nprinted:\n{run.stdout}")
    print(f"README: {sum(len(block) for block in blocks)} commands print what it says")


if __name__ == "__main__":
    main()
