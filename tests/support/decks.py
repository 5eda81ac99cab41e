"""Small decks that together use every formulation, scheme, block and kind of data."""

BALANCED = """\
title: small balanced
model: balanced
seed: 11
chains: 5
parameters:
  width: {width}
  excess: {{sweep: [0, 1]}}
  depth: {{sweep: [1, 2, 5]}}
  beta: 1.5
{more}\
  energy: {energy}
  formulation: {formulation}
  scheme: {scheme}
  step: 0.01
run: {{thermalise: {thermalise}, draws: {draws}, stride: 2, checkpoint: 1 s}}
output: out.h5
"""

JACOBIAN = """\
title: small jacobian
model: residual_jacobian
seed: 12
chains: 5
parameters:
  width: {width}
  depth: {{sweep: [8, 20]}}
  block: {block}
  {activation}
  weights: {weights}
  variance: 1.0
  time: 1.0
  record: [0.5, 1.0]
{more}\
run: {{draws: {draws}, checkpoint: 1 s}}
output: out.h5
"""


EQUIVARIANT = """\
title: small equivariant
model: equivariant
seed: 13
chains: 5
parameters:
  order: {{sweep: [2, 5]}}
  channels: 2
  depth: {{sweep: [1, 3]}}
  formulation: {formulation}
  scheme: {scheme}
  step: 0.01
run: {{thermalise: 200, draws: {draws}, stride: 2, checkpoint: 1 s}}
output: out.h5
"""


def balanced(width=3, energy="frobenius", formulation="spectrum", scheme="metropolis",
             thermalise=200, draws=500, more=""):
    """`more`: lines of further parameters."""
    return BALANCED.format(**locals())


def jacobian(width=3, block="linear", activation=None, weights="gaussian", draws=300, more=""):
    activation = f"activation: {activation}" if activation else ""
    return JACOBIAN.format(**locals())


def equivariant(formulation="spectrum", scheme="metropolis", draws=500):
    return EQUIVARIANT.format(**locals())


def small_decks():
    """name -> deck."""
    decks = {f"balanced {f} {s}": balanced(formulation=f, scheme=s)
             for f in ("spectrum", "observable") for s in ("euler", "metropolis")}
    target = "{kind: target, diag: [2, 1, 0.5]}"
    decks["balanced target"] = balanced(energy=target, formulation="observable")
    ladder = "  ladder: [0.5, 0.9, 1.5, 2.5]\n"
    decks["balanced ladder"] = balanced(energy=target, formulation="observable", more=ladder)
    decks["balanced ladder without exchange"] = balanced(more=ladder + "  exchange: inf\n")
    decks["balanced complex"] = balanced(energy=target, formulation="observable",
                                         more="  field: complex\n")
    decks["equivariant spectrum"] = equivariant()
    decks["equivariant euler"] = equivariant(formulation="observable", scheme="euler")
    decks["jacobian linear"] = jacobian(width=5)
    decks["jacobian rademacher"] = jacobian(weights="rademacher")
    decks["jacobian relu"] = jacobian(block="two_layer", activation="relu")
    decks["jacobian tanh"] = jacobian(block="two_layer", activation="tanh", draws=100)
    decks["jacobian complex"] = jacobian(more="  field: complex\n")
    decks["jacobian modes"] = jacobian(
        weights="rademacher", draws=100,
        more="  group: {sweep: [1, 4, 5]}\n").replace("[8, 20]", "[8, inf]")
    levels = "  multilevel: {kind: %s, coarsest: 4, finest: 64}\n"
    layers = "  multilevel: {kind: depth, coarsest: 4}\n"
    depth = "depth: {sweep: [8, 20]}"
    decks["jacobian levels"] = jacobian(block="one_layer", activation="tanh", draws=20,
                                        more=layers).replace(depth, "depth: 512")
    decks["jacobian limit"] = jacobian(draws=50, more=levels % "limit").replace(depth, "depth: inf")
    decks["jacobian complex limit"] = jacobian(
        draws=50, more="  field: complex\n" + levels % "limit").replace(depth, "depth: inf")
    decks["jacobian modes levels"] = jacobian(
        draws=20, more="  group: 4\n" + layers).replace(depth, "depth: 64")
    decks["jacobian steps limit"] = jacobian(
        block="one_layer", activation="tanh", draws=10,
        more=(levels % "limit").replace("coarsest", "bias: 0.05, coarsest")).replace(depth, "depth: inf")
    decks["jacobian independent depths"] = jacobian(
        block="two_layer", activation="tanh", draws=50,
        more=levels % "depth").replace(depth, "depth: inf")
    decks["jacobian control"] = jacobian(more="  control: yes\n").replace("[8, 20]", "[64, inf]")
    return decks
