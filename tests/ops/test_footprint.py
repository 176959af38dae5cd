"""What a layer holds in memory, against what PyTorch keeps: for every sample of every layer."""

from __future__ import annotations

import torch
from test_theory import arrays, each_sample, module_of, nodes_of
from torch import Tensor, nn

from archdsl.ir import Node, Op
from archdsl.ir.records import Sample
from archdsl.ops.attention import Attention
from archdsl.ops.regularize import Dropout

BATCH = 3
FLOAT = 4


def storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def given(node: Node) -> list[Tensor]:
    return [a.float().requires_grad_() * 1.0 for a in arrays(node, BATCH)]


def kept(module: nn.Module, inputs: list[Tensor]) -> tuple[Tensor, dict[int, int]]:
    """The output, and the sizes of the tensors that autograd keeps, weights aside, by place."""
    weights = {storage(w) for w in (*module.parameters(), *module.buffers())}
    found: dict[int, int] = {}
    alive: list[Tensor] = []  # so that no place is given away twice

    def pack(tensor: Tensor) -> Tensor:
        alive.append(tensor)
        if storage(tensor) not in weights:
            found[storage(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = module(*inputs)
    return output, found


@each_sample
def test_what_is_kept_for_the_backward_pass(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        if cls is Attention and "dropout" in sample.text:
            continue  # the CPU's fused kernel drops nothing, and PyTorch takes another way
        inputs = given(node)
        output, found = kept(module_of(node, random=False).train(), inputs)
        memory = node.memory
        expected = {i for i, x in enumerate(inputs) if storage(x) in found}
        assert set(memory.inputs) == expected
        assert memory.output == (storage(output) in found)
        known = {storage(x) for x in (*inputs, output)}
        own = sum(size for place, size in found.items() if place not in known)
        predicted = BATCH * (FLOAT * memory.values + memory.bytes) + memory.fixed
        if cls is Dropout:  # a GPU's mask has a byte for each value, the CPU's a float
            predicted += (FLOAT - 1) * BATCH * memory.bytes
        assert own == predicted


@each_sample
def test_a_view_is_a_view(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        module = module_of(node, random=False)
        x, *more = given(node)
        shared = {}
        for training in (False, True):
            with torch.no_grad():
                shared[training] = storage(module.train(training)(x, *more)) == storage(x)
        view = node.memory.view
        assert shared == {False: view != "never", True: view == "always"}


@each_sample
def test_a_gradient_that_is_handed_on_takes_no_memory(cls: type[Op], sample: Sample) -> None:
    for node in nodes_of(cls, sample):
        xs = [a.float().requires_grad_() for a in arrays(node, BATCH)]
        output = module_of(node, random=False).train()(*xs)
        incoming = torch.randn_like(output)
        seen: list[Tensor] = []
        for x in xs:
            x.register_hook(seen.append)
        output.backward(incoming)
        own = [storage(g) != storage(incoming) for g in seen]
        if node.memory.passes:  # what was broadcast is summed up, into little
            large = [g.numel() * len(xs) >= incoming.numel() for g in seen]
            assert not any(o and wide for o, wide in zip(own, large, strict=True))
        else:
            assert any(own)
