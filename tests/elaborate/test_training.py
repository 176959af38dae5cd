"""`train { … }`: every word of it, the statement form, which weights are trained, JSON."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
import torch
from goldens import check_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from sections import NETWORK, errors, in_force, training, where

import archdsl
from archdsl.errors import ArchError
from archdsl.ir import Graph, Node, Scope
from archdsl.ir.graph import json_schema
from archdsl.ir.training import Setting, Training
from archdsl.ir.training import settings as vocabulary
from archdsl.ir.training.learning import Adam, AdamW, Muon, OneCycle, Plateau

SETTINGS = vocabulary()
SAMPLES = [(cls, sample.text) for cls in SETTINGS for sample in cls.samples]
each_setting = pytest.mark.parametrize("cls", SETTINGS, ids=lambda c: c.phrase())


# Every word


def test_the_vocabulary_is_complete() -> None:
    words = """data imagefolder, data digits, data mnist, data fashion_mnist, data cifar10,
        data cifar100, data huggingface, data synthetic, data npz, data python,
        augment random_resized_crop, augment random_crop, augment shorter_side, augment hflip,
        augment pca_jitter, augment color_jitter, augment randaugment, augment mixup,
        augment cutmix, augment erasing, normalize data, normalize imagenet, eval center_crop,
        eval ten_crop, loss cross_entropy, loss mse, loss bce, optimizer sgd, optimizer adam,
        optimizer adamw, optimizer muon, schedule step, schedule multistep, schedule plateau,
        schedule cosine, schedule onecycle, schedule warmup, epochs, steps, batch, accumulate,
        precision, seed, deterministic, channels_last, compile, checkpoint, ema, clip, lr, no_decay,
        from, freeze all except, freeze until, tune everything"""
    expected = {" ".join(word.split()) for word in words.split(",")}
    assert expected <= {cls.phrase() for cls in SETTINGS}


@each_setting
def test_every_setting_is_described(cls: type[Setting]) -> None:
    first = (cls.__dict__.get("__doc__") or "").strip().partition("\n")[0]
    assert first.endswith("."), "the first line is a sentence"
    assert cls.part in Training.model_fields
    for name, info in cls.model_fields.items():
        assert info.description, name


@each_setting
def test_the_samples_use_every_argument(cls: type[Setting]) -> None:
    found = [
        setting
        for sample in cls.samples
        for _, setting in training(sample.text).settings()
        if type(setting) is cls
    ]
    assert len(found) >= len(cls.samples)
    for name, info in cls.model_fields.items():
        assert any(getattr(s, name) != info.default for s in found), name


@pytest.mark.parametrize(("cls", "text"), SAMPLES, ids=[text for _, text in SAMPLES])
def test_every_sample_survives(cls: type[Setting], text: str) -> None:
    """In JSON, and written out and read again."""
    graph = archdsl.parse(f"{NETWORK}train {{ {text} }}").graph
    assert graph.training is not None
    assert Graph.from_json(graph.to_json()) == graph
    again = archdsl.parse(NETWORK + graph.training.text()).graph.training
    assert again is not None
    assert in_force(again) == in_force(graph.training)


FULL = """\
param opt = "sgd"
block unit width { residual { conv 3x3 width; bn; relu } }
input 3x224x224
conv1: conv 7x7 8 stride=2
layer3: { unit 8 } x2
layer4: { unit 8 } x2
output side { gap; fc 3 }
gap
fc: fc 1000

