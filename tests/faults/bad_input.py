#!/usr/bin/env python3
"""Bad input gets one clear message, the exit code of the manual, and overwrites nothing."""
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

INPUTS = pathlib.Path(__file__).parents[2] / "inputs"
GOOD = decks.balanced(draws=50, thermalise=10)

# name, (old, new) in the good deck, words that the message must have
EDITS = [
    ("unknown key", ("  beta:", "  bta:"), ["deck.yaml:9:3", "bta", "beta"]),
    ("unknown top-level key", ("chains:", "chain:"), ["deck.yaml:4:1", "chain", "chains"]),
    ("unknown key of run", ("stride:", "strde:"), ["deck.yaml:14", "strde", "stride"]),
    ("unknown group", ("run:", "runs:"), ["deck.yaml:14:1", "runs", "run"]),
    ("unknown model", ("model: balanced", "model: balnced"), ["deck.yaml:2:8", "balnced", "balanced"]),
    ("unknown choice", ("scheme: metropolis", "scheme: metropolys"), ["deck.yaml:12:11", "metropolis"]),
    ("unknown energy", ("energy: frobenius", "energy: frobenious"), ["deck.yaml:10:11", "frobenius"]),
    ("word for an integer", ("width: 3", "width: three"), ["deck.yaml:6:10", "three"]),
    ("real for an integer", ("width: 3", "width: 2.5"), ["deck.yaml:6:10", "2.5"]),
    ("list for a number", ("beta: 1.5", "beta: [1, 2]"), ["deck.yaml:9", "beta"]),
    ("mapping for a number", ("beta: 1.5", "beta: {value: 2}"), ["deck.yaml:9", "beta"]),
    ("empty value", ("beta: 1.5", "beta:"), ["deck.yaml:9", "beta"]),
    ("negative beta", ("beta: 1.5", "beta: -1"), ["deck.yaml:9:9", "-1"]),
    ("zero beta", ("beta: 1.5", "beta: 0"), ["deck.yaml:9:9", "0"]),
    ("NaN", ("beta: 1.5", "beta: .nan"), ["deck.yaml:9:9", "nan"]),
    ("infinity", ("beta: 1.5", "beta: .inf"), ["deck.yaml:9:3", "inf"]),
    ("number too large", ("beta: 1.5", "beta: 1e999"), ["deck.yaml:9:9", "1e999"]),
    ("zero width", ("width: 3", "width: 0"), ["deck.yaml:6:10", "0"]),
    ("huge width", ("width: 3", "width: 1000000"), ["deck.yaml:6:10", "1000000"]),
    ("depth 0", ("[1, 2, 5]", "[0, 2, 5]"), ["deck.yaml:8", "0"]),
    ("depth a word", ("[1, 2, 5]", "[1, two, 5]"), ["deck.yaml:8", "two"]),
    ("empty sweep", ("[1, 2, 5]", "[]"), ["deck.yaml:8", "sweep"]),
    ("value twice in a sweep", ("[1, 2, 5]", "[1, 2, 2]"), ["deck.yaml:8", "2"]),
    ("misspelt sweep", ("depth: {sweep:", "depth: {sweeep:"), ["deck.yaml:8", "sweep"]),
    ("zero chains", ("chains: 5", "chains: 0"), ["deck.yaml:4:9", "0"]),
    ("negative seed", ("seed: 11", "seed: -3"), ["deck.yaml:3:7", "-3"]),
    ("zero draws", ("draws: 50", "draws: 0"), ["draws", "0"]),
    ("bad time", ("checkpoint: 1 s", "checkpoint: soon"), ["deck.yaml:14", "soon"]),
    ("no model", ("model: balanced\n", ""), ["model"]),
    ("no seed", ("seed: 11\n", ""), ["seed"]),
    ("no width", ("  width: 3\n", ""), ["width"]),
    ("duplicate key", ("seed: 11\n", "seed: 11\nseed: 12\n"), ["deck.yaml:4:1", "seed"]),
    ("duplicate parameter", ("  beta: 1.5\n", "  beta: 1.5\n  beta: 2\n"), ["deck.yaml:10:3", "beta"]),
    ("tab", ("  beta: 1.5", "\tbeta: 1.5"), ["deck.yaml:9"]),
    ("unclosed brace", ("{sweep: [0, 1]}", "{sweep: [0, 1]"), ["deck.yaml:"]),
    ("anchor", ("beta: 1.5", "beta: &b 1.5"), ["deck.yaml:9"]),
    ("two documents", ("output: out.h5\n", "output: out.h5\n---\na: 1\n"), ["deck.yaml:"]),
    ("no law at infinite depth", ("[1, 2, 5]", "[1, 2, inf]"),
     ["deck.yaml:8", "no Gibbs law", "excess >= 1", "complex", "weylmc fit"]),
    ("rank above the width", ("  width: 3\n", "  width: 3\n  rank: 4\n"),
     ["deck.yaml:7:3", "rank 4", "smallest width is 3", "rank <= 3"]),
    ("rank above a hidden width", ("  width: 3\n", "  widths: [3, 2, 3]\n  rank: 3\n"),
     ["deck.yaml:7:3", "rank 3", "smallest width is 2", "rank <= 2"]),
    ("width and widths", ("  width: 3\n", "  width: 3\n  widths: [3, 2, 3]\n"),
     ["deck.yaml:7:3", "both of width and widths"]),
    ("widths and excess", ("  width: 3\n", "  widths: [3, 2, 3]\n"), ["excess", "no effect without width", "here width is absent"]),
    ("widths for another depth", ("  width: 3\n", "  widths: [3, 4, 5, 3]\n"),
     ["deck.yaml:6:3", "4 widths found, depth is 1", "three"]),
    ("half a width", ("  width: 3\n", "  widths: [3, 2.5, 3]\n"), ["deck.yaml:6:3", "whole numbers"]),
    ("spectrum with a target", ("energy: frobenius", "energy: {kind: target, diag: [1, 2, 3]}"),
     ["deck.yaml:", "observable"]),
    ("ladder out of order", ("beta: 1.5", "beta: 1.5\n  ladder: [1, 1.5, 1.2]"),
     ["deck.yaml:10", "ladder", "sort"]),
    ("ladder with a rung twice", ("beta: 1.5", "beta: 1.5\n  ladder: [1, 1.5, 1.5]"),
     ["deck.yaml:10", "ladder", "repeated"]),
    ("ladder with a rung of 0", ("beta: 1.5", "beta: 1.5\n  ladder: [0, 1.5]"),
     ["deck.yaml:10", "ladder", "> 0", "'0'"]),
    ("ladder without beta", ("beta: 1.5", "beta: 1.5\n  ladder: [1, 2]"),
     ["deck.yaml:9", "1.5", "beta: 2"]),
    ("complex completion without a law",
     ("energy: frobenius\n  formulation: spectrum",
      "field: complex\n  energy: {kind: completion, diag: [1, 2, 3]}\n  formulation: observable"),
     ["deck.yaml:11", "no Gibbs law exists", "add decay"]),
    ("scheme of another formulation",
     ("formulation: spectrum\n  scheme: metropolis", "formulation: parameters\n  scheme: heun"),
     ["deck.yaml:12", "scheme heun", "formulation parameters", "euler or metropolis"]),
    ("diag without target", ("energy: frobenius", "energy: {kind: frobenius, diag: [1, 2, 3]}"),
     ["deck.yaml:10", "diag", "target"]),
]

