#!/bin/sh
# From a spec to an ONNX file that classifies pictures: offline, in a minute or so.
# What it writes goes into the folder it is called in. Then it can be served:
#
#     pip install litserve
#     python examples/serve.py digits.onnx --port 8000
#     examples/train_and_serve/ask.sh digits/val/3/*.png         # in another terminal
set -eu
here=$(cd "$(dirname "$0")" && pwd)

python "$here/pictures.py" digits                                # your own pictures instead
archdsl check "$here/digits.arch"
name=digits-$(date +%Y%m%d-%H%M%S)                               # no run takes another's place
archdsl train "$here/digits.arch" "$@" --name "$name"
archdsl export "$here/digits.arch" --weights "runs/$name" -o digits.onnx
archdsl predict digits.onnx digits/val/3 --top 1
