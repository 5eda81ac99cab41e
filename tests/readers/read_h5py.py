"""h5py: units, names and one real scale for every dimension of every dataset. read_h5py.py FILE"""
import sys

import h5py
import numpy as np


def check_dataset(name, item):
    assert isinstance(item.attrs["units"], str), name
    assert isinstance(item.attrs["long_name"], str), name
    assert item.shape is not None, f"{name}: null dataspace"
    assert item.dtype.names is None, f"{name}: compound type"
    if h5py.h5ds.is_scale(item.id):
        assert item.ndim == 1 and item.size > 0, name
        return
    for dimension in item.dims:
        assert len(dimension) == 1, f"{name}: {len(dimension)} scales for a dimension"
        assert dimension[0].parent == item.parent, f"{name}: scale of another group"


def check(path):
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, item: check_dataset(name, item)
                     if isinstance(item, h5py.Dataset) else None)
        assert f.attrs["title"] == "Entropy of X ∈ ℝ²ˣ²" and f.attrs["model"] == "balanced"
        assert f.attrs["schema_version"] == "1.0" and f.attrs["Conventions"].startswith("CF-")
        assert set(f) == {"chains", "deck", "estimates", "provenance"}, list(f)
        values = f["estimates/singular_values"]
        assert [d.label or d.keys()[0] for d in values.dims] == ["depth", "energy.kind", "index"]
        i, j, k = np.indices((3, 3, 2))
        expected = 100.0 * i + 10 * j + k
        expected[0, :, 1] = np.nan
        np.testing.assert_array_equal(values[...], expected)
        np.testing.assert_array_equal(f["estimates/depth"][...], [2, 10, np.inf])
        assert list(f["estimates/energy.kind"].asstr()) == ["frobenius", "target", "größe"]
        assert list(f["estimates/form"].asstr()) == ["a + b/L", "", "a + b L⁻ᵖ"]
        assert f["estimates/samples"][()] == 1e6
        assert f["deck/verbatim"].asstr()[()] == "model: balanced\n# λ\n"
        assert f["deck/identity"].asstr()[()] == ""
        assert f["provenance/date"].asstr()[()].startswith("2026-01-01")


check(sys.argv[1])
