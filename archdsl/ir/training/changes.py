"""Settings changed from outside: `optimizer.lr=0.01`, `epochs=3`, `optimizer sgd lr=0.1`."""

from __future__ import annotations

import re

from archdsl.ir.training.kinds import TEXT
from archdsl.ir.training.record import Training
from archdsl.ir.training.setting import Setting, vocabulary


class Unfit(Exception):
    """Why a change cannot be made, in words; `known` is what there is instead."""

    def __init__(self, label: str, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(label)
        self.word = word
        self.known = known


def statements(training: Training, change: str) -> list[str]:
    """The statements that a change stands for: all of the part of training that it concerns.

    It is a statement itself (`batch 64`), one with `=` behind its first word (`batch=64`), or an
    argument of a setting in force (`optimizer.lr=0.01`, of several `augment.1.p=0.3`).

    Raises:
        Unfit: no setting in force is called so, or it has no such argument.
    """
    if not change.strip():
        raise Unfit("no setting is named")
    if found := re.match(r"\s*(\w+(?:\.\w+)+)\s*=\s*(.*)", change, re.S):
        path, value = found.groups()
        of, _, argument = path.rpartition(".")
        setting = _in_force(training, of)
        others = [s for _, s in training.settings() if s.part == setting.part] or [setting]
        return [_with(s, argument, value) if s is setting else s.text() for s in others]
    if found := re.match(r"\s*(\w+)\s*=\s*(.*)", change, re.S):
        return [" ".join(found.groups())]
    return [change.strip()]


def reading_from(training: Training, place: str) -> str:
    """The statement that reads the same kind of data from another place.

    Raises:
        Unfit: the data in force come from nowhere in particular.
    """
    data = training.data
    positional = list(data.arguments())[: data.positional]
    for argument in positional:
        if TEXT in data.wants(argument):
            return _with(data, argument, data.show(argument, place))
    raise Unfit(f"`data {data.name}` is read from no file")


def restated(training: Training, parts: set[str]) -> list[str]:
    """The statements of some parts of training, as they are in force."""
    return [s.text() for part, s in training.settings() if part.partition(".")[0] in parts]


def _in_force(training: Training, name: str) -> Setting:
    """The setting that `optimizer`, `loss` or `augment.1` means."""
    found = dict(training.settings())
    known = tuple(dict.fromkeys(s.slot for s in found.values()))
    word, _, number = name.partition(".")
    of = [(p, s) for p, s in found.items() if word in (s.slot, p.partition(".")[0])]
    if number:
        of = [(p, s) for p, s in of if p.partition(".")[2] == number]
    if len(of) == 1:
        return of[0][1]
    if of:
        several = ", ".join(f"`{s.slot}.{p.partition('.')[2]}`" for p, s in of)
        raise Unfit(f"there are several: {several}")
    alone = vocabulary().get(word, {}).get(word)
    if alone is not None and not number:
        try:
            return alone.model_validate({})
        except ValueError:
            raise Unfit(f"`{word}` is not in force; state it whole: `{word} …`") from None
    raise Unfit(f"no setting in force is called `{name}`", word, known)


def _with(setting: Setting, argument: str, value: str) -> str:
    """A setting's statement with another value of an argument."""
    if argument not in setting.arguments():
        known = tuple(setting.arguments())
        raise Unfit(f"`{setting.phrase()}` has no `{argument}`", argument, known)
    bare = TEXT in setting.wants(argument) and not value.startswith('"')
    return setting.text({argument: setting.show(argument, value) if bare else value})
