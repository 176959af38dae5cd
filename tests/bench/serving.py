"""Requests a second of examples/serve.py on the loopback, with and without batches."""

from __future__ import annotations

import base64
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

import archdsl

sys.path.insert(0, str(Path(__file__).parents[1]))
from servers import serving

CLIENTS, REQUESTS = 16, 320


def ask(port: int, body: bytes) -> float:
    """Seconds that an answer takes."""
    start = time.perf_counter()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, kind)
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - start


def load(port: int, body: bytes) -> dict[str, float]:
    """What 16 clients at once see."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: ask(port, body), range(CLIENTS)))  # to warm up
        start = time.perf_counter()
        times = sorted(clients.map(lambda _: ask(port, body), range(REQUESTS)))
        seconds = time.perf_counter() - start
    found = {"rate": REQUESTS / seconds, "median": statistics.median(times)}
    return {**found, "p99": times[int(0.99 * REQUESTS)]}


def main(name: str) -> None:
    """Print the figures for one picture at a time and for batches, as JSON."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        model, picture = Path(folder) / "model.onnx", Path(folder) / "picture.jpg"
        net = archdsl.zoo(name)
        net.to_onnx(model)
        pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(picture)
        body = json.dumps({"image": base64.b64encode(picture.read_bytes()).decode()}).encode()
        for batch in ("1", "16"):
            with serving(model, "--batch", batch) as server:
                found[f"batch {batch}"] = load(server.port, body)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
