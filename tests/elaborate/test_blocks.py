"""Blocks, blocks as values, lexical scopes, `if`, and the networks of a file."""

from __future__ import annotations

import pytest
from texts import diagnostics, errors, graph, layers, output, paths

import archdsl
from archdsl.elaborate import network_names
from archdsl.errors import SpecError
from archdsl.source import Source
from archdsl.syntax import parse

IN = "input 4x8x8\n"
UNIT = "block unit width stride=1 { conv 3x3 width stride=stride; relu }\n"


@pytest.mark.parametrize(
    "call",
    [
        "unit 6 2",
        "unit 6 stride=2",
        "unit width=6 stride=2",
        "unit stride=2 width=6",
        "unit stride=2 6",
    ],
)
def test_arguments_of_a_block(call: str) -> None:
    assert layers(UNIT + IN + call) == ["conv 3x3 6 stride=2", "relu"]


def test_a_default_may_use_the_parameters_before_it() -> None:
    text = "let k = 2\nblock unit w inner=w//k { conv 1x1 inner; conv 1x1 w }\n"
    assert layers(f"{text}{IN}unit 8; unit 8 inner=3") == [
        "conv 1x1 4", "conv 1x1 8", "conv 1x1 3", "conv 1x1 8"
    ]  # fmt: skip


def test_a_default_is_evaluated_at_the_call() -> None:
    """`channels` is the width of the tensor that the block is called on."""
    text = "block squeeze r=channels//2 { conv 1x1 r }\n"
    assert layers(f"{text}{IN}squeeze; conv 1x1 16; squeeze") == [
        "conv 1x1 2", "conv 1x1 16", "conv 1x1 8"
    ]  # fmt: skip


def test_the_call_is_recorded_with_its_arguments() -> None:
    (_, scope) = graph(f"{UNIT}{IN}unit 6").scopes
    assert (scope.definition, scope.arguments) == ("unit", {"width": 6, "stride": 1})
    assert scope.defaulted == ("stride",)


def test_blocks_and_layers_are_values() -> None:
    text = f"{UNIT}block stage act {{ conv 3x3; act }}\nblock twice b n {{ b n; b n }}\n{IN}"
    assert layers(f"{text}stage relu; stage gelu")[1::2] == ["relu", "gelu"]
    assert layers(f"{text}twice unit 6")[::2] == ["conv 3x3 6"] * 2
    assert layers(f"{text}twice fc 6") == ["fc 6"] * 2
    assert layers(f"{text}let acts = [relu, gelu]; let act = acts[1]; stage act")[1] == "gelu"
    assert layers(f"{text}let a = relu; a") == ["relu"]


def test_blocks_and_layers_with_other_defaults() -> None:
    text = f"{UNIT}block twice b {{ b 6; b 6 stride=1 }}\n{IN}"
    assert layers(f"{text}twice (unit stride=2)")[::2] == ["conv 3x3 6 stride=2", "conv 3x3 6"]
    assert layers(f"{IN}let plain = (conv bias=false pad=0); plain 3x3") == [
        "conv 3x3 4 pad=0 bias=false"
    ]
    assert errors(f"{text}twice (unit strid=2)") == ["A401 at strid=2"]
    assert errors(f"{text}let n = 3; twice (n stride=2)") == ["A301 at n"]


def test_a_value_is_no_name_of_its_own() -> None:
    """The scope says which block it was, whatever the parameter was called."""
    text = f"{UNIT}block twice b {{ b 6; b 6 }}\n{IN}twice unit"
    assert [s.path for s in graph(text).scopes] == ["", "twice1", "twice1.unit1", "twice1.unit2"]


# Scopes


def test_names_are_found_where_the_block_was_written() -> None:
    text = "let n = 3\nblock b { conv 1x1 n }\nblock c { let n = 5; b }\n"
    assert layers(f"{text}{IN}c; {{ let n = 7; b; conv 1x1 n }}") == [
        "conv 1x1 3", "conv 1x1 3", "conv 1x1 7"
    ]  # fmt: skip


