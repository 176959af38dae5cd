"""The parser: each construct, what the lexer decides, what is told of text that does not parse."""

from __future__ import annotations

from typing import Any

import pytest
from strategies import bare

from archdsl.errors import Diagnostic, ParseError
from archdsl.source import Source
from archdsl.syntax import ast, parse, parse_value


def statement(text: str) -> Any:
    """The one statement of a text."""
    (found,) = parse(Source(text)).flow.statements
    return found


def statements(text: str) -> tuple[ast.Statement, ...]:
    return parse(Source(text)).flow.statements


def call(text: str) -> ast.Call:
    item = statement(text).item
    assert isinstance(item, ast.Call)
    return item


def errors(text: str) -> list[tuple[str, str]]:
    """Code and place of what is wrong."""
    return [(d.code, d.span.text if d.span else "") for d in diagnostics(text)]


def diagnostics(text: str) -> tuple[Diagnostic, ...]:
    try:
        parse(Source(text))
    except ParseError as error:
        return error.diagnostics
    return ()


def says(text: str) -> Any:
    """A statement without its places."""
    return bare(statement(text))


def value(text: str) -> Any:
    return bare(parse_value(text, "test"))


# Statements


@pytest.mark.parametrize(
    "text",
    ["a; b", "a\nb", "a;b", "a;;\n\n;b\n", "\n a # 1\n# 2\n b # 3", "a # x; y\nb", "a\r\nb\r\n"],
)
def test_separators_and_comments(text: str) -> None:
    assert [s.item.name for s in statements(text)] == ["a", "b"]  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "\n", ";", "# only a comment", "  \t", "\r\n"])
def test_nothing_at_all(text: str) -> None:
    assert statements(text) == ()


def test_a_call() -> None:
    found = call("conv 3x3 64 stride=2")
    assert found.name == "conv"
    assert [(a.key, bare(a.value)) for a in found.arguments] == [
        (None, bare(ast.Literal((3, 3), found.span))),
        (None, bare(ast.Literal(64, found.span))),
        ("stride", bare(ast.Literal(2, found.span))),
    ]
    assert found.body is None


def test_a_label_may_be_any_word() -> None:
    for word in ("layer1", "block", "if", "x3", "true", "_", "param"):
        found = statement(f"{word}: relu")
        assert found.label.id == word
        assert found.label.span.text == word
    assert statement("a : relu").label.span.text == "a"


def test_a_key_may_be_any_word() -> None:
    for word in ("if", "x", "block", "true"):
        assert [a.key for a in call(f"f {word}=3").arguments] == [word]
    assert [a.key for a in call("f a = 3 b  =4").arguments] == ["a", "b"]


def test_braces() -> None:
    assert len(call("residual { a; b }").body.branches) == 1  # type: ignore[union-attr]
    branches = call("concat { | a | b; c\n |\n d }").body.branches  # type: ignore[union-attr]
    assert [len(b.statements) for b in branches] == [0, 1, 2, 1]
    assert [len(b.statements) for b in statement("{ }").item.body.branches] == [0]
    assert isinstance(statement("{ a }").item, ast.Group)
    assert [bare(a.value) for a in call("add 32 { a }").arguments] == [value("32")]


@pytest.mark.parametrize(
    ("text", "count", "index"),
    [
        ("a x3", "3", None),
        ("a x 3", "3", None),
        ("a x3 as i", "3", "i"),
        ("a x n", "n", None),
        ("a x(n - 1)", "n - 1", None),
        ("a x (n - 1) as j", "n - 1", "j"),
        ("a x depths[0]", "depths[0]", None),
        ("a x(depths[0])", "depths[0]", None),
        ("a x len(depths) as i", "len(depths)", "i"),
        ("{ a } x2", "2", None),
        ("@a x2", "2", None),
    ],
)
def test_repetition(text: str, count: str, index: str | None) -> None:
    found = statement(text).repeat
    assert bare(found.count) == value(count)
    assert found.index == index


