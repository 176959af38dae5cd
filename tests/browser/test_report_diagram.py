"""The page's diagram in a browser: levels of detail, moving, scaling, keys."""

from __future__ import annotations

from chromium import Browser, Page


def level(browser: Browser) -> str:
    return browser.text("#diagram .level")


def boxes(browser: Browser) -> list[str]:
    return browser.js("return app.diagram.boxes.map((e) => e.dataset.p)")


def view(browser: Browser) -> tuple[float, float, float]:
    x, y, scale = browser.js("const p = app.panzoom; return [p.x, p.y, p.scale]")
    return x, y, scale


def test_fold_and_unfold_all(page: Page) -> None:
    browser = page("resnet50")
    assert level(browser) == "2 of 5"
    browser.click("button[aria-label^='Fold']")
    assert boxes(browser) == [
        "conv1",
        "maxpool1",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
        "gap1",
        "fc",
    ]
    assert not browser.one("button[aria-label^='Fold']").is_enabled()
    browser.keys("]", "]", "]", "]")
    assert level(browser) == "every layer"
    assert "layer1.0.bn1" in boxes(browser)
    assert not browser.one("button[aria-label^='Unfold']").is_enabled()
    browser.keys("]")
    browser.keys("[")
    assert level(browser) == "4 of 5"


def test_a_block_unfolds_where_it_is_and_folds_again(page: Page) -> None:
    browser = page("resnet50")
    before = boxes(browser)
    browser.click("#canvas [data-p='layer3.0'] .handle")
    inside = [path for path in boxes(browser) if path.startswith("layer3.0.")]
    assert "layer3.0.conv1" in inside
    others = [path for path in before if path != "layer3.0"]
    assert [path for path in boxes(browser) if path not in inside] == others, "no other unfolds"
    assert level(browser) == "2 of 5 +"
    frame = browser.one("#canvas [data-p='cluster/layer3.0'] path").rect
    canvas = browser.one("#canvas").rect
    assert canvas["y"] <= frame["y"] and frame["x"] >= canvas["x"]
    browser.click("#canvas [data-p='cluster/layer3.0'] .handle")
    assert boxes(browser) == before and level(browser) == "2 of 5"
    browser.double_click("#canvas [data-p='layer3.0'] polygon")
    assert "layer3.0.conv1" in boxes(browser)


OVERLAPS = """
    const inner = app.diagram.view.firstElementChild;
    const { nodes, frames } = kinds(inner);
    const drawn = nodes.filter((node) => !/title|point/.test(node.getAttribute('class')));
    const places = [...drawn, ...frames].map((one) => [one.dataset.p, placeOf(one)]);
    const apart = ([[l, r], [t, b]], [[L, R], [T, B]]) =>
      r <= L + 0.2 || R <= l + 0.2 || b <= T + 0.2 || B <= t + 0.2;
    const holds = ([x, y], [X, Y]) =>
      x[0] <= X[0] + 0.2 && x[1] >= X[1] - 0.2 && y[0] <= Y[0] + 0.2 && y[1] >= Y[1] - 0.2;
    const found = [];
    places.forEach(([a, one], i) => places.slice(0, i).forEach(([b, other]) => {
      const frame = a.startsWith('cluster/') || b.startsWith('cluster/');
      if (!apart(one, other) && !(frame && (holds(one, other) || holds(other, one)))) {
        found.push([a, b]);
      }
    }));
    return found"""

ENDS = """
    const inner = app.diagram.view.firstElementChild;
    const { nodes, frames, edges } = kinds(inner);
    const places = [...nodes, ...frames].map(placeOf);
    const border = ([x, y], place) => within([x, y], place, 2.5);
    const loose = (points) => !places.some((place) => points.some((point) => border(point, place)));
    const begins = (edge) => pointsOf(edge.querySelector('path')).slice(0, 1);
    return edges.filter((edge) => loose(begins(edge)) || shapesOf(edge).some((shape) =>
      shape.tagName === 'polygon' && loose(pointsOf(shape)))).length"""


