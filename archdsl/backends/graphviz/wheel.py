"""Draws with the Graphviz in pygraphviz's wheel; this file runs as a process of its own.

Arguments: the folder that pygraphviz is in, and the format; DOT comes on stdin, the picture goes to
stdout (`rendering`). With the folder alone it stays, and draws an SVG of each DOT text that comes
until there are no more (`resident`); either begins with its length in bytes, on a line. The process
starts without site-packages, which makes it quick; pygraphviz needs nothing but the standard
library.
"""

import os
import sys


def one(form):
    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=form, prog="dot") or b"")


def many():
    import pygraphviz

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what C code may print is no answer
    while length := sys.stdin.buffer.readline():
        graph = pygraphviz.AGraph(string=sys.stdin.buffer.read(int(length)).decode())
        svg = graph.draw(format="svg", prog="dot") or b""
        graph.close()
        answers.write(b"%d\n" % len(svg) + svg)
        answers.flush()


if __name__ == "__main__":
    site, *rest = sys.argv[1:]
    sys.path.insert(0, site)
    one(*rest) if rest else many()
