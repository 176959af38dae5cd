"""What a `train { … }` must not be: each error, its place and its way out."""

from __future__ import annotations

import pytest
from sections import NETWORK, error, errors, training, where


@pytest.mark.parametrize(
    ("section", "code", "at", "told"),
    [
        # words
        ("optimiser sgd", "A801", "optimiser", "did you mean `optimizer`?"),
        ("sgd lr=0.1", "A801", "sgd", "`optimizer sgd "),
        ("optimizer sdg lr=0.1", "A801", "sdg", "did you mean `sgd`?"),
        ("optimizer cosine", "A801", "cosine", "`schedule cosine "),
        ("augment normalize imagenet", "A801", "normalize", "there are random_resized_crop"),
        ("conv 3x3 64", "A801", "conv", "layers stand outside of `train`"),
        ("hflip", "A801", "hflip", "`augment hflip`"),
        ("augment hflip; batch 3; erasing", "A801", "erasing", "`augment erasing`"),
        ("epochs 90 batch 256", "A404", "batch", "put `;` or a new line before it"),
        ("augment hflip erasing", "A404", "erasing", "put `;` or a new line before it"),
        ("optimizer", "A402", "optimizer", "`optimizer` says which: sgd, adam, adamw, muon"),
        ("freeze", "A402", "freeze", "says which: all except, until"),
        ("freeze all fc", "A402", "freeze all fc", "goes on with `except`"),
        ("optimizer 3", "A403", "3", "there are sgd, adam, adamw, muon"),
        # arguments
        ("optimizer sgd lrr=1", "A401", "lrr=1", "did you mean `lr`?"),
        ("optimizer sgd 0.1", "A404", "0.1", "name it: lr="),
        ("epochs", "A402", "epochs", "for example `epochs 90`"),
        ("epochs 0", "A403", "0", "at least 1; this is 0"),
        ("epochs 1.5", "A403", "1.5", "`count` is an integer"),
        ("seed -1", "A403", "-1", "at least 0"),
        ("deterministic 1", "A403", "1", "true or false"),
        ("precision fp23", "A403", "fp23", "did you mean `fp32`?"),
        ("optimizer sgd lr=0", "A403", "lr=0", "greater than 0"),
        ("optimizer sgd nesterov=true", "A403", "nesterov=true", "needs `momentum`"),
        ("optimizer adam betas=[0.9, 1]", "A403", "betas=[0.9, 1]", "to below 1"),
        ("optimizer adam betas=0.9", "A403", "betas=0.9", "two numbers"),
        ("lr fc=0.1", "A403", "0.1", "`0.1x`"),
        ("lr fc=0x", "A403", "fc=0x", "greater than 0"),
        ("lr 0.1", "A402", "lr", "`lr=` of `optimizer`"),
        ("lr", "A402", "lr", "for example `lr layer4=0.1x`"),
        ("lr fc 2x conv1", "A402", "lr", "`lr` needs `factor`"),
        ("schedule multistep [60, 30]", "A403", "[60, 30]", "greater than the one before"),
        ("schedule multistep 30x60", "A403", "30x60", "this is the size 30x60"),
        ("augment random_crop", "A402", "augment", "needs `size`"),
        ("augment shorter_side 480 256", "A403", "256", "the least length comes first"),
        ("augment hflip 1.5", "A403", "1.5", "a number from 0 to 1"),
        (
            "augment random_resized_crop 8 scale=[0.5, 2]",
            "A403",
            "scale=[0.5, 2]",
            "larger than the whole",
        ),
        ("normalize values [0.5] [1, 2]", "A403", "[1, 2]", "the mean has 1 numbers"),
        ("eval center_crop 224 resize=100", "A403", "resize=100", "smaller than the window"),
        ("data imagefolder pets", "A302", "pets", "quote a text"),
        ('data python "os.system"', "A403", '"os.system"', "package.module:function"),
        ('data imagefolder "a" broken=ignore', "A403", "ignore", "fail, skip"),
        ("freeze all except fc epochs=0", "A403", "epochs=0", "at least 1"),
        # stated twice, or against one another
        ("epochs 3; batch 4; epochs 3", "A802", "epochs 3", "`epochs` is stated twice"),
        ("optimizer sgd; optimizer adam", "A802", "optimizer adam", "`optimizer` is stated twice"),
        ("augment hflip; hflip", "A802", "hflip", "`hflip` is stated twice"),
        ("loss mse; loss bce", "A802", "loss bce", "the `loss` of `out` is stated twice"),
        ("lr fc=1x; lr fc=2x", "A802", "lr fc=2x", "the `lr` of `fc` is stated twice"),
        ("epochs 3; steps 9", "A803", "steps 9", "`steps` and `epochs` exclude one another"),
        (
            "freeze until fc; tune everything",
            "A803",
            "tune everything",
            "`tune` and `freeze` exclude one another",
        ),
        ("freeze until layer4; lr layer3=0.1x", "A803", "layer3=0.1x", "`layer3` is frozen"),
        ("augment shorter_side 256", "A803", "augment shorter_side 256", "let a crop follow"),
        ("epochs 3; schedule cosine warmup=5", "A803", "schedule cosine warmup=5", "for 5 epochs"),
        ("steps 3; schedule warmup 5", "A803", "schedule warmup 5", "for 5 steps"),
        ("normalize values [1] [1]", "A803", "normalize values [1] [1]", "`normalize data`"),
        # paths
        ("freeze until layer5", "A804", "layer5", "did you mean `layer4`?"),
        ("freeze all except fcc", "A804", "fcc", "did you mean `fc`?"),
        ('freeze all except fc "layer3.7"', "A804", '"layer3.7"', "`layer3` has 0, 1"),
        ('lr "layer3.1.conv2" 2x', "A804", '"layer3.1.conv2"', "`layer3.1.conv1`?"),
        ("lr gap1=2x", "A804", "gap1=2x", "`gap1` has no weights to train"),
        ("no_decay head", "A804", "head", "`spec` has conv1, layer3, "),
        ("checkpoint fc", "A804", "fc", "`fc` is one layer"),
        ('checkpoint layer3 "layer4.9"', "A804", '"layer4.9"', "`layer4` has 0, 1"),
        ("loss mse output=sid", "A804", "sid", "there are out, side"),
        # losses
        (
            "loss cross_entropy class_weights=[1, 2]",
            "A805",
            "loss cross_entropy class_weights=[1, 2]",
            "`out` has 100 classes",
        ),
        # other statements
        ("a: epochs 3", "A601", "a: epochs 3", "without labels"),
        ("epochs 3 x2", "A601", "epochs 3 x2", "without labels"),
        ("param n = 3", "A601", "param n = 3", "`let`"),
        ("{ epochs 3 }", "A601", "{ epochs 3 }", "`let`"),
        ("train { }", "A801", "train", "training has no `train`"),
        ("epochs 3 { }", "A407", "{ }", "no braces"),
    ],
)
def test_errors(section: str, code: str, at: str, told: str) -> None:
    found = error(section)
    assert (found.code, where(found)) == (code, at)
    assert told in f"{found.label} {found.help}"