def test_what_unfolds_makes_room_for_itself(page: Page) -> None:
    """Nothing overlaps but a frame and what is in it; a line begins and ends at something."""
    for name in ("resnet50", "googlenet", "unet", "siamese", "densenet121", "vit_base_patch16_224"):
        browser = page(name)
        browser.js("app.diagram.open(0)")
        assert browser.js(OVERLAPS) == [], name
        for _ in range(5):  # also what is in a block that was unfolded
            browser.js(
                """const { boxes } = app.diagram;
                const shut = boxes.filter((box) => app.diagram.finer(box) >= 0);
                if (shut.length) app.diagram.toggle(shut[Math.floor(shut.length / 2)]);"""
            )
            assert browser.js(OVERLAPS) == [], name
            assert browser.js(ENDS) == 0, name
        missing = browser.js(
            "return DATA.networks[0].layers.path.filter((_, i) => !app.diagram.of.has(i))"
        )
        assert missing == [], name


SIDEWAYS = """
    const picture = (text) => {
      const made = document.createElementNS('http://www.w3.org/2000/svg', 'g');
      made.innerHTML = text;
      return made;
    };
    const group = picture(`
      <g class="node"><polygon points="0,0 100,0 100,40 0,40 0,0"/></g>
      <g class="node"><polygon points="200,100 260,100 260,120 200,120 200,100"/></g>
      <g class="edge"><path d="M100.2,36C120,60 180,90 197,97"/>
        <polygon points="196,99 200,100 198,95 196,99"/></g>`);
    const finer = picture(`
      <g class="cluster"><polygon points="500,0 560,0 560,90 500,90 500,0"/></g>`);
    unfoldInPlace(group, group.firstElementChild, finer, finer.firstElementChild);
    const edge = group.querySelector('.edge');
    const frame = placeOf(group.querySelector('.cluster'));
    const [start] = pointsOf(edge.querySelector('path'));
    return distance(start, frame)"""


def test_a_line_from_the_side_of_a_box_stays_at_a_frame_that_is_narrower(page: Page) -> None:
    assert page("lenet").js(SIDEWAYS) < 0.5


def test_a_fold_within_a_fold(page: Page) -> None:
    browser = page("resnet18")
    browser.js("app.diagram.open(0)")
    coarse = boxes(browser)
    browser.js("app.diagram.toggle(app.diagram.named.get('layer2'))")
    browser.js("app.diagram.toggle(app.diagram.named.get('layer2.0'))")
    assert "layer2.0.conv1" in boxes(browser) and "layer2.1" in boxes(browser)
    assert "layer1" in boxes(browser)
    browser.js("app.diagram.toggle(app.diagram.named.get('cluster/layer2.0'))")
    assert "layer2.0" in boxes(browser) and "layer2.0.conv1" not in boxes(browser)
    browser.js("app.diagram.toggle(app.diagram.named.get('layer2.0'))")
    browser.js("app.diagram.toggle(app.diagram.named.get('cluster/layer2'))")
    assert boxes(browser) == coarse


def test_every_layer_is_in_some_box_of_every_level(page: Page) -> None:
    for name in ("resnet50", "googlenet", "siamese", "unet"):
        browser = page(name)
        missing = browser.js(
            """const all = [];
            app.diagram.levels.forEach((_, i) => {
              app.diagram.open(i);
              DATA.networks[0].layers.path.forEach((path, n) => {
                if (!app.diagram.of.has(n)) all.push([i, path]);
              });
            });
            return all"""
        )
        assert missing == []


def test_the_wheel_moves_and_with_control_scales(page: Page) -> None:
    browser = page("googlenet")
    x, y, scale = view(browser)
    browser.wheel("#canvas", (0, 100))
    assert view(browser) == (x, y - 100, scale)
    browser.wheel("#canvas", (0, -200), control=True)
    assert view(browser)[2] > 1.5 * scale
    browser.keys("0")
    assert view(browser) == (x, y, scale)


def test_dragging_moves_and_chooses_nothing(page: Page) -> None:
    browser = page("googlenet")
    x, y, scale = view(browser)
    browser.drag("#canvas [data-p='conv1']", (40, -30))
    assert view(browser) == (x + 40, y - 30, scale)
    assert browser.js("return links.chosen") is None