def test_a_block_is_known_before_its_definition() -> None:
    assert paths(f"{IN}b\nblock b {{ c }}\nblock c {{ relu }}") == ["b1.c1.relu1"]


def test_a_block_inside_a_block() -> None:
    text = f"block a w {{ block b {{ conv 1x1 w }}; b }}\n{IN}a 3; a 5"
    assert layers(text) == ["conv 1x1 3", "conv 1x1 5"]
    assert errors(f"{text}; b") == ["A301 at b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ let n = 3 }; conv 1x1 n", "A302 at n"),
        ("if true { let n = 3 }; conv 1x1 n", "A302 at n"),
        ("block b n { relu }; conv 1x1 n", "A302 at n"),
        ("conv 1x1 n; let n = 3", "A302 at n"),
        ("let n = 3; let n = 4", "A304 at let n = 4"),
        ("let n = 3; param n = 4", "A304 at param n = 4"),
        ("let channels = 3", "A304 at let channels = 3"),
        ("block b { relu }; let b = 3", "A304 at let b = 3"),
        ("block b n n { relu }; b 1", "A304 at n"),
        ("block conv { relu }", "A304 at block conv { relu }"),
        ("block residual { relu }", "A304 at block residual { relu }"),
        ("let n = 3; n", "A301 at n"),
        ("let n = 3; n 4", "A301 at n"),
        ("unitt 3", "A301 at unitt"),
        ("unit", "A402 at unit"),
        ("unit 3 1 2", "A404 at 2"),
        ("unit 3 widht=2", "A401 at widht=2"),
        ("unit 3 width=2", "A405 at width=2"),
        ("unit 3 stride=1 stride=1", "A405 at stride=1"),
        ("unit 3 { relu }", "A407 at { relu }"),
        ("block b { input 3 }; b", "A601 at input"),
        ("{ network n { input 3; relu } }", "A601 at network n { input 3; relu }"),
    ],
)
def test_what_a_name_cannot_be(text: str, expected: str) -> None:
    assert errors(f"{UNIT}{IN}relu; {text}") == [expected]


def test_inner_braces_may_hide_a_name() -> None:
    assert layers(f"let n = 3\n{IN}{{ let n = 5; conv 1x1 n }}; conv 1x1 n") == [
        "conv 1x1 5", "conv 1x1 3"
    ]  # fmt: skip


def test_an_error_in_a_block_shows_the_way_there() -> None:
    text = "block a { maxpool 9x9 }\nblock b { relu; a }\n" + IN + "b"
    (found,) = diagnostics(text)
    assert (found.code, found.span and found.span.text) == ("A202", "maxpool 9x9")
    assert [(c.text, c.span.text, c.span.line) for c in found.calls] == [
        ("block a, called at", "a", 2),
        ("block b, called at", "b", 4),
    ]


def test_a_block_that_calls_itself() -> None:
    for text in (
        "block a { a }",
        "block a { b }\nblock b { a }",
        "block a f { f f }\nblock b { a a }",
    ):
        (found,) = diagnostics(f"{text}\n{IN}{'a a' if ' f ' in text else 'a'}")
        help = "does a block call itself? If not: `--limit depth=80`"
        assert (found.code, found.help) == ("A502", help)


def test_recursion_that_ends_is_fine() -> None:
    text = "block down n { conv 3x3; if n > 0 { down (n - 1) } }\n"
    assert paths(f"{text}{IN}down 2") == [
        "down1.conv1",
        "down1.down1.conv1",
        "down1.down1.down1.conv1",
    ]


# if


