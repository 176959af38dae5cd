"""Paths: the names that layers have in the state_dict, in ONNX and in every report."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field

from archdsl.errors import Diagnostic, Note, SpecError
from archdsl.source import Span
from archdsl.syntax import ast

# A path is an attribute path of a torch.nn.Module, so its parts cannot be Python's keywords or the
# module's own attributes (a test compares the list with torch's), nor begin with `_` as its private
# ones do.
MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905 (a list of words reads better as text)
)

# A numbered level may be an nn.Sequential, nn.ModuleList or nn.ModuleDict, which have more of them.
CONTAINER_ATTRIBUTES = frozenset(
    ["append", "clear", "extend", "insert", "items", "keys", "pop", "update", "values"]
)


@dataclass(eq=False)
class Namespace:
    """One level of the hierarchy of names.

    In a network or a block, a layer is called by its label, or by its word and its ordinal there
    (`conv1`, `bn1`, `conv2`, `relu6_1`); a numbered level counts what is in it (`0`, `1`).
    """

    path: str = ""
    numbered: bool = False
    counts: dict[str, int] = field(default_factory=dict[str, int])
    taken: dict[str, Span] = field(default_factory=dict[str, Span])

    def layer(self, word: str, label: ast.Name | None, span: Span) -> str:
        """The path of a layer or of a level inside this one."""
        self.counts[word] = self.counts.get(word, 0) + 1
        position = self.counts["#"] = self.counts.get("#", -1) + 1
        own = str(position) if self.numbered else self._numbered(word)
        return self.take(label.id, label.span) if label else self.take(own, span)

    def join(self, word: str, label: ast.Name | None, span: Span) -> str:
        """The path of a join, which is no module: it never takes a number."""
        self.counts[word] = self.counts.get(word, 0) + 1
        own = self._numbered(word)
        return self.take(label.id, label.span) if label else self.take(own, span)

    def _numbered(self, word: str) -> str:
        """A word and its ordinal, told apart: the first `relu6` is no 61st `relu`."""
        gap = "_" if word[-1:].isdigit() else ""
        return f"{word}{gap}{self.counts[word]}"

    def take(self, name: str, span: Span) -> str:
        """The path of a name.

        Raises:
            SpecError: the name is taken here, or no module can have it.
        """
        reserved = MODULE_ATTRIBUTES | CONTAINER_ATTRIBUTES if self.numbered else MODULE_ATTRIBUTES
        if keyword.iskeyword(name) or name.startswith("_") or name in reserved:
            label = f"`{name}` is a word of Python or of torch.nn.Module"
            raise SpecError(Diagnostic("A304", span, label, help=f"call it `{name}_`"))
        path = f"{self.path}.{name}" if self.path else name
        if name in self.taken:
            note = Note(self.taken[name], f"`{path}` is this already")
            help = "give one of them another label"
            raise SpecError(
                Diagnostic("A303", span, f"a second `{path}`", notes=(note,), help=help)
            )
        self.taken[name] = span
        return path


@dataclass(eq=False)
class AnchoredAt(Namespace):
    """A level whose one name is given out already: where a module is applied again."""

    anchor: str = ""

    def layer(self, word: str, label: ast.Name | None, span: Span) -> str:
        """The path, once; several layers without a level around them are no module."""
        if self.taken:
            text = "only a layer, a block or a group can be applied again"
            raise SpecError(Diagnostic("A601", span, text, help="label a group: `tower: { … }`"))
        self.taken[self.anchor] = span
        return self.anchor

    def join(self, word: str, label: ast.Name | None, span: Span) -> str:
        return self.layer(word, label, span)
