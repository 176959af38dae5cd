"""`default` and `init`: they hold for what follows in their braces, and not inside other blocks."""

from __future__ import annotations

import pytest
from texts import errors, layers, nodes

IN = "input 4x8x8\n"
BARE = "bias=false"


def biases(text: str) -> list[bool]:
    """Whether each convolution has a bias."""
    return [BARE not in layer for layer in layers(text) if layer.startswith("conv")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 3x3; default conv bias=false; conv 3x3 x2", [True, False, False]),
        ("default conv bias=false; conv 3x3 bias=true; conv 3x3", [True, False]),
        ("default conv bias=false; default conv bias=true; conv 3x3", [True]),
        ("{ default conv bias=false; conv 3x3 }; conv 3x3", [False, True]),
        ("default conv bias=false; { default conv bias=true; conv 3x3 }; conv 3x3", [True, False]),
        ("default conv bias=false; { { conv 3x3 } }", [False]),
        ("default conv bias=false; residual { conv 3x3 }; a: sequence { conv 3x3 }", [False] * 2),
        ("concat { default conv bias=false; conv 3x3 | conv 3x3 }", [False, True]),
        ("if true { default conv bias=false; conv 3x3 }; conv 3x3", [False, True]),
        ("{ conv 3x3; default conv bias=false } x2", [True, True]),
        ("default dwconv bias=false; conv 3x3", [True]),
        ("let off = false; default conv bias=off stride=1; conv 3x3", [False]),
        # lexical: what was written before the block, where the block was written
        ("block b { conv 3x3 }; default conv bias=false; b; conv 3x3", [True, False]),
        ("default conv bias=false; block b { conv 3x3 }; b", [False]),
        ("block b { default conv bias=false; conv 3x3 }; b; conv 3x3", [False, True]),
        ("{ default conv bias=false; block b { conv 3x3 }; b }; conv 3x3", [False, True]),
        ("block b { conv 3x3 }; { default conv bias=false; b }", [True]),
        (
            "block a { conv 3x3 }; block b { default conv bias=false; a; conv 3x3 }; b",
            [True, False],
        ),
    ],
)
def test_where_a_default_holds(text: str, expected: list[bool]) -> None:
    assert biases(IN + text) == expected


def test_a_default_reaches_the_layer_by_any_of_its_names() -> None:
    assert layers("input 3; default linear bias=false; fc 2; linear 2") == [f"fc 2 {BARE}"] * 2


def test_a_default_gives_several_arguments() -> None:
    text = f"{IN}default maxpool stride=2 pad=1; default maxpool pad=0; maxpool 3x3"
    assert layers(text) == ["maxpool 3x3 stride=2"]


def test_a_network_does_not_inherit_what_follows_it() -> None:
    text = "block b { conv 3x3 }\nnetwork n { input 4x8x8; default conv bias=false; b; conv 3x3 }"
    assert biases(text) == [True, False]
    assert biases(f"default conv bias=false\n{text}") == [False, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default", "A402 at default"),
        ("default 3", "A402 at default 3"),
        ("default convv bias=false", "A301 at convv"),
        ("default conv 3x3", "A404 at 3x3"),
        ("default conv bias", "A404 at bias"),
        ("default conv biass=false", "A401 at biass=false"),
        ("default conv bias=false bias=true", "A405 at bias=true"),
        ("default unit c=3", "A601 at unit"),
        ("a: default conv bias=false", "A601 at a"),
        ("default conv bias=3; conv 3x3", "A403 at bias=3"),
    ],
)
def test_what_a_default_refuses(text: str, expected: str) -> None:
    assert errors(f"block unit c=3 {{ relu }}\n{IN}{text}\nrelu") == [expected]


# How weights start


def starts(text: str) -> dict[str, str]:
    """How the weights start, by their keys, where the spec says so."""
    return {
        f"{path}.{name}": " ".join(map(str, vars(start).values()))
        for path, node in nodes(IN + text).items()
        for name, start in node.init.items()
    }