def test_both_places_are_told() -> None:
    found = error("epochs 3\nbatch 4\nsteps 9")
    assert [note.span.text for note in found.notes] == ["epochs 3"]
    found = error("freeze until layer4\nlr layer3=0.1x")
    assert [note.span.text for note in found.notes] == ["freeze until layer4"]


def test_all_errors_are_told_at_once() -> None:
    text = NETWORK + "train { epochs 0\nbatch 0; optimizr sgd\nseed 3\nema 2 }\nfc 3 strid=2"
    assert [d.code for d in errors(text)] == ["A403", "A403", "A801", "A403", "A401"]


def test_after_a_mistake_paths_are_checked_and_no_default_is_blamed() -> None:
    section = "epochs 0\nloss mze\nschedule warmup 20\nlr fcc=2x"
    found = errors(f"input 1x8x8\nfc: fc 1\ntrain {{\n{section}\n}}\n")
    assert [(d.code, where(d)) for d in found] == [
        ("A403", "0"),
        ("A801", "mze"),
        ("A804", "fcc=2x"),
    ]


def test_classes_that_the_output_has_no_place_for() -> None:
    found = error("data cifar100", NETWORK.replace("classes = 100", "classes = 10"))
    assert (found.code, where(found)) == ("A805", "data cifar100")
    assert "`-p classes=100`" in found.help
    found = error("data digits", "input 1x8x8\nfc 4\n")
    assert "`digits` has 10 classes, the output has 4" in found.label
    # Fine: fewer classes than outputs, an unknown number of them, or another loss.
    assert training("data cifar10").data.known_classes == 10
    assert training('data imagefolder "x"', "input 1x8x8\nfc 4\n")
    assert training("data digits; loss mse", "input 1x8x8\nfc 4\n")