def test_definitions() -> None:
    assert says("param n = 2*3")[:2] == ("Param", ("str", "n"))
    assert says("let n = [1, 2]")[:2] == ("Let", ("str", "n"))
    block = statement("block unit width stride=1 act=relu { a }")
    assert [(f.name, f.default is None) for f in block.formals] == [
        ("width", True),
        ("stride", False),
        ("act", False),
    ]
    assert isinstance(statement("network n = resnet basic [2, 2]").definition, ast.Call)
    assert isinstance(statement("network n { a }").definition, ast.Body)
    braces = statement("network n = resnet basic [2, 2] { expect params == 3 }").definition.body
    assert isinstance(braces.branches[0].statements[0], ast.Expect)


def test_expectations() -> None:
    found = statement("expect n > 0, field(a.0.conv1) == 3x3, f(a, b=1, c=x)")
    assert [type(c) for c in found.conditions] == [ast.Binary, ast.Binary, ast.Apply]
    path = found.conditions[1].left.arguments[0]
    assert (path.value, path.span.text) == ("a.0.conv1", "a.0.conv1")
    call = found.conditions[2]
    assert [type(a) for a in call.arguments] == [ast.Name]
    assert [o.key for o in call.options] == ["b", "c"]


def test_else_may_stand_on_its_own_line() -> None:
    one = says("if a { b } else if c { d } else { e }")
    assert says("if a { b }\nelse if c { d }\nelse { e }") == one
    assert says("if a { b } else if c { d }\n\nelse { e }") == one
    assert says("if a { b } # x\n# y\nelse if c { d } else { e }") == one
    assert says("if a { b } else { if c { d } else { e } }") != one


def test_the_span_of_a_joined_else_ends_with_it() -> None:
    text = "if a { b }\nelse { e }"
    assert statement(text).span.text == text


# What the lexer decides


def test_brackets_that_touch_index_and_call() -> None:
    assert len(call("f a[0]").arguments) == 1
    assert len(call("f a [0]").arguments) == 2
    assert len(call("f min(a, b)").arguments) == 1
    assert len(call("f act (2*w)").arguments) == 2
    assert len(call("f (a)(b)").arguments) == 2
    assert says("f a[0][1]") == says("f ((a[0])[1])")
    assert says("f [[1], [2]][0]") == says("f ([[1], [2]])[0]")


def test_line_ends_inside_brackets_are_dropped() -> None:
    assert says("f (a +\n b) [1,\n\n 2,\n]") == says("f (a + b) [1, 2]")
    assert says("f min(\n1,\n2\n) 3") == says("f min(1, 2) 3")
    assert says("f (1 + # one\n 2)") == says("f (1 + 2)")
    assert len(statements("{ f [1\n,2]\ng }\nh")) == 2


def test_a_minus_goes_on_with_the_argument() -> None:
    assert says("crop 8 -1") == says("crop (8 - 1)")
    assert len(call("crop 8 (-1)").arguments) == 2
    assert len(call("crop -1 8").arguments) == 2
    assert len(call("crop 8 n=-1").arguments) == 2


def test_x_repeats_where_an_argument_could_stand() -> None:
    assert statement("f x3").repeat is not None
    assert statement("f (x3)").repeat is None
    assert says("let n = x3 + x") == says("let n = (x3) + (x)")
    assert call("f n=x3").arguments[0].value.id == "x3"  # type: ignore[union-attr]


