"""A policy network for Go learns from labelled positions what a dense one does not.

AlphaGo's policy is a convolution of 5x5, eleven of 3x3 and a bias for each point, first trained to
give the moves of experts (Silver et al. 2016, Methods); here it has five layers, 16 planes and a
board of 9x9. The expert is a program, go_board.py: of a position of a random game it gives the move
that captures the most stones, else the one that saves the most from atari, else the one that puts
the most into atari, where there is a single best one. The network sees AlphaGo's simplest planes,
or the stones alone. Held against it are two dense networks, with as many parameters and with as
many MACs by archdsl's own counts, and a legal move at random.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from go_board import KINDS, SIDE, Board, each, groups, index
from go_board import positions as labelled
from lab import BLACK, BLUE, GREEN, RED, SKY, Check, Report, Runs, load, panels, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from archdsl import Network

SPEC = "go.arch"
NETS = {
    "cnn": "AlphaGo's shape",
    "params": "dense, as many parameters",
    "macs": "dense, as many MACs",
}
PLANES = {"liberties": 9, "stones": 5}
"""What is seen, and in how many planes: own, other, empty, ones, ko; 1, 2, 3, more liberties."""
COUNTS = {"few": (1000, 500), "many": (5000, 2000)}
"""Positions to learn from and to validate with, of different games."""


def jobs(short: bool) -> list[dict[str, Any]]:
    count, epochs, seeds = ("few", 4, 1) if short else ("many", 6, 3)
    return [
        {"net": net, "seen": seen, "seed": seed, "count": count, "epochs": epochs}
        for net in NETS
        for seen in (["liberties"] if short else PLANES)
        for seed in range(seeds)
    ]


def measure(net: str, seen: str, seed: int, count: str, epochs: int) -> dict[str, Any]:
    name = "cnn"
    parameters: dict[str, Any] = {"planes": PLANES[seen]}
    if net != "cnn":
        name = "mlp"
        parameters["width"] = matching(net, PLANES[seen])
    changes = [f'data python "go:{count}_{seen}" workers=0', f"epochs {epochs}"]
    trained = train(SPEC, name, seed=seed, changes=changes, **parameters)
    summary = trained.network.summary()
    valid = drawn(count)[1]
    given, kinds = answers(trained.model, valid, PLANES[seen])
    found: dict[str, Any] = {
        "parameters": summary.params,
        "macs": summary.macs,
        "accuracy": sum(given) / len(given),
        "accuracies": [row.valid_accuracy for row in trained.rows],
        "chance": sum(1 / board.legal().bit_count() for board, _, _ in valid) / len(valid),
    }
    for kind, word in KINDS.items():
        of_kind = [right for right, own in zip(given, kinds, strict=True) if own == kind]
        found[word] = sum(of_kind) / len(of_kind)
    if (net, seen, seed) == ("cnn", "liberties", 0):
        found |= shown(trained.model)
        found["field"] = trained.network.receptive_field(at="hidden").size[0]
        found["shares"] = {w: kinds.count(k) / len(kinds) for k, w in KINDS.items()}
    return found


def matching(quantity: str, planes: int) -> int:
    """The width at which a dense network comes nearest to the policy's `params` or `macs`."""

    def of(network: Network) -> int:
        return getattr(network.summary(), quantity)

    wanted = of(load(SPEC, "cnn", planes=planes))
    one, two = (of(load(SPEC, "mlp", planes=planes, width=width)) for width in (1, 2))
    return max(1, round(1 + (wanted - one) / (two - one)))  # both grow linearly with the width


# What is learnt from


@cache
def drawn(count: str) -> tuple[list[tuple[Board, int, int]], list[tuple[Board, int, int]]]:
    """Positions, moves and their kinds, the same in every run: to learn from, to validate with."""
    return labelled(COUNTS[count][0], seed=1), labelled(COUNTS[count][1], seed=2)


def planes_of(board: Board) -> Any:
    """The planes of a position, (9, 9, 9)."""
    import numpy as np

    sets = [board.own, board.other, board.empty, board.own | board.other | board.empty, board.ko]
    by_liberties = [0, 0, 0, 0]
    for stones in (*groups(board.own), *groups(board.other)):
        by_liberties[min(board.liberties(stones).bit_count(), 4) - 1] |= stones
    found = np.zeros((9, SIDE * SIDE), np.float32)
    for plane, points in zip(found, [*sets, *by_liberties], strict=True):
        plane[[index(p) for p in each(points)]] = 1
    return found.reshape(9, SIDE, SIDE)


@cache
def tensors(count: str) -> list[tuple[Any, Any]]:
    """Planes and numbers of moves."""
    import numpy as np

    return [
        (np.stack([planes_of(b) for b, _, _ in part]), np.array([index(m) for _, m, _ in part]))
        for part in drawn(count)
    ]


def many_liberties() -> Any:
    return tuple(tensors("many"))


def many_stones() -> Any:
    return tuple((x[:, : PLANES["stones"]], y) for x, y in tensors("many"))


def few_liberties() -> Any:
    return tuple(tensors("few"))


positions = many_liberties


def answers(
    model: Any, valid: list[tuple[Board, int, int]], planes: int
) -> tuple[list[bool], list[int]]:
    """Whether each move is found, and of which kind it is."""
    import numpy as np
    import torch

    x = torch.from_numpy(np.stack([planes_of(board)[:planes] for board, _, _ in valid]))
    with torch.no_grad():
        moves = model(x).argmax(1).tolist()
    right = [move == index(best) for move, (_, best, _) in zip(moves, valid, strict=True)]
    return right, [kind for _, _, kind in valid]


