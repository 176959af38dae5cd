"""The page of a network in a browser: lines, boxes and rows light up together."""

from __future__ import annotations

from chromium import Browser, Page

from archdsl import zoo

SPEC = """input 3x32x32
block unit width { conv 3x3 width; relu }
stem: { conv 3x3 8; bn }
body: { unit 16 x4 }
gap; fc 10
"""


def lit(browser: Browser, name: str = "lit") -> dict[str, list[str]]:
    """What is lit: places in the text, boxes, rows."""
    return browser.js(
        """const texts = (s) => [...document.querySelectorAll(s)];
        return {
          places: texts(`.spot.${arguments[0]}`).map((e) => e.textContent),
          boxes: texts(`#canvas .node.${arguments[0]}`).map((e) => e.dataset.p),
          rows: texts(`.layers tbody .${arguments[0]}`).map((e) => e.cells[0].textContent),
        }""",
        name,
    )


def row(browser: Browser, path: str) -> object:
    return browser.js(
        """const { path } = DATA.networks[0].layers;
        return app.table.rows.get(path.indexOf(arguments[0]))[0]""",
        path,
    )


def spot(browser: Browser, words: str) -> object:
    """The first place in the text that has these words."""
    return browser.js(
        """const spots = [...document.querySelectorAll('.spot')];
        return spots.find((spot) => spot.textContent === arguments[0])""",
        words,
    )


def test_what_is_there_at_first(page: Page) -> None:
    browser = page("alexnet")
    assert browser.driver.title == "alexnet"
    assert browser.text("#name") == "alexnet"
    assert "60,965,224" in browser.text("#totals") and "724M" in browser.text("#totals")
    layers = len(zoo("alexnet").graph.nodes)
    assert len(browser.all(".layers tbody tr")) == layers
    assert browser.text(".layers tfoot td").startswith("61M")
    assert len(browser.all("#canvas .node")) > 10
    assert "conv 11x11 96" in browser.text("#source-text")
    assert "Point at" in browser.text("#inspector")


def test_a_row_lights_its_place_and_its_box(page: Page) -> None:
    browser = page("alexnet")
    browser.hover(row(browser, "conv2"))
    assert lit(browser) == {
        "places": ["conv 5x5 256 groups=2 bias_init=1"],
        "boxes": ["conv2"],
        "rows": ["conv2"],
    }
    told = browser.text("#inspector")
    assert "307,456" in told and "223,948,800" in told and "reads\nmaxpool1" in told
    browser.hover("#name")
    assert lit(browser) == {"places": [], "boxes": [], "rows": []}


def test_a_box_of_copies_lights_all_of_them(page: Page) -> None:
    browser = page(SPEC)
    browser.click("button[aria-label^='Unfold']")
    browser.hover("#canvas [data-p='body.0.conv1']")
    found = lit(browser)
    assert found["rows"] == [f"body.{i}.conv1" for i in range(4)][: len(found["rows"])]
    assert found["places"] == ["conv 3x3 width"]


def test_a_place_lights_what_it_stands_for(page: Page) -> None:
    browser = page(SPEC)
    call = spot(browser, "unit 16")
    browser.hover(call)
    found = lit(browser)
    assert found["rows"] == [f"body.{i}.{name}" for i in range(4) for name in ("conv1", "relu1")]
    assert "unit 16" in found["places"]
    assert browser.text("#inspector b") == "8 layers"
    bn = spot(browser, "bn")
    browser.hover(bn)
    assert lit(browser)["rows"] == ["stem.1"]


def test_what_is_clicked_stays_until_escape(page: Page) -> None:
    browser = page("alexnet")
    browser.click("#canvas [data-p='conv3']")
    browser.hover("#name")
    assert lit(browser, "picked")["rows"] == ["conv3"]
    assert lit(browser, "picked")["places"] == ["conv 3x3 384"]
    assert "885,120" in browser.text("#inspector")
    assert browser.one(".layers tr.picked").get_attribute("aria-selected") == "true"
    browser.keys("ESCAPE")
    assert lit(browser, "picked") == {"places": [], "boxes": [], "rows": []}


def test_what_is_chosen_is_brought_into_view(page: Page) -> None:
    browser = page("resnet152")
    browser.click("#canvas [data-p='fc']")
    inside = browser.js(
        """const all = [];
        const pairs = [
          ['.layers .picked', '#panel-layers .scroll'], ['.spot.picked', '#source-text'],
        ];
        for (const [one, pane] of pairs) {
          const [a, b] = [one, pane].map((s) => document.querySelector(s).getBoundingClientRect());
          const foot = document.querySelector(`${pane} tfoot`);
          const bottom = foot ? foot.getBoundingClientRect().top : b.bottom;
          all.push(a.top >= b.top && a.bottom <= bottom + 1);
        }
        return all"""
    )
    assert inside == [True, True]
    browser.js("choose([2, 3], null)")  # relu1 has no box of its own: it is in conv1's
    assert lit(browser, "picked")["boxes"] == ["conv1"]


def test_the_spec_is_walked_with_arrow_keys(page: Page) -> None:
    browser = page(SPEC)
    browser.js("document.querySelector('.spec tr[tabindex=\"0\"]').focus()")
    assert lit(browser)["rows"][0] == "body.0.conv1"
    browser.keys("ARROW_DOWN")
    assert lit(browser)["rows"] == ["stem.0", "stem.1"]
    browser.keys("ARROW_UP", "ENTER")
    assert len(lit(browser, "picked")["rows"]) == 8


def test_places_are_right_behind_any_character(page: Page) -> None:
    browser = page('input 3x8x8\nlet a = "🎉𝄞"; conv 3x3 4; relu  # 🎉\ngap\n')
    browser.hover(row(browser, "relu1"))
    assert lit(browser)["places"] == ["relu"]
    browser.hover(row(browser, "conv1"))
    assert lit(browser)["places"] == ["conv 3x3 4"]


def test_each_line_has_its_costs(page: Page) -> None:
    browser = page(SPEC)
    lines = browser.js(
        """const rows = [...document.querySelectorAll('.spec .costs, .spec .free')];
        return rows.map((row) => [...row.cells].map((cell) => cell.textContent))"""
    )
    assert lines[2][1:6] == ["240", "221k", "65.5 kB", "8x32x32", "3/1"]  # 3·3·3·8 + 8 and bn's 16
    assert lines[3][1] == "(8.13k)", "of the call: 8·9·16 + 16 + 3 (16·9·16 + 16)"
    assert lines[4][1] == "170"
