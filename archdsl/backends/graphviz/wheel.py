"""Draws with the Graphviz in pygraphviz's wheel; `rendering` runs this file as a process.

Arguments: the folder that pygraphviz is in, the format, the resolution of a PNG, the output's path.
DOT comes on stdin. The process starts without site-packages, which makes it quick; pygraphviz needs
nothing but the standard library.
"""

import sys

if __name__ == "__main__":
    site, form, dpi, path = sys.argv[1:]
    sys.path.insert(0, site)

    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    if form == "png":
        graph.graph_attr["dpi"] = dpi
    graph.draw(path, format=form, prog="dot")