FILES = [  # with formulation observable; the data files are made below
    ("a mask that no term uses", "{kind: sum, frobenius: 1, mask: 'iris.h5:/measurements'}",
     ["energy.mask", "not used", "completion"]),
    ("a target that no term uses", "{kind: sum, decay: 1, frobenius: 1, diag: [1, 2, 3]}",
     ["energy.diag", "not used", "target or completion"]),
    ("diag of the wrong length", "{kind: target, diag: [1, 2]}", ["energy.diag", "2", "3"]),
    ("missing file", "{kind: target, matrix: 'nowhere.h5:/phi'}", ["nowhere.h5"]),
    ("not HDF5", "{kind: target, matrix: 'text.h5:/phi'}", ["text.h5"]),
    ("empty file", "{kind: target, matrix: 'empty.h5:/phi'}", ["empty.h5"]),
    ("no such dataset", "{kind: target, matrix: 'iris.h5:/measurement'}", ["measurement", "measurements"]),
    ("wrong shape", "{kind: target, matrix: 'iris.h5:/measurements'}", ["150", "4", "3"]),
    ("regression of the wrong width",
     "{kind: regression, inputs: 'iris.h5:/measurements', labels: 'iris.h5:/measurements'}", ["4", "3"]),
    ("labels missing", "{kind: regression, inputs: 'iris.h5:/measurements'}", ["labels"]),
    ("no dataset in the name", "{kind: target, matrix: 'iris.h5'}", ["iris.h5"]),
]


