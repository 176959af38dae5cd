"""Networks that the tests of diagrams draw."""

from __future__ import annotations

import archdsl
from archdsl.ir import Graph

TINY = "input 3x32x32; conv 3x3 x3; residual; gap"
ALEXNET = """
    input 3x227x227
    conv 11x11 96 stride=4 pad=0;  relu; lrn; maxpool 3x3 stride=2
    conv 5x5 256 groups=2;         relu; lrn; maxpool 3x3 stride=2
    conv 3x3 384;                  relu
    conv 3x3 384 groups=2;         relu
    conv 3x3 256 groups=2;         relu; maxpool 3x3 stride=2
    fc 4096; relu; dropout 0.5
    fc 4096; relu; dropout 0.5
    fc 1000
    """
RESNET = """
    block basic width stride=1 {
      default conv bias=false
      residual {
        conv 3x3 width stride=stride; bn; relu
        conv 3x3 width; bn
      | downsample: { conv 1x1 width stride=stride; bn }
      }
      relu
    }
    input 3x64x64
    conv 7x7 16 stride=2; relu
    layer1: { basic 16 x3 }
    layer2: { basic 32 stride=2; basic 32 x4 }
    gap; fc 10
    """
INCEPTION = """
    block inception a b c {
      concat { conv 1x1 a; relu | conv 1x1 b; relu; conv 3x3 c; relu | maxpool 3x3 stride=1 pad=1 }
    }
    input 3x32x32
    conv 3x3 8
    first: inception 4 4 8
    second: inception 8 4 8
    gap; fc 10
    """


def graph(spec: str) -> Graph:
    return archdsl.parse(spec).graph


# Hostile names: a graph may come from JSON, and then nothing holds its names to the grammar

HOSTILE = [
    '"quoted" & <b>bold</b>',
    "</TD></TABLE>> ]; evil [label=x",
    "<script>alert(1)</script>",
    r"\N \G \L \n \\",
    "a:n:b -> c; { } [ ] |",
    "&lt;&#65;&nbsp;",
    "<",
    "\x00\x1b[31m\r\n\u202eright to left\ud800",
    "層 слой ⚡",
    "שכבה طبقة",
    "node",
    "",
    "x" * 10_000,
]


def hostile_graph(text: str) -> Graph:
    """A network whose every name is the text."""
    network = graph("block b { conv 3x3; residual { conv 3x3 } }; input 3x9x9; a: b x2; gap")
    renamed = {n.path: f"{n.path}{text}" for n in network.nodes} | {"input": text or "input"}
    scopes = {s.path: f"{s.path}{text}" if s.path else "" for s in network.scopes}
    nodes = [
        n.model_copy(
            update={
                "path": renamed[n.path],
                "inputs": tuple(renamed[i] for i in n.inputs),
                "scope": scopes[n.scope],
            }
        )
        for n in network.nodes
    ]
    return network.model_copy(
        update={
            "name": text,
            "inputs": (network.inputs[0].model_copy(update={"name": renamed["input"]}),),
            "nodes": tuple(nodes),
            "scopes": tuple(
                s.model_copy(
                    update={
                        "path": scopes[s.path],
                        "parent": None if s.parent is None else scopes[s.parent],
                        "definition": text,
                    }
                )
                for s in network.scopes
            ),
            "outputs": (
                network.outputs[0].model_copy(
                    update={"name": text, "node": renamed[network.outputs[0].node]}
                ),
            ),
        }
    )
