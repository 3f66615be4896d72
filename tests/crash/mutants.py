"""Breaks the product on purpose, one place at a time, and shows which rig notices.

Each mutant is one change of the source in a copy of the tree, built and given to every rig. A mutant that no rig
notices is a hole in the proof and fails this program. The unchanged copy must be green everywhere, or red says nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_TOP = Path(__file__).resolve().parent.parent.parent
_COPIED = ("CMakeLists.txt", "CMakePresets.json", "README.md", "ARCHITECTURE.md", "bench", "cmake", "docs", "fuzz",
           "packaging", "scripts", "src", "tests")  # fmt: skip
_SEED = "1"


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    edits: tuple[tuple[str, str], ...]  # old and new text; each old one occurs once


MUTANTS = (
    Mutant("none", "src/durable/store_commit.cc", ()),
    Mutant("no fsync of the members", "src/durable/store_commit.cc", (("TRY(unsynced.sync());", "unsynced.abandon();"),)),
    Mutant("no fsync of the pointer", "src/durable/store_commit.cc",
           (("Status synced = control_->sync();\n  if (!synced) {\n    // Never",
             "Status synced;\n  if (!synced) {\n    // Never"),)),
    Mutant("rename before fsync", "src/durable/atomic_file.cc",
           (("  return temporary.file->sync();", "  return {};"),
            ("  if (!status) {\n    const Status removed = directory.remove_file(temporary.name);",
             "  if (status) status = temporary.file->sync();\n"
             "  if (!status) {\n    const Status removed = directory.remove_file(temporary.name);"))),
    Mutant("checksums not compared", "src/durable/snapshot.cc",
           ((" || crypto::sha256_hex(content) != member->sha256) return", ") return"),
            ("if (digest.finish_hex() != member->sha256) return fail(edited(name));", ""))),
    Mutant("stable names not repaired", "src/durable/store_open.cc",
           (("  TRY(create_stable_names(*store_, names.missing));\n", ""),)),
    Mutant("errors of close ignored", "src/durable/unsynced_files.cc",
           (("TRY(files_.back()->close());", "static_cast<void>(files_.back()->close());"),)),
    Mutant("a failed fsync is tried again", "src/durable/unsynced_files.cc",
           (("TRY(files_.back()->sync());", "if (!files_.back()->sync()) TRY(files_.back()->sync());"),)),
    Mutant("a swept first commit is not made durable", "src/durable/store_open.cc",
           (("if (swept && !live_) TRY(control_->sync());", "static_cast<void>(swept);"),)),
)  # fmt: skip

_PYTHON = (sys.executable, "-B")
_RIGS = {
    "explorer": (("build/durable_test", "--gtest_filter=*Durable*", "--gtest_fail_fast"),
                 ("build/cli_test", "--gtest_fail_fast")),
    "sweep": ((*_PYTHON, "tests/sweep.py", "--sample", "40", "--seed", _SEED),),
    "power cut": ((*_PYTHON, "tests/crash/power_cut.py", "--file-system", "ext4", "--states", "60", "--seed", _SEED),
                  (*_PYTHON, "tests/crash/power_cut.py", "--file-system", "btrfs", "--states", "30", "--seed", _SEED)),
    "failing disk": ((*_PYTHON, "tests/crash/failing_disk.py", "--file-system", "ext4", "--faults", "10", "--seed", _SEED),),
    "shutdown": ((*_PYTHON, "tests/crash/shutdown.py", "--delays", "0"),),
    "commands": (("build/durable_test", "--gtest_filter=-*Durable*:*Mutated*:Parallel*:Moments*"),
                 ("ctest", "--test-dir", "build", "-R", "^(cli_|damage|ca$|certstore$)", "-j2")),
}  # fmt: skip


def copy_tree(to: Path) -> None:
    for name in _COPIED:
        source = _TOP / name
        if source.is_dir():
            shutil.copytree(source, to / name, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy2(source, to / name)


def mutate(tree: Path, mutant: Mutant) -> str:
    """Changes the copy and returns what the file held before."""
    path = tree / mutant.file
    before = text = path.read_text()
    for old, new in mutant.edits:
        if text.count(old) != 1:
            raise SystemExit(f"Error: {mutant.name}: '{old}' occurs {text.count(old)} times in {mutant.file}; mend the mutant")
        text = text.replace(old, new)
    path.write_text(text)
    return before


def build(tree: Path) -> None:
    # Where the tree lies is no part of the cache's key: most objects are the product's own.
    environment = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
    for command in (
        ("cmake", "--preset", "release", "-DLOCKSTEP_TESTS=ON", "-DLOCKSTEP_BENCH=OFF"),
        ("cmake", "--build", "--preset", "release", "--target", "lockstep", "durable_test", "cli_test", "ca_test",
         "certstore_test", "recording_disk", "step_fsync", "atomic_write"),
    ):  # fmt: skip
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"Error: the mutant does not build:\n{(done.stdout + done.stderr)[-3000:]}")


def notices(tree: Path, commands: tuple[tuple[str, ...], ...], log: Path) -> bool:
    environment = {**os.environ, "LOCKSTEP": str(tree / "build" / "lockstep"), "LOCKSTEP_DEEP": "0"}
    for command in commands:
        with log.open("a") as out:
            out.write(f"$ {' '.join(command)}\n")
            out.flush()
            done = subprocess.run(command, cwd=tree, env=environment, stdout=out, stderr=subprocess.STDOUT)
        if done.returncode == 77:
            raise SystemExit(f"Error: {' '.join(command)} was skipped: it can notice nothing")
        if done.returncode != 0:
            return True
    return False


def main() -> int:
    names = [mutant.name for mutant in MUTANTS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutant", choices=names, action="append", help="only this one; may be repeated")
    parser.add_argument("--rig", choices=list(_RIGS), action="append", help="only this one; may be repeated")
    parser.add_argument("--folder", type=Path, default=_TOP / "build-mutants", help="where the copy and the logs go")
    options = parser.parse_args()
    rigs = options.rig or list(_RIGS)
    tree = options.folder / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    copy_tree(tree)
    print(f"{'mutant':42}" + "".join(f"{rig:>14}" for rig in rigs) + f"{'s':>6}", flush=True)
    failed = False
    for mutant in [one for one in MUTANTS if one.name in (options.mutant or names)]:
        began = time.monotonic()
        before = mutate(tree, mutant)
        build(tree)
        log = options.folder / f"{mutant.name.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        print(f"{mutant.name:42}", end="", flush=True)
        seen = []
        for rig in rigs:
            seen.append(notices(tree, _RIGS[rig], log))
            print(f"{'RED' if seen[-1] else 'green':>14}", end="", flush=True)
        print(f"{time.monotonic() - began:>6.0f}", flush=True)
        (tree / mutant.file).write_text(before)
        failed = failed or (any(seen) if not mutant.edits else not any(seen))
    if failed:
        print(f"FAILED: a mutant that nothing noticed, or a rig that is red without one; see the logs in {options.folder}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