def refused(report, folder, name, arguments, code, words, ranks=1):
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    done = harness.run(folder, *arguments, ranks=ranks)
    text = done.stderr
    missing = [w for w in words if w not in text]
    after = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    good = done.returncode == code and not missing and "MPI_ABORT" not in text
    report.check(f"{name}: exit {code}, message", good,
                 f"exit {done.returncode}, missing {missing} in:\n{text}")
    report.check(f"{name}: nothing written", before == after, str(set(after) ^ set(before)))
    return text


def bad_decks(report, folder):
    deck = folder / "deck.yaml"
    for name, (old, new), words in EDITS:
        assert old in GOOD, old
        deck.write_text(GOOD.replace(old, new, 1))
        text = refused(report, folder, name, ["run", "deck.yaml"], 65, words)
        report.check(f"{name}: the first line says where",
                     name.startswith("no ") or text.startswith("deck.yaml:"), text)
    for name, content, words in (
            ("empty deck", b"", ["deck.yaml", "empty"]), ("blank deck", b"\n\n  \n# nothing\n", ["deck.yaml"]),
            ("binary deck", bytes(range(256)) * 8, ["deck.yaml"]), ("a list", b"- 1\n- 2\n", ["deck.yaml"]),
            ("a word", b"balanced\n", ["deck.yaml"]),
            ("10 MB deck", b"title: a\n" + b"# filler filler filler\n" * 450000, ["deck.yaml", "MB"])):
        deck.write_bytes(content)
        refused(report, folder, name, ["run", "deck.yaml"], 65, words)
    for name, energy, words in FILES:
        text = GOOD.replace("energy: frobenius", f"energy: {energy}").replace("spectrum", "observable")
        deck.write_text(text)
        refused(report, folder, name, ["run", "deck.yaml"], 65, words)
    for command in ("run", "check"):
        layers = GOOD.replace("spectrum", "parameters")
        deck.write_text(layers.replace("[1, 2, 5]", "[1, 2, 1e12]"))
        refused(report, folder, f"depth beyond all memory, {command}", [command, "deck.yaml"], 65,
                ["deck.yaml:8", "depth 1e+12", "keeps every layer", "fit", "formulation: observable"])
        deck.write_text(layers.replace("[1, 2, 5]", "[1, 2, 100000]").replace("chains: 5", "chains: 1000000"))
        refused(report, folder, f"chains beyond all memory, {command}", [command, "deck.yaml"], 65,
                ["deck.yaml: chains", "1000000", "use at most"])
    deck.write_text(GOOD.replace("beta: 1.5", "beta: -1").replace("chains: 5", "chains: x")
                    .replace("stride", "strike"))
    text = refused(report, folder, "three errors", ["run", "deck.yaml"], 65, ["-1", "chains", "strike"])
    report.check("three errors: one line each, in order",
                 [l.split(":")[1] for l in text.splitlines() if l.startswith("deck.yaml:")]
                 == ["4", "9", "14"], text)
    deck.write_text(GOOD.replace("beta: 1.5", "beta: -1"))
    text = refused(report, folder, "three ranks, one message", ["run", "deck.yaml"], 65, ["-1"], ranks=3)
    report.check("three ranks, one message: once", text.count("deck.yaml:9:9") == 1, text)


