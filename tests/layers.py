#!/usr/bin/env python3
"""The layer rule, read off the #include lines, and files that are named and do not exist.

A folder of src/ or include/weylmc/ includes only from folders below it; some libraries may be seen
by some folders or files only. Headers and docs name the tests that check them, decks and scripts:
these must be there. Usage: layers.py ROOT
"""
import pathlib
import re
import sys

LAYER = {"base": 0, "numeric": 1, "statistics": 2, "geometry": 2, "jacobian": 2, "models": 3,
         "deck": 4, "io": 4, "run": 5, "cli": 6}
ONLY = {  # header of a library: where it may be included
    r"mpi\.h": r"src/(run|cli)/|include/weylmc/run/",
    r"hdf5.*\.h|H5.*\.h": r"src/io/",
    r"sprng.*": r"src/numeric/random\.c",
    r"(lapacke|cblas)\.h": r"src/numeric/",
    r"libxsmm.*": r"src/numeric/",
    r"yaml\.h": r"src/deck/",
}
NAMED = re.compile(r"(?<![\w/])(?:tests|inputs|analysis|docs)/[\w/.*-]*\.(?:c|h|py|sh|md|yaml|R)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder(path):
    """Layer folder of a file, given relative to the root."""
    parts = path.parts
    return parts[2] if parts[0] == "include" else parts[1]


def complaints(root):
    files = sorted(p.relative_to(root) for top in ("src", "include/weylmc")
                   for p in (root / top).rglob("*.[ch]"))
    for path in files:
        mine = folder(path)
        if mine not in LAYER:
            yield f"{path}: folder '{mine}' has no layer"
            continue
        for quote, name in INCLUDE.findall((root / path).read_text()):
            other = re.match(r"weylmc/(\w+)/", name)
            if other and other[1] != mine and LAYER.get(other[1], 99) >= LAYER[mine]:
                yield f"{path}: {mine} (layer {LAYER[mine]}) includes {name}"
            if quote == '"' and not other and ("/" in name and not (root / path).parent.joinpath(name).exists()):
                yield f"{path}: includes {name}, which is not beside it"
            for library, where in ONLY.items():
                if re.fullmatch(library, name.removeprefix("sprng/")) or (
                        library.startswith("sprng") and name.startswith("sprng/")):
                    if not re.match(where, str(path)):
                        yield f"{path}: {name} may be included only in {where}"
    for path in files + [p.relative_to(root) for p in (*root.glob("*.md"), *root.glob("docs/**/*.md"))]:
        for name in sorted(set(NAMED.findall((root / path).read_text()))):
            if not any(root.glob(name)):
                yield f"{path}: names {name}, which does not exist"
    if len(files) < 10:
        yield f"only {len(files)} files found under {root}: wrong folder?"


def main(root):
    found = list(complaints(pathlib.Path(root).resolve()))
    for line in found:
        print(line)
    print(f"{0 if found else 1} passed, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