def test_buttons_and_keys_scale(page: Page) -> None:
    browser = page("alexnet")
    scale = view(browser)[2]
    browser.click("button[aria-label^='Make larger']")
    assert abs(view(browser)[2] / scale - 1.25) < 1e-6
    browser.keys("-", "-")
    assert abs(view(browser)[2] / scale - 0.8) < 1e-6
    browser.click("button[aria-label^='Show all']")
    assert view(browser)[2] == scale


def test_the_picture_cannot_be_lost(page: Page) -> None:
    browser = page("alexnet")
    for by in ((90_000, 90_000), (-90_000, -90_000)):
        browser.js("app.panzoom.move(...arguments)", *by)
        there, frame = (browser.one(s).rect for s in ("#canvas svg > g", "#canvas"))
        assert (
            there["x"] < frame["x"] + frame["width"] and there["y"] < frame["y"] + frame["height"]
        )
        assert (
            there["x"] + there["width"] > frame["x"] and there["y"] + there["height"] > frame["y"]
        )


def test_boxes_are_walked_with_keys(page: Page) -> None:
    browser = page("resnet50")
    browser.js("app.diagram.boxes[0].focus()")
    browser.keys("ARROW_DOWN", "ARROW_DOWN")
    assert browser.focused().get_attribute("data-p") == "layer1.0"
    assert browser.focused().get_attribute("aria-label").startswith("layer1.0: bottleneck 64")
    browser.keys("ENTER")
    assert browser.text("#inspector b") == "32 layers"
    browser.keys("ARROW_RIGHT")
    assert browser.focused().get_attribute("data-p") == "layer1.0.conv1"
    browser.keys("ARROW_LEFT")
    assert browser.focused().get_attribute("data-p").startswith("layer1.0")


def test_what_is_chosen_stays_through_levels(page: Page) -> None:
    browser = page("resnet50")
    browser.js("choose([4, 5], null)")
    picked = "return [...document.querySelectorAll('#canvas .node.picked')].map((e) => e.dataset.p)"
    assert browser.js(picked) == ["layer1.0"]
    browser.keys("[")
    assert browser.js(picked) == ["layer1"]
    browser.keys("]", "]", "]", "]")
    assert browser.js(picked) == ["layer1.0.conv1"]


def test_words_fit_their_boxes(page: Page) -> None:
    """With the browser's own fonts, at every level."""
    for name in ("alexnet", "resnet152", "vit_base_patch16_224"):
        browser = page(name)
        wide = browser.js(
            """const found = [];
            app.diagram.levels.forEach((_, i) => {
              app.diagram.open(i);
              for (const box of app.diagram.boxes) {
                const shape = box.querySelector('polygon, path, ellipse').getBBox();
                for (const text of box.querySelectorAll('text')) {
                  const own = text.getBBox();
                  if (own.x + own.width > shape.x + shape.width + 1) found.push(text.textContent);
                }
              }
            });
            return found"""
        )
        assert wide == [], name


def test_a_line_that_goes_on_is_one_line(page: Page) -> None:
    """What fills the seam is no wider than the line, and has no edge of its own."""
    browser = page("resnet18")
    seams = browser.js(
        """return [...document.querySelectorAll('#canvas .point > polygon')].map((seam) => {
          const { stroke, fill } = getComputedStyle(seam);
          const line = getComputedStyle(document.querySelector('#canvas .edge path'));
          const { width, height } = seam.getBBox();
          return [stroke, fill === line.stroke, Math.min(width, height) <= 1];
        })"""
    )
    assert seams and all(seam == ["none", True, True] for seam in seams)


def test_what_is_too_large_to_be_drawn_is_said(page: Page) -> None:
    browser = page("input 3x8x8\n" + "conv 1x1\n" * 1600)
    assert "1,600 boxes" in browser.text("#canvas")
    assert len(browser.all(".layers tbody tr")) == 1600
    browser.keys("]", "[", "0", "+")
    browser.hover(".layers tbody tr:nth-child(3)")
    assert "1,792" not in browser.text("#inspector") and "conv2" in browser.text("#inspector")
