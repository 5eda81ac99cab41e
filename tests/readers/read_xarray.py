"""xarray: labelled selection works on every group. read_xarray.py FILE ENGINE"""
import sys

import numpy as np
import xarray


def check_estimates(d):
    values = d.singular_values
    assert values.dims == ("depth", "energy.kind", "index"), values.dims
    assert values.attrs == {"units": "1", "long_name": "singular values of X"}, values.attrs
    deep = values.sel(depth=10)
    assert deep.dims == ("energy.kind", "index")
    np.testing.assert_array_equal(deep, [[100, 101], [110, 111], [120, 121]])
    np.testing.assert_array_equal(values.sel(depth=np.inf, index=2), [201, 211, 221])
    np.testing.assert_array_equal(values.sel({"energy.kind": "größe", "index": 1}), [20, 120, 220])
    assert np.isnan(values.sel(depth=2, index=2)).all()
    assert d.entropy.units == "nat" and float(d.entropy.sel({"depth": 10, "energy.kind": "target"})) == 11
    assert d.depth.attrs["long_name"] == "number of layers"
    assert list(d.form.values) == ["a + b/L", "", "a + b L⁻ᵖ"], d.form.values
    assert float(d.samples) == 1e6
    assert list(d.data_vars) == ["singular_values", "entropy", "form", "samples"], list(d.data_vars)


def check(path, engine):
    def group(name):
        return xarray.open_dataset(path, group=name, engine=engine)

    with group("estimates") as d:
        check_estimates(d)
    with group("chains") as d:
        assert d.entropy.dims == ("chain", "depth")
        np.testing.assert_array_equal(d.entropy.sel(depth=np.inf), [2, 12, 22, 32])
    with group("deck") as d:
        assert d.verbatim.item() == "model: balanced\n# λ\n" and d.identity.item() == ""
    with group("provenance") as d:
        assert d.date.item().startswith("2026-01-01")
    with xarray.open_dataset(path, engine=engine) as d:
        assert d.attrs["title"] == "Entropy of X ∈ ℝ²ˣ²", d.attrs


check(*sys.argv[1:3])
