"""Installs the library into an empty prefix and builds the documented example with find_package and with pkg-config."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ["LOCKSTEP_BUILD"])


def run(*command, **options) -> str:
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if finished.returncode != 0:
        sys.exit(f"{' '.join(str(word) for word in command)}: exit {finished.returncode}\n"
                 f"{finished.stdout}{finished.stderr}")
    return finished.stdout


def check_program(program: Path, folder: Path) -> None:
    folder.mkdir()
    for generation in (1, 2):
        said = run(program, cwd=folder)
        if said != f"generation {generation} is live and on disk\n":
            sys.exit(f"{program} said: {said}")
    if (folder / "settings/limits.json").read_text() != '{"max": 7}\n':
        sys.exit("the example's file has other content")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        prefix = work / "prefix"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        example = ROOT / "docs/library/example.cc"
        if example.read_text() not in (ROOT / "docs/library/README.md").read_text():
            sys.exit("docs/library/README.md does not show example.cc as it is")

        project = work / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(example LANGUAGES CXX)\nset(CMAKE_CXX_STANDARD 23)\n"
            "find_package(lockstep 0.1 REQUIRED)\n"
            f"add_executable(example {example})\ntarget_link_libraries(example lockstep::durable)\n")
        run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", project / "build")
        check_program(project / "build/example", work / "first")

        found = next(prefix.glob("**/lockstep.pc"))
        environment = dict(os.environ, PKG_CONFIG_PATH=str(found.parent))
        flags = run("pkg-config", "--cflags", "--libs", "lockstep", env=environment).split()
        run("g++", "-std=c++23", example, "-o", work / "example", *flags)
        check_program(work / "example", work / "second")

        version = run(prefix / "bin/lockstep", "--version")
        print(f"installed {version.strip()}: example built with find_package and with pkg-config")


if __name__ == "__main__":
    main()