def test_sizes_and_numbers() -> None:
    literals = {"0": 0, "1_000": 1000, "007": 7, "1e-4": 1e-4, "0.5": 0.5, "1.5e3": 1500.0}
    literals |= {
        "3x224x224": (3, 224, 224),
        "0x3": (0, 3),
        '"a b"': "a b",
        r'"\"\\"': '"\\',
        "true": True,
    }
    for text, expected in literals.items():
        found = parse_value(text, "test")
        assert isinstance(found, ast.Literal)
        assert found.value == expected
        assert type(found.value) is type(expected)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b // c % d", "((a / b) // c) % d"),
        ("-a ** b", "-(a ** b)"),
        ("a ** -b ** c", "a ** (-(b ** c))"),
        ("a * -b", "a * (-b)"),
        ("not a == b", "not (a == b)"),
        ("a or b and not c", "a or (b and (not c))"),
        ("a or b or c", "(a or b) or c"),
        ("a + 1 < b * 2", "(a + 1) < (b * 2)"),
        ("-a[0]", "-(a[0])"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("a or b if c and d else e", "(a or b) if (c and d) else e"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert value(text) == value(same)


# Places


def test_spans_are_those_of_the_whole_construct() -> None:
    text = "label: conv 3x3 2*n stride=2 x3 as i # end"
    found = statement(text)
    assert found.span.text == "label: conv 3x3 2*n stride=2 x3 as i"
    assert found.item.span.text == "conv 3x3 2*n stride=2"
    assert found.item.name_span.text == "conv"
    assert [a.span.text for a in found.item.arguments] == ["3x3", "2*n", "stride=2"]
    assert found.repeat.span.text == "x3 as i"


def test_windows_line_ends_leave_the_places_alone() -> None:
    unix = diagnostics("input 3\nconv 3x3 $\nrelu\n")[0]
    windows = diagnostics("input 3\r\nconv 3x3 $\r\nrelu\r\n")[0]
    assert unix.span and windows.span
    assert (windows.span.line, windows.span.column) == (unix.span.line, unix.span.column) == (2, 10)
    assert windows.render() == unix.render()


# What does not parse


@pytest.mark.parametrize(
    ("text", "code", "at", "told"),
    [
        ("conv(3, 64)", "A101", ",", "without parentheses"),
        ("conv (3, 64)", "A101", ",", "separated by spaces"),
        ("conv 3x3, 64", "A101", ",", "separated by spaces"),
        ("conv 3 x 3 64", "A101", "64", "a size is written without spaces"),
        ("relu // rectified", "A101", "//", "starts with #"),
        ("// comment", "A101", "//", "starts with #"),
        ("}", "A101", "}", "there is no `{` that this closes"),
        ("{ a } b", "A101", "b", "a new line or `;`"),
        ("conv 3x3 'same'", "A102", "'", "double quotes"),
        ('conv "same', "A102", '"', "a text ends on its line"),
        ("conv 3x3x", "A102", "3", "neither a number nor a size"),
        ("conv 3.", "A102", "3", "neither a number nor a size"),
        ("fc .5", "A102", ".", "a number starts with a digit"),
        ("fc 5 & 3", "A102", "&", "no meaning"),
        ("conv 3x3 \x1b[31m", "A102", "\x1b", "no meaning"),
        ("conv 3x3 {", "A103", "{", "never closed"),
        ("{ conv [3, (4", "A103", "(", "never closed"),
        ('residual { a # }\n conv "}"', "A103", "{", "never closed"),
        ("param n =", "A101", "=", "the text ends here"),
        ("param n", "A101", "n", "a name with a value"),
        ("let = 3", "A102", "=", "`let n = 3`"),
        ("conv = 3", "A102", "=", "`let n = 3`"),
        ('lr "a.b"=0.1x', "A102", "=", '`lr "layer4.0" 0.1x`'),
        ("lr a.b=0.1x", "A102", ".", '`lr "layer4.0" 0.1x`'),
        ("a: b: conv", "A102", ":", "a label stands at the beginning"),
        ("block b { conv (3 }", "A101", "}", "the `(` before it is not closed"),
        ("fc 3)", "A101", ")", "there is no `(` that this closes"),
        ("block b", "A101", "b", "`{`"),
        ("block 3 { }", "A101", "3", "a name"),
        ("@", "A101", "@", "a name"),
        ("@3", "A101", "3", "a name"),
        ("a x", "A101", "x", "the text ends here"),
        ("a x3 as", "A101", "s", "a name"),
        ("else { a }", "A601", "else { a }", "no `if` before"),
        ("if a { b }; c; else { d }", "A601", "else { d }", "no `if` before"),
        ("if a { b } else { c }\nelse { d }", "A601", "else { d }", "no `if` before"),
        ("{ a | b }", "A407", "{ a | b }", "name the join"),
        ("block b { a | c }", "A407", "block b { a | c }", "one flow"),
        ("network b { a | c }", "A407", "network b { a | c }", "one flow"),
        ("if a { b | c }", "A407", "{ b | c }", "one flow"),
        ("if a { b } else { c | d }", "A407", "{ c | d }", "one flow"),
        ("fc " + "9" * 19, "A503", "9" * 19, "19 digits"),
        ("fc 3x" + "9" * 19, "A503", "3x" + "9" * 19, "19 digits"),
        ("fc 1e400", "A503", "1e400", "64-bit"),
        ("a" * 101, "A504", "a" * 101, "100 characters"),
        ("residual when=a > 0 { b }", "A101", ">", "when=("),
        ("fc 3 if a else 4", "A101", "if", "parentheses"),
        ("conv 3x3 x\nrelu", "A101", "\n", "(x)"),
        ("conv 3x3 stride 2", "", "", ""),
    ],
)
def test_what_is_told(text: str, code: str, at: str, told: str) -> None:
    found = diagnostics(text)
    if not code:
        assert found == ()
        return
    assert [(d.code, d.span.text if d.span else "") for d in found] == [(code, at)]
    assert told in f"{found[0].label} {found[0].help}"


def test_several_errors_in_one_run() -> None:
    text = "input 3x8x8\nconv 3x3, 64\nrelu\nfc 'a'\nblock b { conv (3 }\nrelu\ngap gap)\n"
    assert [d.span and d.span.line for d in diagnostics(text)] == [2, 4, 5, 7]


def test_a_faulty_line_keeps_its_braces() -> None:
    """So that the lines after it are not read as if they stood elsewhere."""
    text = "block a {\n conv 3x3, 4 }\nresidual, {\n relu\n}\nfc ]\n"
    assert [d.span and d.span.line for d in diagnostics(text)] == [2, 3, 6]


def test_what_the_grammar_lets_through_is_told_all_at_once() -> None:
    text = f"{{ a | b }}\nfc {'9' * 30}\nelse {{ c }}\nif a {{ b | c }}\n{'n' * 200}\n"
    assert [(d.code, d.span and d.span.line) for d in diagnostics(text)] == [
        ("A407", 1),
        ("A503", 2),
        ("A601", 3),
        ("A407", 4),
        ("A504", 5),
    ]


def test_what_follows_from_a_fault_is_not_told() -> None:
    """With the line of the `if` gone, its `else` stands alone; that is not the writer's fault."""
    assert errors("if a, { b }\nelse { c }\nfc " + "9" * 30) == [
        ("A101", ","),
        ("A503", "9" * 30),
    ]
    assert errors("concat, { a\n| b }\nrelu") == [("A101", ",")]


def test_ten_errors_are_enough() -> None:
    found = diagnostics("conv 3x3, 4\n" * 50)
    assert [d.span and d.span.line for d in found] == list(range(1, 11))


def test_the_last_line_may_be_wrong() -> None:
    assert errors("relu\nfc ]") == [("A101", "]")]


def test_a_value_is_one_expression() -> None:
    assert value("1 + 2") == value("(1 + 2)")
    for text in ("", "1 2", "a: 3", "1; 2", "{ 1 }"):
        with pytest.raises(ParseError):
            parse_value(text, "-p n")
    assert str(parse_value("abc\n", "-p n").span) == "-p n:1:1"
