#!/usr/bin/env python3
"""Going on with a run: more draws, changed physics, damaged and missing checkpoints."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

report = harness.Report()


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 0x10
    path.write_bytes(data)


def more_draws(folder, name, deck):
    path = folder / "deck.yaml"
    path.write_text(deck)
    short = harness.run(folder, "run", path, "--set", "run.draws=137", "-o", "grown.h5")
    report.check(f"{name}: short run", short.returncode == 0, short.stderr)
    grown = harness.run(folder, "run", path, "-o", "grown.h5", ranks=2)
    report.check(f"{name}: raising draws goes on", grown.returncode == 0 and "going on" in grown.stderr,
                 grown.stderr)
    harness.run(folder, "run", path, "-o", "whole.h5")
    same, text = harness.equal(folder, "whole.h5", "grown.h5")
    report.check(f"{name}: the same bits as a run of that length", same, text)
    again = harness.run(folder, "run", path, "-o", "grown.h5")
    report.check(f"{name}: a complete run is left alone",
                 again.returncode == 0 and "complete" in again.stderr, again.stderr)
    fewer = harness.run(folder, "run", path, "-o", "grown.h5", "--set", "run.draws=10")
    report.check(f"{name}: fewer draws than there are is an error",
                 fewer.returncode == 65 and "run.draws = 10" in fewer.stderr, fewer.stderr)


def changed_physics(folder, deck):
    path = folder / "deck.yaml"
    path.write_text(deck)
    before = (folder / "whole.h5").read_bytes()
    for change, key, old, new in (("parameters.beta=2", "beta", "1.5", "2"), ("seed=99", "seed", "11", "99"),
                                  ("chains=6", "chains", "5", "6"),
                                  ("run.stride=3", "stride", "2", "3"),
                                  ("parameters.depth={sweep: [1, 2, 6]}", "depth", "5", "6")):
        done = harness.run(folder, "run", path, "-o", "whole.h5", "--set", change)
        words = all(w in done.stderr for w in (key, old, new))
        report.check(f"changed {key}: error names key and both values",
                     done.returncode in (65, 73) and words, f"{done.returncode} {done.stderr}")
    report.check("nothing was overwritten", (folder / "whole.h5").read_bytes() == before)


def damaged_checkpoints(folder, deck):
    path = folder / "deck.yaml"
    path.write_text(deck)
    new, old = folder / "d.checkpoint.h5", folder / "d.checkpoint.old.h5"
    harness.run(folder, "run", path, "-o", "d.h5", "--set", "run.draws=200")
    report.check("two generations are kept", new.exists() and old.exists())
    keep = {p: p.read_bytes() for p in (new, old)}

    def restore():
        for p, data in keep.items():
            p.write_bytes(data)
        (folder / "d.h5").unlink(missing_ok=True)

    def goes_on(name):
        done = harness.run(folder, "run", path, "-o", "d.h5")
        report.check(f"{name}: falls back with a message",
                     done.returncode == 0 and "checkpoint.old.h5" in done.stderr, done.stderr)
        same, text = harness.equal(folder, "whole.h5", "d.h5")
        report.check(f"{name}: the same bits in the end", same, text)

    for at in (0.01, 0.5, 0.9):
        restore()
        flip(new, at)
        goes_on(f"a bit flipped at {at}")
    restore()
    new.write_bytes(keep[new][: len(keep[new]) // 2])
    goes_on("truncated")
    restore()
    new.write_bytes(b"")
    goes_on("empty")
    restore()
    new.unlink()
    goes_on("missing")
    restore()
    flip(new, 0.5)
    flip(old, 0.5)
    broken = {p: p.read_bytes() for p in (new, old)}
    done = harness.run(folder, "run", path, "-o", "d.h5")
    report.check("both damaged: an error, nothing is touched",
                 done.returncode == 74 and all(p.read_bytes() == b for p, b in broken.items()),
                 f"{done.returncode} {done.stderr}")


with harness.Folder() as folder:
    for name in ("jacobian linear", "jacobian levels", "jacobian limit", "jacobian complex limit",
                 "jacobian modes levels", "jacobian control"):
        more_draws(folder, name, re.sub(r"draws: \d+", "draws: 200", decks.small_decks()[name]))
        for p in folder.iterdir():
            p.unlink()
    more_draws(folder, "balanced observable", decks.balanced(formulation="observable"))
    changed_physics(folder, decks.balanced(formulation="observable"))
    damaged_checkpoints(folder, decks.balanced(formulation="observable"))
report.close()
