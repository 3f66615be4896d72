"""The include graph of src/ is the picture of the architecture: each library uses only those below it.

Tests (`*_test.cc` and the `*_fixture.h` that they share) may also use `testing`. Headers of the system and of other
people's libraries stay behind the library that wraps them. The order in src/CMakeLists.txt and the DEPENDS of each
library must say the same.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
SOURCE = TOP / "src"

# What each library may use directly. `cli` names the concrete types of everything.
ARROWS = {
    "base": set(),
    "log": {"base"},
    "http": {"base"},
    "dns": {"crypto", "base"},
    "fs": {"base"},
    "crypto": {"base"},
    "durable": {"fs", "crypto", "base"},
    "x509": {"crypto", "base"},
    "ca": {"x509", "crypto", "durable", "fs", "base"},
    "issuing": {"ca", "x509", "crypto", "durable", "fs", "http", "base"},
    "certstore": {"x509", "crypto", "durable", "fs", "base"},
    "acme": {"http", "dns", "x509", "crypto", "durable", "fs", "base"},
    "device": {"x509", "crypto", "durable", "fs", "http", "base"},
    "agent": {"device", "acme", "certstore", "x509", "crypto", "durable", "fs", "http", "log", "base"},
    "service": {"agent", "issuing", "certstore", "acme", "ca", "x509", "crypto", "durable", "fs", "http", "log", "base"},
    "testing": {"base", "fs", "durable", "http", "crypto", "x509"},
}
ARROWS["cli"] = set(ARROWS) - {"testing"}

# Headers from outside, and the only places that may include them.
OUTSIDE = {
    r"openssl/": ("crypto/", "x509/", "http/"),
    r"(curl|boost)/": ("http/",),
    r"ldns/": ("dns/",),
    r"(unistd\.h|fcntl\.h|dirent\.h|sys/(stat|file|ioctl|xattr|mman|statvfs)\.h)": (
        "fs/", "testing/", "http/", "dns/exchange.cc", "cli/system_environment.cc", "cli/group_lookup.cc"),
    r"(grp\.h|pwd\.h)": ("cli/group_lookup.cc",),
    r"sys/random\.h": ("base/system.cc",),
    r"CLI/": ("cli/",),
    r"toml\+\+/": ("cli/", "agent/"),
    r"g(test|mock)/": ("testing/",),
}  # fmt: skip

# What asks the system for the time, randomness or the environment is passed in from the top.
ASKED = re.compile(r"\b(system_clock|steady_clock|random_device|getenv|gettimeofday|clock_gettime|time\(nullptr\))")
MAY_ASK = ("base/system.cc", "cli/main.cc", "cli/system_environment.cc", "testing/")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def is_test(path: Path) -> bool:
    return path.name.endswith(("_test.cc", "_fixture.h", "_cases.h"))


def outside_problem(name: str, header: str, test: bool) -> str | None:
    for pattern, places in OUTSIDE.items():
        if re.match(pattern, header) and not test and not name.startswith(places):
            return f"src/{name}: <{header}> belongs into {', '.join(places)} only"
    return None


def inside_problem(name: str, header: str, test: bool) -> str | None:
    library, _, _ = header.partition("/")
    own = name.split("/")[0]
    if not (SOURCE / header).is_file():
        return f'src/{name}: "{header}" is not a file below src/'
    allowed = ARROWS[own] | {own} | ({"testing"} | ARROWS["testing"] if test else set())
    if library not in allowed:
        return f'src/{name}: {own} may not use {library} ("{header}")'
    return None


def of_file(path: Path) -> list[str]:
    name = path.relative_to(SOURCE).as_posix()
    if name.split("/")[0] not in ARROWS:
        return [f"src/{name}: the picture has no library of this name"]
    text = path.read_text()
    test = is_test(path)
    problems = [outside_problem(name, system, test) if system else inside_problem(name, own, test)
                for own, system in INCLUDE.findall(text)]  # fmt: skip
    asked = ASKED.search(re.sub(r"//.*", "", text))
    if asked and not test and not name.startswith(MAY_ASK):
        problems.append(f"src/{name}: asks the system ({asked[1]}); it must be passed in")
    if path.suffix == ".h" and "#pragma once" not in text:
        problems.append(f"src/{name}: no #pragma once")
    return [problem for problem in problems if problem]


def of_build() -> list[str]:
    """DEPENDS may name only what the arrows allow."""
    problems = []
    for path in sorted(SOURCE.glob("*/CMakeLists.txt")):
        own = path.parent.name
        declared = re.search(r"lockstep_library\(\s*(\w+)\s+DEPENDS\s+([a-z0-9 ]+?)\s*(?=[A-Z)\n])", path.read_text())
        for library in declared[2].split() if declared else []:
            if library not in ARROWS[own]:
                problems.append(f"{path.relative_to(TOP)}: {own} may not depend on {library}")
    return problems


def acyclic() -> list[str]:
    problems = []
    for start in ARROWS:
        reached, open_ends = set(), set(ARROWS[start])
        while open_ends:
            library = open_ends.pop()
            reached.add(library)
            open_ends |= ARROWS[library] - reached
        if start in reached:
            problems.append(f"the picture itself has a cycle through {start}")
    return problems


def main() -> None:
    files = sorted(path for pattern in ("*/*.h", "*/*.cc") for path in SOURCE.glob(pattern))
    if len(files) < 100:
        sys.exit(f"Error: only {len(files)} files below {SOURCE}: this test looks in the wrong place")
    problems = [problem for path in files for problem in of_file(path)] + of_build() + acyclic()
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"Error: {len(problems)} arrows that the picture does not have")
    print(f"{len(files)} files use only what is below them")


if __name__ == "__main__":
    main()
