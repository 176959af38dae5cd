r"""An exported classifier behind HTTP: pictures of many clients go through the model together.

    pip install litserve
    python examples/serve.py resnet50.onnx --port 8000

    curl -s localhost:8000/predict -H 'Content-Type: application/json' \
        -d "{\"image\": \"$(base64 -w0 cat.jpg)\"}"

LitServe does the HTTP, the workers and the batching: it waits for `--wait` seconds at most until
`--batch` pictures are there. It listens on this machine alone unless `--host` says otherwise.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import io
from typing import Any

import litserve
from fastapi import HTTPException
from PIL import Image

import archdsl

MOST_BYTES = 20_000_000  # of a picture


class Classifier(litserve.LitAPI):
    """Pictures in, the most probable classes out."""

    def __init__(self, path: str, top: int, **batching: Any) -> None:
        super().__init__(**batching)
        self.path = path
        self.top = top

    def setup(self, device: str) -> None:
        """Open the model; each worker does so once."""
        self.session = archdsl.Session(self.path, device="cuda" if "cuda" in device else "cpu")

    def decode_request(self, request) -> Image.Image:  # LitServe reads JSON where no type is said
        """The picture of a request; one that is none is the client's mistake."""
        text = request.get("image")
        if not isinstance(text, str) or len(text) > MOST_BYTES * 4 // 3:
            raise HTTPException(400, "`image` is a picture's file in base64, of at most 20 MB")
        try:
            data = io.BytesIO(base64.b64decode(text, validate=True))
            picture = Image.open(data, formats=["JPEG", "PNG", "WEBP"])
            picture.load()
        except (binascii.Error, OSError, ValueError, Image.DecompressionBombError) as error:
            raise HTTPException(400, f"`image` is no picture: {error}") from None
        return picture

    def batch(self, inputs: list[Image.Image]) -> list[Image.Image]:
        """The pictures of several requests."""
        return inputs

    def predict(self, x: Any) -> Any:
        """The predictions of a batch, or of one picture where batches are off."""
        pictures = x if isinstance(x, list) else [x]
        found = self.session(pictures, batch=len(pictures))
        return list(found) if isinstance(x, list) else found[0]

    def unbatch(self, output: list[Any]) -> list[Any]:
        """A prediction for each request."""
        return output

    def encode_response(self, output: Any) -> dict[str, Any]:
        """What a client is told."""
        return {
            "top": [
                {"index": label.index, "name": label.name, "probability": label.probability}
                for label in output.top(self.top)
            ]
        }


def main() -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=16, help="pictures at once, at most")
    parser.add_argument("--wait", type=float, default=0.005, help="seconds to wait for more")
    parser.add_argument("--workers", type=int, default=1, help="processes with the model")
    parser.add_argument("--top", type=int, default=5)
    options = parser.parse_args()
    batching = {"max_batch_size": options.batch}
    if options.batch > 1:
        batching["batch_timeout"] = options.wait
    server = litserve.LitServer(
        Classifier(options.model, options.top, **batching),
        accelerator="auto",
        workers_per_device=options.workers,
    )
    server.run(
        host=options.host, port=options.port, generate_client_file=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
