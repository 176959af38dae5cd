"""Draws with the Graphviz in pygraphviz's wheel; `rendering` runs this file as a process.

Arguments: the folder that pygraphviz is in, and the format. DOT comes on stdin, the picture goes to
stdout. The process starts without site-packages, which makes it quick; pygraphviz needs
nothing but the standard library.
"""

import sys

if __name__ == "__main__":
    site, form = sys.argv[1:]
    sys.path.insert(0, site)

    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=form, prog="dot") or b"")