train {
  data imagefolder "imagenet" size=256 workers=8
  augment random_resized_crop 224 scale=[0.35, 1]; hflip; pca_jitter 0.1
  augment mixup 0.2
  normalize imagenet
  eval center_crop 224 resize=256
  loss cross_entropy label_smoothing=0.1
  loss mse output=side weight=0.5
  optimizer opt lr=(0.1 * 2) momentum=0.9 nesterov=true weight_decay=1e-4
  lr layer4=0.1x "layer3.0" 0.01x
  no_decay conv1
  clip 1; ema 0.9999
  schedule multistep [30, 60, 80] warmup=5
  epochs 90; batch 256; accumulate 2; precision bf16
  channels_last; compile mode=max_autotune
  checkpoint layer3 "layer4.1"
  seed 42; deterministic false
  from "start.safetensors"
  if opt == "sgd" { freeze until layer3 epochs=10 } else { tune everything }
}
"""


def test_golden_section() -> None:
    graph = archdsl.parse(FULL, file="full.arch").graph
    assert graph.training is not None
    check_golden("train/full.json", graph.training.model_dump_json(indent=1) + "\n")
    check_golden("train/full.txt", graph.training.text())


def test_golden_defaults() -> None:
    """An empty section has every setting, too."""
    found = training("")
    assert found.places == {}
    check_golden("train/defaults.json", json.dumps(in_force(found), indent=1) + "\n")


def test_places_are_those_of_the_statements() -> None:
    places = archdsl.parse(FULL, file="full.arch").graph.training.places  # pyright: ignore
    lines = FULL.splitlines()
    found = {}
    for part, place in places.items():
        assert place.line == place.end_line
        found[part] = lines[place.line - 1][place.column - 1 : place.end_column - 1]
    assert found["augment.1"] == "hflip"
    assert found["augment.3"] == "augment mixup 0.2"
    assert found["losses.1"] == "loss mse output=side weight=0.5"
    assert found["accumulate"] == "accumulate 2"
    assert found["tuning"] == "freeze until layer3 epochs=10"
    assert len(found) == 27


def test_the_defaults_of_optimizers_are_torchs() -> None:
    """Where a default is stated to be the usual one; `nesterov` of Muon included."""
    same = {
        Adam: (torch.optim.Adam, ("lr", "betas", "eps", "weight_decay", "amsgrad")),
        AdamW: (torch.optim.AdamW, ("lr", "betas", "eps", "weight_decay", "amsgrad")),
        Muon: (torch.optim.Muon, ("momentum", "nesterov", "weight_decay")),
    }
    for cls, (theirs, names) in same.items():
        parameters = inspect.signature(theirs).parameters
        for name in names:
            assert getattr(cls.model_validate({}), name) == parameters[name].default, name
    steps = inspect.signature(torch.optim.Muon).parameters["ns_steps"].default
    assert Muon.model_validate({}).steps == steps


def test_the_defaults_of_schedules_are_torchs() -> None:
    theirs = inspect.signature(torch.optim.lr_scheduler.ReduceLROnPlateau).parameters
    plateau = Plateau.model_validate({})
    assert (plateau.factor, plateau.patience) == (
        theirs["factor"].default,
        theirs["patience"].default,
    )
    theirs = inspect.signature(torch.optim.lr_scheduler.OneCycleLR).parameters
    cycle = OneCycle.model_validate({})
    start = 1 / theirs["div_factor"].default
    assert cycle.rise == theirs["pct_start"].default
    assert cycle.start == pytest.approx(start)
    assert cycle.final == pytest.approx(start / theirs["final_div_factor"].default)


# The statement form


def test_augmentations_follow_one_another() -> None:
    lines = training("augment random_crop 32 pad=4; hflip\n  cutmix\naugment erasing")
    assert [s.name for s in lines.augment] == ["random_crop", "hflip", "cutmix", "erasing"]


def test_a_parameter_may_hold_a_choice_a_path_or_a_multiple() -> None:
    text = NETWORK + (
        'param how = "adam"\nparam part = "layer4.0"\nparam slow = 0.1x\n'
        "train { optimizer how; freeze until part; lr fc=slow }\n"
    )
    found = archdsl.parse(text).graph.training
    assert found is not None
    assert found.optimizer.text() == "optimizer adam"
    assert found.tuning.text() == 'freeze until "layer4.0"'
    assert found.rates[0].factor == 0.1
    other = archdsl.parse(text, how="sgd", part="layer3").graph.training
    assert other is not None
    assert (other.optimizer.name, other.tuning.text()) == ("sgd", "freeze until layer3")


def test_let_and_if() -> None:
    section = "let n = 3\nif classes > 10 { epochs 10*n; batch 64 }\nelse { epochs n }"
    assert training(section).length.count == 30
    assert training(section, classes=2).length.count == 3
    assert training(section, classes=2).batch.size == 128


def test_rates_by_path() -> None:
    """As arguments, or a path in quotes before its multiple."""
    found = training('lr layer3=0.1x fc=2x\nlr "layer4.0" 1e-3x conv1 3x "layer4.1" 5x')
    expected = {"layer3": 0.1, "fc": 2, "layer4.0": 0.001, "conv1": 3, "layer4.1": 5}
    assert {r.path: r.factor for r in found.rates} == expected


def test_a_multiple_is_no_number() -> None:
    (found,) = errors("input 3x8x8\nconv 3x3 2x\n")
    assert (found.code, where(found)) == ("A403", "2x")
    assert "the multiple 2x" in found.label
    (found,) = errors("input 3x8x8\nconv 3x3 (2 * 0.5x)\n")
    assert found.code == "A406"


# Which weights are trained


def own(*parts: str) -> set[str]:
    """The trained weights of parts of NETWORK, as they are called by hand."""
    units = {f"{n}.{i}.{k}" for n in ("layer3", "layer4") for i in (0, 1) for k in ("conv1", "bn1")}
    layers = {"conv1", "fc", "side.fc1"} | units
    return {
        f"{layer}.{weight}"
        for layer in layers
        if any(f"{layer}.".startswith(f"{part}.") for part in parts)
        for weight in ("weight", "bias")
    }


EVERYTHING = ("conv1", "layer3", "layer4", "side", "fc")


@pytest.mark.parametrize(
    ("section", "frozen"),
    [
        ("", ()),
        ("tune everything", ()),
        ("freeze all except fc", ("conv1", "layer3", "layer4", "side")),
        ('freeze all except fc "layer4.1"', ("conv1", "layer3", "layer4.0", "side")),
        ("freeze until layer4", ("conv1", "layer3")),
        ('freeze until "layer3.1"', ("conv1", "layer3.0")),
        ("freeze until conv1", ()),
    ],
)
def test_frozen_weights(section: str, frozen: tuple[str, ...]) -> None:
    graph = archdsl.parse(f"{NETWORK}train {{ {section} }}").graph
    assert graph.training is not None
    found = graph.training.tuning.frozen(graph)
    assert found == own(*frozen)
    names = {name for name, _ in archdsl.parse(NETWORK).to_torch().named_parameters()}
    assert found | own(*EVERYTHING) == names, "the keys are the module's"


def test_shared_weights_are_frozen_once_and_trained_by_any_of_their_names() -> None:
    siamese = "input 1x8x8\ntower: { conv 3x3 4; relu }\nagain: reuse tower\ngap\nfc: fc 2\n"
    siamese = siamese.replace("conv 3x3 4", "conv 3x3 1")
    graph = archdsl.parse(siamese + "train { freeze all except again }").graph
    assert graph.training is not None
    assert graph.training.tuning.frozen(graph) == {"fc.weight", "fc.bias"}


# JSON


def test_every_reference_of_the_schema_is_defined() -> None:
    schema = json_schema()

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    found = {ref.removeprefix("#/$defs/") for ref in references(schema)}
    assert {"Op", "Training", "Optimizer", "Augmentation", "Place"} <= found
    assert found <= set(schema["$defs"])
    for cls in (Graph, Training, Node, Scope):
        whole = schema if cls is Graph else schema["$defs"][cls.__name__]
        assert set(whole["properties"]) == set(cls.model_fields)
    words = [d["properties"]["word"]["const"] for d in schema["$defs"]["Optimizer"]["oneOf"]]
    assert words == ["sgd", "adam", "adamw", "muon"]


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": {"word": "cosine"}},
        {"optimizer": {"word": "sgd", "lr": -1}},
        {"optimizer": {"word": "sgd", "rate": 1}},
        {"optimizer": {"lr": 0.1}},
        {"optimizer": 3},
        {"augment": [{"word": "sgd"}]},
        {"nonsense": 1},
    ],
)
def test_json_that_is_no_training_is_refused(change: dict[str, Any]) -> None:
    graph = json.loads(archdsl.parse(f"{NETWORK}train {{ epochs 3 }}").graph.to_json())
    graph["training"] |= change
    with pytest.raises(ValueError, match="validation error"):
        Graph.from_json(json.dumps(graph))


# Any section


@settings(max_examples=150)
@given(st.lists(st.sampled_from(SAMPLES), max_size=8))
def test_sections_of_samples(samples: list[tuple[type[Setting], str]]) -> None:
    """What a section says is there, and written out it says the same."""
    try:
        found = training("\n".join(text for _, text in samples))
    except ArchError as caught:
        assert {d.code for d in caught.diagnostics} <= {"A802", "A803"}
        return
    kinds = {type(s) for _, s in found.settings()}
    assert {cls for cls, _ in samples} <= kinds
    again = archdsl.parse(NETWORK + found.text()).graph.training
    assert again is not None
    assert in_force(again) == in_force(found)


_WORDS = [word for _, text in SAMPLES for word in text.replace(";", " ; ").split()]
_OTHER = ["{", "}", "|", "[1, 2]", "0.1x", "-1", '"fc"', "fc", "if true {", "let a = 3", "x3", "a:"]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_WORDS + _OTHER * 4 + ["\n", ";"] * 30), max_size=30))
def test_any_words_are_a_section_or_an_error_with_a_place(words: list[str]) -> None:
    text = f"{NETWORK}train {{ {' '.join(words)} }}\n"
    try:
        archdsl.parse(text)
    except ArchError as caught:
        for found in caught.diagnostics:
            assert found.span is not None
            assert 0 <= found.span.start <= found.span.end <= len(text)