def shown(model: Any) -> dict[str, Any]:
    """A position of another game, the network's probabilities, and the move that is wanted."""
    import torch

    board, move, _ = labelled(1, seed=3)[0]
    with torch.no_grad():
        shares = model(torch.from_numpy(planes_of(board))[None]).softmax(1)[0]
    return {"board": str(board).split(), "shares_at": shares.tolist(), "move": index(move)}


# What is told


def report(runs: Runs) -> Report:
    rows = [
        ["network", "sees", "parameters", "MACs", "moves found", *(f"{k}s" for k in KINDS.values())]
    ]
    for net in NETS:
        for seen in runs.each("seen"):
            same = runs.where(net=net, seen=seen)
            first = same[0].found
            cells = [NETS[net], seen, f"{first['parameters']:,}", f"{first['macs']:,}"]
            cells += [f"{same.spread(key):.1%}" for key in ("accuracy", *KINDS.values())]
            rows.append(cells)
    rows.append(["a legal move at random", "", "", "", f"{chance(runs):.1%}", *[""] * len(KINDS)])
    checks = [_beats(runs, seen, net) for seen in runs.each("seen") for net in ("params", "macs")]
    return Report([*checks, _chance(runs)], rows, _text(runs))


def chance(runs: Runs) -> float:
    return runs.values("chance")[0]


def _beats(runs: Runs, seen: str, net: str) -> Check:
    cnn, dense = (runs.values("accuracy", net=n, seen=seen) for n in ("cnn", net))
    claim = f"{seen}: AlphaGo's shape finds more moves in every seed than any of the {NETS[net]}"
    return Check(
        claim, f"{min(cnn):.1%} at least, against {max(dense):.1%} at most", min(cnn) > max(dense)
    )


def _chance(runs: Runs) -> Check:
    least = min(runs.values("accuracy", net="cnn"))
    claim = (
        "AlphaGo's shape finds at least ten times as many as a legal move at random, in every seed"
    )
    return Check(
        claim, f"{least:.1%} at least, against {chance(runs):.1%}", least > 10 * chance(runs)
    )


def _text(runs: Runs) -> str:
    first = runs.where(net="cnn", seen="liberties", seed=0)[0].found
    text = f"One point of the last hidden layer sees {first['field']}x{first['field']} of the "
    kinds = [f"{kind}s ({share:.0%})" for kind, share in first["shares"].items()]
    text += f"{SIDE}x{SIDE} board. The moves that are wanted are {', '.join(kinds[:-1])} and "
    text += f"{kinds[-1]}; no position is of a game that was learnt from. "
    if "stones" in runs.each("seen"):
        gain = {
            net: runs.spread("accuracy", net=net, seen="liberties").mean
            - runs.spread("accuracy", net=net, seen="stones").mean
            for net in NETS
        }
        text += f"To see liberties changes what AlphaGo's shape finds by {100 * gain['cnn']:+.0f} "
        text += f"points, the dense ones by {100 * gain['params']:+.0f} and "
        text += f"{100 * gain['macs']:+.0f}. "
    text += "The planes that say at each point how many stones a move captures are left out: they "
    return text + "would all but name the move. How strongly it plays is not measured."


def draw(runs: Runs) -> Figure:
    figure, axes = panels(3, 1, 9.5, 3.2, width_ratios=(1, 1.1, 1.1))
    _board(axes[0], runs.where(net="cnn", seen="liberties", seed=0)[0].found)
    colors = dict(zip(NETS, (RED, BLUE, GREEN), strict=True))
    for place, seen in enumerate(runs.each("seen")):
        for shift, net in enumerate(NETS):
            found = [100 * a for a in runs.values("accuracy", net=net, seen=seen)]
            label = NETS[net] if place == 0 else None
            at = [place + 0.2 * (shift - 1)] * len(found)
            axes[1].plot(at, found, "o", color=colors[net], markersize=4, label=label)
    axes[1].axhline(100 * chance(runs), color=BLACK, linestyle=":", linewidth=1, label="chance")
    axes[1].set(xticks=range(len(runs.each("seen"))), xticklabels=runs.each("seen"))
    axes[1].set(
        title="a point for each seed", ylabel="moves found, %", ylim=(0, 100), xlim=(-0.6, 1.6)
    )
    for net in NETS:
        for i, found in enumerate(runs.values("accuracies", net=net, seen="liberties")):
            percent = [100 * a for a in found]
            label = NETS[net] if i == 0 else None
            axes[2].plot(
                range(1, len(found) + 1), percent, color=colors[net], label=label, linewidth=1
            )
    axes[2].set(title="with liberties", xlabel="epoch", ylim=(0, 100))
    axes[1].legend(fontsize="small")
    return figure


def _board(axis: Any, found: dict[str, Any]) -> None:
    """Stones, the probabilities as squares, and a ring where the move is wanted."""
    places = [divmod(number, SIDE) for number in range(SIDE * SIDE)]
    rows, columns = zip(*places, strict=True)
    sizes = [110 * share for share in found["shares_at"]]
    axis.scatter(columns, rows, s=sizes, marker="s", color=SKY, zorder=2)
    for mark, face in (("x", "black"), ("o", "white")):
        stones = [(c, r) for r, c in places if found["board"][r][c] == mark]
        axis.scatter(
            *zip(*stones, strict=True), s=95, color=face, edgecolor="black", linewidth=0.7, zorder=3
        )
    row, column = divmod(found["move"], SIDE)
    axis.scatter(column, row, s=120, facecolor="none", edgecolor=RED, linewidth=1.5, zorder=4)
    axis.set(xlim=(-0.6, SIDE - 0.4), ylim=(SIDE - 0.4, -0.6), aspect="equal")
    axis.set(xticks=range(SIDE), yticks=range(SIDE), xticklabels=[], yticklabels=[])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set(title="black to move; ring: wanted, blue: given")
