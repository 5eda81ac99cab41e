#!/usr/bin/env python3
"""Other ways to build: formatting, clang without warnings, gcc with sanitizers.

(The main build is gcc's; under CI=true its warnings are errors. With sanitizers gcc warns of paths
that it made up itself, so there they are not.)

usage: builds.py SOURCE_ROOT BUILD_ROOT; the builds are kept in BUILD_ROOT/lint and reused.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import harness  # noqa: E402

ROOT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / "lint"
ENVIRONMENT = dict(harness.ENVIRONMENT, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
                   UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
# (-g1: to follow variables through kernels takes the compiler minutes.)
BUILDS = {  # name: compiler, meson options, test programs that are run
    "clang": ("clang", ["-Dwerror=true"], []),
    "sanitized gcc": ("gcc", ["-Db_sanitize=address,undefined", "-Db_lundef=false",
                              "-Dbuildtype=debug", "-Doptimization=1", "-Db_ndebug=false",
                              "-Dc_args=-g1"], ["unit", "check"]),
}


def call(arguments, **options):
    return subprocess.run(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, **options)


def check_format(report):
    if not shutil.which("clang-format"):
        report.skip("formatting", "clang-format is not installed")
        return
    files = sorted(str(p) for top in ("src", "include", "tests") for p in (ROOT / top).rglob("*.[ch]"))
    done = call(["clang-format", "--dry-run", "-Werror", *files])
    report.check(f"formatting of {len(files)} files", done.returncode == 0, done.stdout[:4000])


def build(report, name, compiler, options):
    folder = BUILD / name.replace(" ", "-")
    if not shutil.which(compiler):
        report.skip(name, f"{compiler} is not installed")
        return None
    if not (folder / "build.ninja").exists():
        done = call(["meson", "setup", str(folder), str(ROOT), *options],
                    env=dict(os.environ, CC=compiler))
        if not report.check(f"{name}: configures", done.returncode == 0, done.stdout[-4000:]):
            return None
    done = call(["ninja", "-C", str(folder)])
    good = report.check(f"{name}: builds", done.returncode == 0, done.stdout[-6000:])
    return folder if good else None


def run_tests(report, name, folder, programs):
    for program in programs:
        done = call([str(folder / "tests" / f"test_{program}"), "--color=never", "-j1"], env=ENVIRONMENT)
        closing = re.search(r"Synthesis: .*", done.stdout)
        report.check(f"{name}: {program} ({closing[0] if closing else 'no closing line'})",
                     done.returncode == 0 and closing, done.stdout[-6000:])


def run_program(report, name, folder):
    """The whole program, on 1 to 7 ranks: the run layer has few unit tests."""
    script = str(pathlib.Path(__file__).parents[1] / "mpi" / "ranks.py")
    done = call([sys.executable, script], env=dict(ENVIRONMENT, WEYLMC=str(folder / "src/cli/weylmc")))
    closing = done.stdout.strip().splitlines()[-1:]
    report.check(f"{name}: program on 1 to 7 ranks ({closing})", done.returncode == 0, done.stdout[-6000:])


report = harness.Report()
check_format(report)
for name, (compiler, options, programs) in BUILDS.items():
    folder = build(report, name, compiler, options)
    if folder and programs:
        run_tests(report, name, folder, programs)
        run_program(report, name, folder)
report.close()