@pytest.mark.parametrize(
    ("n", "expected"), [(0, ["relu"]), (1, ["bn"]), (2, ["gelu"]), (3, ["gelu"])]
)
@pytest.mark.parametrize(
    "text",
    [
        "if n == 0 { relu } else if n == 1 { bn } else { gelu }",
        "if n == 0 { relu }\nelse if n == 1 { bn }\nelse { gelu }",
        "if n == 0 { relu } else {\n if n == 1 { bn } else { gelu } }",
    ],
)
def test_if(text: str, n: int, expected: list[str]) -> None:
    assert layers(f"param n = 9\n{IN}{text}", n=n) == expected


def test_if_without_else_may_do_nothing() -> None:
    assert layers(f"{IN}relu; if channels > 9 {{ bn }}; gelu") == ["relu", "gelu"]


def test_only_the_branch_that_is_taken_is_carried_out() -> None:
    assert errors(f"{IN}if true {{ relu }} else {{ nonsense 3 }}") == []
    assert errors(f"{IN}if 1 {{ relu }}") == ["A403 at 1"]


# Networks


FILE = """\
param classes = 10
block body width { input 3x8x8; conv 3x3 width; gap; fc classes }
network small = body 4
network large = body 8
"""


def test_networks_of_a_file() -> None:
    assert network_names(parse(Source(FILE))) == ["small", "large"]
    assert layers(FILE, name="large")[0] == "conv 3x3 8"
    assert graph(FILE, "small", classes=7).parameters == {"classes": 7, "width": 4}
    assert output(FILE, name="small", classes=7) == (7,)
    assert graph(FILE, "small", width=5).nodes[0].shape == (5, 8, 8)
    assert archdsl.parse(FILE, "large").name == "large"


def test_a_network_in_braces() -> None:
    text = "let w = 6\nnetwork tiny { let w = 4; input 3x8x8; conv 3x3 w }\n"
    text += "network other { input 2; fc w }"
    assert layers(text, name="tiny") == ["conv 3x3 4"]
    assert layers(text, name="other") == ["fc 6"]


def test_the_bare_statements_are_named_after_the_file() -> None:
    text = "input 3; relu\nnetwork other { input 4; fc 2 }"
    names = {"nets/my net-2.arch": "my_net_2", "3d.arch": "net_3d", "-.arch": "net"}
    for file, name in names.items():
        network = archdsl.parse(text, file=file)
        assert (network.name, network.graph.origin.file) == (name, file)
        assert network_names(parse(Source(text, file))) == [name, "other"]
    assert layers(text, name="other") == ["fc 2"]


def test_the_bare_statements_are_not_part_of_the_other_networks() -> None:
    text = "input 3\nfc 9\nparam n = 2\nnetwork other { input 4; fc n }\nfc 8"
    assert layers(text) == ["fc 9", "fc 8"]
    assert layers(text, name="other") == ["fc 2"]


@pytest.mark.parametrize(
    ("text", "name", "code", "told"),
    [
        (FILE, None, "A306", "which network?"),
        (FILE, "smal", "A306", "did you mean `small`?"),
        (FILE, "x", "A306", "it has small, large"),
        (FILE.replace("large", "small"), None, "A304", "two networks are called `small`"),
        ("network n = conv 3x3", None, "A601", "a network is a block with an `input`"),
        ("network n = nonsense", None, "A301", "no layer or block is called `nonsense`"),
        ("block b w { input 3; fc w }\nnetwork n = b", None, "A402", "`b` needs `w`"),
        ("block b w { fc w }\nnetwork n = b 3", None, "A207", "`fc` has no tensor to work on"),
        ("network n { input 3x8x8 }", None, "A004", "`n` has no layer"),
        ("network n { }", None, "A004", "`n` has no layer"),
        ("", None, "A004", "nothing here is a network"),
        ("param n = 3\nblock b { relu }", None, "A004", "nothing here is a network"),
        ("relu", None, "A207", "state the input first"),
    ],
)
def test_what_is_no_network(text: str, name: str | None, code: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        archdsl.parse(text, name)
    assert caught.value.diagnostics[0].code == code
    assert told in str(caught.value)
