"""examples/serve.py: the server as a process, real clients at once."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from servers import Client, serving

import archdsl

pytest.importorskip("litserve")
SPEC = "input 3x32x32; conv 3x3 8 stride=2; relu; gap; fc 5"


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    model = tmp_path_factory.mktemp("serve") / "small.onnx"
    archdsl.parse(SPEC).to_onnx(model)
    with serving(model) as client:
        yield client, model


def test_clients_at_once_get_their_own_answers(served: tuple[Client, Path]) -> None:
    client, model = served
    session = archdsl.Session(model, device="cpu")

    def right(seed: int) -> bool:
        data = png(seed)
        status, answer = client.ask({"image": base64.b64encode(data).decode()})
        expected = session([Image.open(io.BytesIO(data))])[0].top(5)
        found = answer["top"]
        assert isinstance(found, list)
        same = [f["index"] for f in found] == [e.index for e in expected]
        shares = [[f["probability"] for f in found], [e.probability for e in expected]]
        return status == 200 and same and np.allclose(*shares, atol=1e-5)

    with ThreadPoolExecutor(16) as clients:
        assert all(clients.map(right, range(100)))


@pytest.mark.parametrize(
    "body", [{}, {"image": 3}, {"image": "no base64!"}, {"image": base64.b64encode(b"x").decode()}]
)
def test_what_is_no_picture_is_the_clients_mistake(
    served: tuple[Client, Path], body: object
) -> None:
    client, _ = served
    status, answer = client.ask(body)
    assert status == 400
    assert "image" in str(answer["detail"])
    assert client.ready()