def bad_outputs(report, folder):
    deck = folder / "deck.yaml"
    deck.write_text(GOOD)
    for name, output, words in (
            ("missing folder", "no/such/out.h5", ["no/such/out.h5"]),
            ("folder as output", "somewhere", ["somewhere"]),
            ("file as folder", "text.h5/out.h5", ["text.h5/out.h5"]),
            ("output is a text file", "text.h5", ["text.h5"]),
            ("output is another's HDF5 file", "iris.h5", ["iris.h5"]),
            ("output is empty", "empty.h5", ["empty.h5"])):
        text = refused(report, folder, name, ["run", "deck.yaml", "-o", output], 73, words)
        lines = [line for line in text.splitlines() if line.startswith(output)]
        report.check(f"{name}: one message", len(lines) == 1 and "name a results file" not in text, text)
    done = harness.run(folder, "run", "deck.yaml", "-o", "first.h5")
    report.check("a good run", done.returncode == 0, done.stderr)
    refused(report, folder, "output of another run", ["run", "deck.yaml", "-o", "first.h5", "--set", "seed=5"],
            73, ["seed", "11", "5"])
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.geteuid() != 0:
        refused(report, folder, "read-only folder", ["run", "deck.yaml", "-o", "locked/out.h5"], 73,
                ["locked/out.h5"])
    elif shutil.which("setpriv"):  # root may write anywhere: try as nobody, in a folder it may enter
        folder.chmod(0o755)
        old = harness.PROGRAM
        harness.PROGRAM = shutil.which("setpriv")
        done = harness.run(folder, "--reuid=65534", "--clear-groups", old, "run", "deck.yaml", "-o",
                           "locked/out.h5", environment={"HOME": "/tmp"})
        harness.PROGRAM = old
        report.check("read-only folder: exit 73",
                     done.returncode == 73 and "locked/out.h5" in done.stderr,
                     f"{done.returncode} {done.stderr}")
    else:
        report.skip("read-only folder", "root may write anywhere and setpriv is missing")


def long_strides(report, folder):
    """`check` takes the time of steps, however many of them a draw has."""
    (folder / "deck.yaml").write_text(GOOD)
    done = harness.run(folder, "check", "deck.yaml", "--set", "run.stride=1000000000000000", timeout=60)
    report.check("check: strides of many years", done.returncode == 0 and "days of one core" in done.stdout,
                 done.stderr + done.stdout)


def bad_command_lines(report, folder):
    (folder / "deck.yaml").write_text(GOOD)
    for name, arguments, words in (
            ("no command", [], ["weylmc run"]), ("unknown command", ["rnu"], ["rnu", "run"]),
            ("no deck", ["run"], ["DECK"]), ("unknown option", ["run", "deck.yaml", "--waltime=3"], ["--walltime"]),
            ("option without value", ["run", "deck.yaml", "-o"], ["--output"]),
            ("one too many", ["run", "deck.yaml", "other"], ["other"]),
            ("bad walltime", ["run", "deck.yaml", "--walltime", "soon"], ["soon"]),
            ("malformed --set", ["run", "deck.yaml", "--set", "beta"], ["beta"]),
            ("unknown observable", ["show", "first.h5", "enrgy"], ["enrgy", "energy"]),
            ("unknown form", ["fit", "first.h5", "--form", "linaer"], ["linear"]),
            ("unknown name", ["explain", "balancd"], ["balanced"])):
        refused(report, folder, name, arguments, 2, words)
    for name, arguments, words in (
            ("--set of an unknown key", ["run", "deck.yaml", "--set", "parameters.bta=2"], ["bta", "beta"]),
            ("--set out of range", ["run", "deck.yaml", "--set", "parameters.beta=-2"], ["-2"]),
            ("missing deck", ["run", "nowhere.yaml"], ["nowhere.yaml"]),
            ("a folder as deck", ["run", "somewhere"], ["somewhere"]),
            ("show a text file", ["show", "text.h5"], ["text.h5"]),
            ("show a missing file", ["show", "nowhere.h5"], ["nowhere.h5"]),
            ("show another's HDF5 file", ["show", "iris.h5"], ["iris.h5"]),
            ("check of a bad deck", ["check", "deck.yaml", "--set", "chains=-1"], ["-1"])):
        refused(report, folder, name, arguments, 65, words)


report = harness.Report()
with harness.Folder() as folder:
    (folder / "text.h5").write_text("not HDF5\n" * 100)
    (folder / "empty.h5").write_bytes(b"")
    (folder / "somewhere").mkdir()
    shutil.copy(INPUTS / "iris.h5", folder)
    bad_decks(report, folder)
    bad_outputs(report, folder)
    bad_command_lines(report, folder)
    long_strides(report, folder)
report.close()