def test_one_class() -> None:
    assert error("loss cross_entropy", "input 1x8x8\nfc 1\n").code == "A805"
    assert training("loss bce", "input 1x8x8\nfc 1\n")


def test_cross_entropy_on_a_map_is_for_each_position() -> None:
    assert training("data digits", "input 3x8x8\nconv 3x3 4\n").losses[0].name == "cross_entropy"
    found = error("loss cross_entropy class_weights=[1]", "input 3x8x8\nconv 3x3 4\n")
    assert "`out` has 4 classes" in found.label


MAP = "input 3x8x8\nconv 3x3 4\n"


@pytest.mark.parametrize(
    "step",
    ["hflip", "random_crop 8 pad=1", "random_resized_crop 8", "randaugment", "cutmix",
     "shorter_side 8 12; center_crop 8"],
)  # fmt: skip
def test_a_target_that_is_a_map_does_not_move_with_the_picture(step: str) -> None:
    for loss in ("cross_entropy", "mse", "bce"):
        found = error(f"loss {loss}; augment {step}", MAP)
        assert (found.code, found.label) == (
            "A803",
            "it moves the picture and not its target, a map of 8x8",
        )
        assert training(f"loss {loss}; augment {step}", "input 3x8x8\nconv 3x3 4\ngap\n")
        assert training(f"loss {loss}; augment {step}", "input 3x8x8\nconv 8x8 4 pad=0\n")


def test_what_stays_in_its_place_suits_a_map() -> None:
    section = "augment color_jitter; pca_jitter; erasing; mixup; shorter_side 8; center_crop 8"
    assert training(section, MAP)
    assert training("eval center_crop 8", MAP)
    found = error("eval ten_crop 8", MAP)
    assert (found.code, found.help) == ("A803", "`eval center_crop`")


def test_nothing_left_to_train() -> None:
    found = error("freeze until relu1", "input 3x8x8\nfc 4\nrelu\n")
    assert (found.code, found.label) == ("A803", "nothing is left to train")


def test_a_rate_of_what_thaws_is_fine() -> None:
    assert training("freeze until layer4 epochs=2; lr layer3=0.1x").tuning.thaws == 2


def test_a_network_without_layers_hides_no_mistake() -> None:
    assert {d.code for d in errors("input 3x8x8\ntrain { epochs 0 }\n")} == {"A004", "A403"}


def test_limits() -> None:
    many = " ".join(f"p{i}=1x" for i in range(101))
    found = errors(f"{NETWORK}train {{ lr {many} }}")
    assert [d.code for d in found] == ["A504", *["A804"] * 19], "at most 20 are told"
    assert error(f"checkpoint {' '.join(f'p{i}' for i in range(101))}").code == "A403"
