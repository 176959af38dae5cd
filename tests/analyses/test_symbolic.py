"""Parameters and MACs as polynomials: against hand arithmetic and against other values."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archdsl
from archdsl.analyses.polynomial import Polynomial, through
from archdsl.analyses.symbolic import DEGREE, Symbolic, symbolic
from archdsl.errors import SpecError


def formulas(spec: str, parameter: str, **parameters: int) -> Symbolic:
    def at(value: int) -> archdsl.Network:
        return archdsl.parse(spec, file="net.arch", **{**parameters, parameter: value})

    graph = archdsl.parse(spec, file="net.arch", **parameters).graph
    return symbolic(lambda value: at(value).graph, graph, parameter)


def texts(found: Symbolic) -> tuple[str, str]:
    return str(found.params), str(found.macs)


# Polynomials


@pytest.mark.parametrize(
    ("coefficients", "text"),
    [
        ((), "0"),
        ((5,), "5"),
        ((0, 1), "n"),
        ((0, -1), "-n"),
        ((-2, 0, 1), "n**2 - 2"),
        ((3, -1, Fraction(1, 4)), "1/4*n**2 - n + 3"),
        ((0, Fraction(-3, 2), 0, 27), "27*n**3 - 3/2*n"),
    ],
)
def test_the_text_is_stable_and_pythons(coefficients: tuple[Fraction, ...], text: str) -> None:
    polynomial = Polynomial("n", tuple(map(Fraction, coefficients)))
    assert str(polynomial) == text
    for n in (Fraction(4), Fraction(-3)):
        assert eval(text, {"n": n}) == polynomial(int(n))


def test_interpolation_is_exact() -> None:
    for degree in range(DEGREE + 1):
        exact = Polynomial("n", tuple(Fraction(k + 1, 3) for k in range(degree + 1)))
        values = {n: int(exact(3 * n) * 3) for n in (*range(1, degree + 4), 50)}
        found = through("n", values)
        assert found is not None
        assert found.degree == degree
        assert all(found(n) == value for n, value in values.items())


def test_one_value_that_does_not_fit_is_seen() -> None:
    values = {n: 27 * n * n + 3 * n for n in range(1, 9)}
    assert str(through("n", values)) == "27*n**2 + 3*n"
    for place in values:
        assert through("n", {**values, place: values[place] + 1}) is None
    assert through("n", {1: 5, 2: 5, 3: 5}) is None, "three values verify nothing beyond one"


# Networks


@pytest.mark.parametrize(
    ("body", "params", "macs"),
    [
        ("conv 3x3; relu; conv 3x3", "18*C**2", "1800*C**2"),
        ("conv 5x5", "25*C**2", "2500*C**2"),
        ("{ conv 3x3; relu } x3", "27*C**2", "2700*C**2"),
        ("conv 7x7", "49*C**2", "4900*C**2"),
        ("conv 3x3 bias=true", "9*C**2 + C", "900*C**2"),
        ("dwconv 3x3; bn", "11*C", "900*C"),
        ("gap; fc 10", "10*C + 10", "10*C"),
        ("relu", "0", "0"),
    ],
)
def test_identities(body: str, params: str, macs: str) -> None:
    head = "param C = 64\ndefault conv bias=false\ndefault dwconv bias=false\ninput [C, 10, 10]\n"
    found = formulas(head + body, "C")
    assert texts(found) == (params, macs)
    assert found.multiple == 1


def test_the_bottleneck() -> None:
    """(1/4 + 9/16 + 1/4) C**2, which texts give as 3.75 C**2."""
    spec = "param C = 64\ndefault conv bias=false\ninput [C, 8, 8]\n"
    found = formulas(spec + "conv 1x1 C//4; relu; conv 3x3; relu; conv 1x1 C", "C")
    assert texts(found) == ("17/16*C**2", "68*C**2")
    assert found.multiple == 4
    assert "for multiples of 4" in str(found)
    assert all(value % 4 == 0 for value in found.tried)


@pytest.mark.parametrize(("divisor", "multiple"), [(2, 2), (3, 3), (6, 6), (16, 16), (64, 64)])
def test_integer_division_gives_the_multiple(divisor: int, multiple: int) -> None:
    found = formulas(f"param C = 192\ninput [4, C]\nfc C//{divisor} bias=false", "C")
    assert str(found.params) == f"1/{divisor}*C**2"
    assert found.multiple == multiple


@pytest.mark.parametrize("value", [7, 33, 100, 1000])
def test_the_formula_holds_at_values_that_were_not_tried(value: int) -> None:
    spec = "param C = 20\ninput 3x9x9\nconv 3x3 C; bn; conv 3x3 (2*C + 1) stride=2; gap; fc C"
    found = formulas(spec, "C")
    assert value not in found.tried
    there = archdsl.parse(spec, C=value).summary()
    assert found.params is not None and found.macs is not None
    assert (found.params(value), found.macs(value)) == (there.params, there.macs)
    for row in found.layers:
        (layer,) = (r for r in there.layers if r.path == row.path)
        assert (row.params(value), row.macs(value)) == (layer.params, layer.macs)


def test_layers_add_up_and_those_without_the_parameter_are_one_line() -> None:
    found = formulas("param C = 20\ninput 3x9x9\nconv 3x3 4; relu; gap; fc C", "C")
    assert [row.path for row in found.layers] == ["conv1", "fc1"]
    assert str(found).splitlines()[2:] == [
        "path    params  MACs",
        "------  ------  ----",
        "fc1     5*C     4*C",
        "1 more  112     8748",
        "",
        "parameters  5*C + 112",
        "MACs        4*C + 8748",
    ]


def test_a_depth_has_totals_alone() -> None:
    found = formulas("param n = 3\ninput 4x8x8\n{ conv 3x3; relu } x n", "n")
    assert texts(found) == ("148*n", "9216*n")
    assert found.layers == ()


def test_the_side_of_a_picture() -> None:
    """Attention over all positions: of degree 4 in the side; where strides divide it."""
    spec = "param S = 64\ninput [3, S, S]\nconv 4x4 8 stride=4; tokens; attention 2"
    found = formulas(spec, "S")
    assert found.multiple == 4
    tokens = Fraction(1, 16)
    assert found.macs is not None
    assert found.macs.coefficients == (
        0, 0, tokens * (3 * 16 * 8 + 4 * 8 * 8), 0, tokens**2 * 2 * 8
    )  # fmt: skip


def test_what_is_no_polynomial_is_said() -> None:
    found = formulas("param m = 3\ninput 3x8x8\nconv 3x3 (2**m)", "m")
    assert found.params is None and found.macs is None
    assert "no polynomial in m" in str(found)
    assert "values from 1 to 12" in str(found)
    assert found.to_dict()["params"] is None


def test_parameters_may_have_a_formula_where_macs_have_none() -> None:
    found = formulas("param S = 30\ninput [3, S, S]\nconv 3x3 4 stride=11", "S")
    assert texts(found) == ("112", "None")


def test_values_that_make_no_network_are_left_out() -> None:
    found = formulas("param h = 6\ninput 5x60\nattention heads=h", "h")
    assert set(found.tried) <= {n for n in range(1, 61) if 60 % n == 0}
    assert found.refused
    assert "that make a network" in str(found)


def test_zero_and_less() -> None:
    found = formulas("param z = 0\ninput 3x8x8\nconv 3x3 (10 + z)", "z")
    assert str(found.params) == "28*z + 280"
    assert min(found.tried) == 0
    found = formulas("param z = -5\ninput 3x8x8\nconv 3x3 (10 + z)", "z")
    assert str(found.params) == "28*z + 280"


@pytest.mark.parametrize("value", ["0.5", "true", '"text"', "[1, 2]", "3x3"])
def test_a_parameter_that_is_no_integer(value: str) -> None:
    with pytest.raises(SpecError) as error:
        formulas(f"param p = {value}\ninput 3x8x8\nconv 3x3 4", "p")
    assert "no integer" in str(error.value)


def test_too_few_values() -> None:
    spec = "param C = 7\ninput 3x8x8\nconv 3x3 (C if C == 7 else 0)"
    with pytest.raises(SpecError) as error:
        formulas(spec, "C")
    assert "1 make a network" in str(error.value)


def test_copies_are_told_in_one_line() -> None:
    found = formulas("param C = 8\ninput [C, 8, 8]\n{ conv 3x3; bn; relu } x30", "C")
    assert "… the same 2 lines, 29 times more, to bn30" in str(found)
