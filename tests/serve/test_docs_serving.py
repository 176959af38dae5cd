"""The server of docs/serving.md, asked by a client."""

from __future__ import annotations

import io
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from classifiers import mean_colour
from PIL import Image

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's code, at a free port, with a model of three colours."""
    monkeypatch.chdir(tmp_path)
    mean_colour(Path("resnet50.onnx"))
    (code,) = (
        block
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)
        if "http.server" in block
    )
    names: dict[str, Any] = {}
    server = '("127.0.0.1", 8000), Handler).serve_forever()'
    assert server in code
    exec(
        code.replace(server, '("127.0.0.1", 0), Handler)').replace("\nThr", "\nserver = Thr"), names
    )
    names["Handler"].log_message = lambda *_: None
    thread = threading.Thread(target=names["server"].serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{names['server'].server_port}"
    names["server"].shutdown()
    names["server"].server_close()
    thread.join()


def test_the_server_answers_many_at_a_time(address: str) -> None:
    data = {}
    for colour in ("red", "lime", "blue"):
        file = io.BytesIO()
        Image.new("RGB", (30, 20), colour).save(file, "JPEG")
        data[colour] = file.getvalue()

    def ask(colour: str) -> str:
        with urlopen(address, data[colour], timeout=30) as answer:
            return json.load(answer)[0][0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, ["red", "lime", "blue"] * 10))
    assert found == ["red", "green", "blue"] * 10


def test_the_server_refuses_what_is_no_picture(address: str) -> None:
    with pytest.raises(HTTPError) as error:
        urlopen(address, b"hello", timeout=30)
    assert error.value.code == 400
    error.value.close()
