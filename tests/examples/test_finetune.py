"""examples/finetune: what it prints, and that its ways differ as they shall."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("lightning_fabric")
pytest.importorskip("sklearn")

FILE = Path(__file__).parents[2] / "examples" / "finetune" / "finetune.py"


def test_it_runs_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = importlib.util.spec_from_file_location("finetune", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path, 3)
    told = capsys.readouterr().out
    assert told.count("of the validation") == 5
    assert told.count("5 outputs in the weights, 10 here; these start fresh") == 3
    assert told.count("the features before `fc` are kept in") == 2
    assert told.count("behind epoch 1 all of the network is trained") == 1
    runs = tmp_path / "runs"
    known = load_file(runs / "known" / "best.safetensors")
    frozen = load_file(runs / "features frozen" / "last" / "weights.safetensors")
    thawed = load_file(runs / "the head first" / "last" / "weights.safetensors")
    for key in known:
        assert (frozen[key].shape != known[key].shape) == key.startswith("fc")
        if not key.startswith("fc"):
            assert (frozen[key] == known[key]).all()
            assert not (thawed[key] == known[key]).all()
