"""The page's panels in a browser: layers, stages, memory, receptive fields, code, search."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from chromium import Browser, Page, network
from PIL import Image

from archdsl import zoo
from archdsl.analyses import memory
from archdsl.analyses.receptive_field import receptive_field
from archdsl.quantity import show_bytes


def paths(browser: Browser) -> list[str]:
    return browser.js("return app.table.list.map((row) => row.cells[0].textContent)")


def show(browser: Browser, panel: str) -> None:
    browser.click(f"#tab-{panel}")


# The table


def test_the_table_is_sorted_both_ways_and_back(page: Page) -> None:
    browser = page("alexnet")
    layers = zoo("alexnet").summary().layers
    order = [layer.path for layer in layers]
    most = [layer.path for layer in sorted(layers, key=lambda layer: -layer.macs)]
    head = "return app.table.heads[4].getAttribute('aria-sort')"
    click = "app.table.heads[4].firstChild.click()"
    assert (paths(browser), browser.js(head)) == (order, "none")
    browser.js(click)
    assert (paths(browser), browser.js(head)) == (most, "descending")
    browser.js(click)
    assert browser.js(head) == "ascending"
    assert paths(browser)[-1] == most[0]
    browser.js(click)
    assert (paths(browser), browser.js(head)) == (order, "none")


@pytest.mark.parametrize(
    ("column", "first"),
    [(0, "conv1"), (2, "conv1"), (3, "fc1"), (6, "conv1"), (7, "fc1")],
)
def test_each_column_sorts(page: Page, column: int, first: str) -> None:
    browser = page("alexnet")
    browser.js(f"app.table.heads[{column}].firstChild.click()")
    assert paths(browser)[0] == first


def test_the_table_is_filtered_by_kind(page: Page) -> None:
    browser = page("alexnet")
    browser.js(
        """const kinds = document.querySelector('#kind');
        kinds.value = 'pooling';
        kinds.dispatchEvent(new Event('change'))"""
    )
    assert paths(browser) == ["maxpool1", "maxpool2", "maxpool3"]
    assert browser.text("#panel-layers output") == "3 of 22 layers"
    assert browser.js("return app.table.foot.textContent") == "Sum001.1M490 kB"


def test_search_filters_rows_and_boxes_and_goes_on(page: Page) -> None:
    browser = page("alexnet")
    browser.keys("/", *"fc 4096")
    assert paths(browser) == ["fc1", "fc2"]
    assert browser.text("#matches") == "2"
    hits = "return [...document.querySelectorAll('#canvas .hit')].map((e) => e.dataset.p)"
    assert browser.js(hits) == ["fc1"], "which stands for both"
    browser.keys("ENTER", "ENTER")
    assert browser.text("#matches") == "2 of 2"
    assert browser.text("#inspector b") == "fc2"
    browser.keys("ESCAPE")
    assert len(paths(browser)) == 22
    assert browser.js(hits) == []
    browser.keys("/", *"nothing at all")
    assert "No layer is like that" in browser.text(".layers tbody")


def test_the_table_is_walked_with_keys(page: Page) -> None:
    browser = page("resnet152")
    browser.js("app.table.list[0].focus()")
    browser.keys("ARROW_DOWN", "ARROW_DOWN", "ARROW_UP")
    assert browser.focused().text.startswith("bn1")
    browser.keys("END")
    assert browser.focused().text.startswith("fc")
    row, foot = browser.focused().rect, browser.one(".layers tfoot tr").rect
    assert row["y"] + row["height"] <= foot["y"] + 1
    browser.keys("PAGE_UP")
    assert browser.focused().text.startswith("layer4")
    browser.keys("HOME", "ENTER")
    assert browser.text(".layers .picked td").startswith("conv1")
    assert browser.js("return app.table.list.filter((row) => row.tabIndex === 0).length") == 1


def test_of_a_long_network_the_rest_is_a_click_away(page: Page) -> None:
    browser = page("input 3x8x8\n{ conv 1x1; relu } x5000\n")
    assert len(paths(browser)) == 2000
    for view in ("stages", "memory", "field", "code", "layers"):
        show(browser, view)
    browser.hover("#canvas [data-p='conv1']")
    assert browser.text("#inspector b") == "5,000 layers"
    browser.js("app.table.body.querySelector('button').click()")
    assert len(paths(browser)) == 10_000


# Tabs


def test_tabs_are_turned_with_arrow_keys(page: Page) -> None:
    browser = page("alexnet")
    browser.one("#tab-layers").click()
    browser.keys("ARROW_RIGHT")
    assert browser.focused().text == "Stages"
    assert browser.one("#panel-stages").is_displayed()
    assert not browser.one("#panel-layers").is_displayed()
    browser.keys("ARROW_LEFT", "ARROW_LEFT")
    assert browser.focused().text == "PyTorch"
    assert browser.one("[role=tab][aria-selected=true]").text == "PyTorch"


# Stages and memory


def test_stages_add_up_and_are_linked(page: Page) -> None:
    browser = page("resnet50")
    show(browser, "stages")
    rows = browser.js(
        """const rows = [...document.querySelectorAll('.bars tbody tr')];
        return rows.map((row) => [...row.cells].map((cell) => cell.textContent))"""
    )
    named = {row[0]: row[1:] for row in rows}
    assert named["layer3"][:4] == ["7.1M", "28%", "1.46G", "36%"]
    stages = browser.js("return DATA.networks[0].stages")
    assert sum(s["params"] for s in stages) == 25_557_032
    assert sum(s["macs"] for s in stages) == 4_089_184_256
    browser.hover(
        browser.js(
            """const rows = [...document.querySelectorAll('.bars tbody tr')];
            return rows.find((row) => row.cells[0].textContent === 'layer3')"""
        )
    )
    assert browser.js(
        "return [...document.querySelectorAll('#canvas .node.lit')].map((e) => e.dataset.p)"
    ) == ["layer3.0", "layer3.1"]


def test_memory_is_that_of_the_analysis_at_any_batch(page: Page) -> None:
    browser = page("resnet50")
    show(browser, "memory")
    graph = zoo("resnet50").graph
    for batch in (1, 32):
        browser.js(
            """const input = document.querySelector('#batch');
            input.value = arguments[0];
            input.dispatchEvent(new Event('input'))""",
            batch,
        )
        told = browser.texts("#panel-memory figcaption")
        for text, course in zip(
            told, (memory.inference(graph), memory.training(graph)), strict=True
        ):
            assert f"at most {show_bytes(course.peak(batch).total)}" in text
            assert show_bytes(course.weights + course.optimizer) in text
    browser.click("#weights")
    assert browser.text("#panel-memory .tick") == show_bytes(memory.inference(graph).peak(32).total)


def test_a_moment_lights_its_layer(page: Page) -> None:
    browser = page("alexnet")
    show(browser, "memory")
    browser.settle()
    browser.hover("#panel-memory .chart")
    words = browser.text("#panel-memory .value")
    assert words.split(":")[0] == browser.text("#inspector b")
    browser.js("choose([0, 1], null)")
    assert browser.js("return document.querySelector('#panel-memory .pick').getAttribute('d')")


# Receptive fields


@pytest.mark.parametrize(
    "name",
    [
        "alexnet",
        "resnet18",
        "unet",
        "googlenet",
        "siamese",
        "wavenet",
        "autoencoder",
        "vit_base_patch16_224",
        "shufflenet_v2_x1_0",
        "feature_pyramid",
    ],
)
def test_the_field_is_that_of_the_analysis(page: Page, name: str) -> None:
    """The page has three numbers an axis; the analysis walks back through the graph."""
    net = network(name)
    browser = page(name)
    generator = random.Random(0)
    nodes = net.graph.nodes
    loose = browser.js("return [...members(DATA.networks[0].field.loose)]")
    for i in generator.sample(range(len(nodes)), min(30, len(nodes))):
        field = receptive_field(net.graph, nodes[i].path)
        position = tuple(generator.randrange(n) for n in field.sides)
        found = browser.js(
            "const f = DATA.networks[0].field; return regionOf(f, arguments[0], arguments[1])",
            i,
            position,
        )
        if not field.windows or field.whole or len(field.sides) != len(field.windows):
            continue
        region = field.region(*position)
        reached = [tuple(pair) for pair in found["unclipped"]]
        assert region.unclipped is None or all(
            a <= c and d <= b for (a, b), (c, d) in zip(reached, region.unclipped, strict=True)
        ), nodes[i].path
        if not field.misaligned and i not in loose:
            assert region.unclipped is None or reached == list(region.unclipped), nodes[i].path


def test_a_unit_that_is_pointed_at_shows_its_region(page: Page) -> None:
    browser = page("alexnet")
    browser.js("choose([3, 4], null)")
    show(browser, "field")
    browser.js("app.field.move(0, 0); app.field.move(1, 0)")
    assert browser.text("#panel-field .words").startswith(
        "Unit 0, 0 sees rows 0 to 18, columns 0 to 18"
    )
    units = browser.one("#panel-field .units")
    browser.hover(units)
    assert browser.text("#panel-field .words").startswith("Unit 13, 13 sees rows 104 to 122")
    units.click()
    browser.js("arguments[0].focus()", units)
    browser.keys("ARROW_UP", "ARROW_RIGHT")
    assert browser.text("#panel-field .words").startswith(
        "Unit 12, 14 sees rows 96 to 114, columns 112 to 130"
    )
    assert browser.js("return document.querySelector('#unit-column').value") == "14"


def test_the_slider_goes_through_the_layers(page: Page) -> None:
    browser = page("alexnet")
    show(browser, "field")
    browser.js("document.querySelector('#depth').focus()")
    browser.keys("HOME")
    assert browser.text("#panel-field .path") == "conv1"
    assert browser.text("#inspector b") == "conv1"
    browser.keys("END")
    assert "sees the whole input" in browser.text("#panel-field .words")


def test_a_picture_of_the_users(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    Image.new("RGB", (64, 48), (255, 0, 0)).save(picture)
    browser = page("alexnet")
    show(browser, "field")
    browser.one("#picture").send_keys(str(picture))
    middle = """const c = document.querySelector('#panel-field .input');
        return [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]"""
    browser.js("return new Promise((done) => setTimeout(done, 300))")
    assert browser.js(middle) == [255, 0, 0, 255]
    (tmp_path / "no.png").write_text("no picture")
    browser.one("#picture").send_keys(str(tmp_path / "no.png"))
    browser.js("return new Promise((done) => setTimeout(done, 300))")
    assert "no picture that this browser can read" in browser.text("#panel-field .words")


@pytest.mark.parametrize(
    "spec", ["input 128x64\nln; fc 8", "input 1x1x16000\nconv 1x3 2", "input 1x500x1\nconv 3x1 2"]
)
def test_an_input_of_one_row_or_column_has_room(page: Page, spec: str) -> None:
    """Its numbers, of 10 pixels, are whole; 18 pixels around it show padding."""
    browser = page(spec)
    show(browser, "field")
    sides = "const { style } = document.querySelector('#panel-field .input')"
    wide, high = browser.js(f"{sides}; return [style.width, style.height].map(parseFloat)")
    assert wide >= 60 and high >= 60


# Code


def test_the_code_is_copied(page: Page) -> None:
    browser = page("resnet18")
    show(browser, "code")
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    copied = "return navigator.clipboard.readText()"
    browser.click("#panel-code .bar button")
    assert browser.js(copied) == zoo("resnet18").torch_source()
    assert browser.text("#panel-code .bar button") == "Copied"
    buttons = {button.text: button for button in browser.all("#panel-code .piece button")}
    buttons["Copy Basic"].click()
    text = browser.js(copied)
    assert text.startswith("class Basic(nn.Module):") and "class Resnet18" not in text
    browser.js(
        """Object.defineProperty(navigator, 'clipboard', { value: undefined });
        document.addEventListener('copy', () => { window.got = document.activeElement.value })"""
    )
    browser.click("#panel-code .bar button")
    assert browser.js("return window.got") == zoo("resnet18").torch_source()


# Findings


def test_findings_are_at_their_lines(page: Page) -> None:
    browser = page("input 3x8x8\nconv 3x3 8; bn\nrelu; relu\ngap; fc 2\n")
    finding = browser.one(".finding")
    before = browser.js("return arguments[0].previousElementSibling.cells[0].textContent", finding)
    (expected, *_) = network("input 3x8x8\nconv 3x3 8; bn\nrelu; relu\ngap; fc 2\n").lint()
    assert int(before) == expected.span.line
    assert expected.code in finding.text and expected.diagnostic.title in finding.text
    browser.click("#source-tools button")
    assert browser.focused() == finding


def test_a_docstring_is_one_text(page: Page) -> None:
    browser = page("resnet18")
    show(browser, "code")
    (first, *_) = browser.all("#panel-code .piece pre")
    source = zoo("resnet18").torch_source()
    head = browser.js("return arguments[0].firstElementChild.textContent", first)
    assert head == source[: source.index('"""', 3) + 3]
    assert browser.js("return arguments[0].firstElementChild.className", first) == "string"