def test_init_holds_for_what_follows() -> None:
    found = starts("conv 3x3; init he; conv 3x3; { init glorot; fc 3 }; fc 4")
    assert found == {
        "conv2.weight": "he fan_in relu",
        "fc1.weight": "glorot 1.0",
        "fc2.weight": "he fan_in relu",
    }


def test_init_of_the_bias_is_its_own() -> None:
    found = starts("init normal 0.01 bias=0; conv 3x3; init bias=1; conv 3x3; conv 3x3 bias=false")
    assert found == {
        "conv1.weight": "normal 0.01 0.0",
        "conv1.bias": "constant 0.0",
        "conv2.weight": "normal 0.01 0.0",
        "conv2.bias": "constant 1.0",
        "conv3.weight": "normal 0.01 0.0",
    }


def test_init_leaves_normalisation_alone() -> None:
    assert starts("init normal 0.01 bias=1; bn; ln") == {}


def test_init_of_one_layer() -> None:
    found = starts("init he bias=0; conv 3x3 init=normal(0.05) bias_init=0.5; conv 3x3 init=zeros")
    assert found == {
        "conv1.weight": "normal 0.05 0.0",
        "conv1.bias": "constant 0.5",
        "conv2.weight": "zeros",
        "conv2.bias": "constant 0.0",
    }


def test_the_arguments_of_an_initialisation_may_have_names() -> None:
    assert starts("conv 3x3 init=normal(std=0.05)") == {"conv1.weight": "normal 0.05 0.0"}


def test_init_as_a_default_of_one_kind_of_layer() -> None:
    found = starts("init he; default conv init=glorot bias_init=1; conv 3x3; fc 3")
    assert found == {
        "conv1.weight": "glorot 1.0",
        "conv1.bias": "constant 1.0",
        "fc1.weight": "he fan_in relu",
    }


def test_init_is_lexical() -> None:
    text = "block b { conv 3x3 }\ninit he\nblock c { conv 3x3 }\nb; c"
    assert starts(text) == {"c1.conv1.weight": "he fan_in relu"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("init he mode=fan_out", "he fan_out relu"),
        ("init he nonlinearity=tanh", "he fan_in tanh"),
        ("init normal std=0.1 mean=1", "normal 0.1 1.0"),
        ("init truncated_normal 0.02", "truncated_normal 0.02 0.0"),
        ("init uniform low=-0.1 high=0.1", "uniform -0.1 0.1"),
        ("init constant 2", "constant 2.0"),
        ("init 2", "constant 2.0"),
        ("init zeros", "zeros"),
        ("init orthogonal", "orthogonal 1.0"),
        ("let s = 0.5; init normal s/5", "normal 0.1 0.0"),
    ],
)
def test_the_initializers(text: str, expected: str) -> None:
    assert starts(f"{text}; conv 3x3") == {"conv1.weight": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("init", "A402 at init"),
        ("init hee", "A301 at hee"),
        ("init hee 3", "A301 at hee"),
        ("init normal 0", "A403 at 0"),
        ("init normal 0.1 0.2", "A404 at 0.2"),
        ("init normal stdd=1", "A403 at 1"),
        ("init he mode=fan", "A403 at fan"),
        ('init "he"', 'A403 at "he"'),
        ("a: init he", "A601 at a"),
        ("conv 3x3 init=norml(1)", "A301 at norml(1)"),
        ("conv 3x3 init=true", "A403 at true"),
        ("conv 3x3 init=he init=he", "A405 at init=he"),
        ("relu init=he", "A401 at init=he"),
        ("conv 3x3 bias=false bias_init=0", "A401 at bias_init=0"),
    ],
)
def test_what_an_init_refuses(text: str, expected: str) -> None:
    assert errors(f"{IN}{text}\nrelu") == [expected]
