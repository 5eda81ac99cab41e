#!/usr/bin/env python3
"""The same deck gives the same results file outside /provenance on 1, 2, 3 and 7 ranks."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

report = harness.Report()
with harness.Folder() as folder:
    for name, deck in decks.small_decks().items():
        path = folder / "deck.yaml"
        path.write_text(deck)
        for ranks in (1, 2, 3, 7):
            output = f"{name} {ranks}.h5".replace(" ", "_")
            done = harness.run(folder, "run", path, "-o", output, ranks=ranks)
            good = report.check(f"{name}, {ranks} ranks: runs", done.returncode == 0, done.stderr)
            if good and ranks > 1:
                same, text = harness.equal(folder, f"{name} 1.h5".replace(" ", "_"), output)
                report.check(f"{name}, {ranks} ranks: same bits as on 1", same, text)
    leftovers = [p.name for p in folder.iterdir()
                 if p.suffix not in (".h5", ".yaml")]
    report.check("no temporary files are left", not leftovers, str(leftovers))
report.close()
