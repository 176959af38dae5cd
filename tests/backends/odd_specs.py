"""Specs that a generator of code could stumble over, by what is odd in them."""

from __future__ import annotations

import re


def specs(text: str) -> dict[str, str]:
    """The specs of a text, each after a line `## NAME`; `$a60` stands for sixty a's."""
    text = re.sub(r"\$([a-z])(\d+)", lambda found: found[1] * int(found[2]), text)
    parts = re.split(r"^## (\w+)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


# Names that mean something in Python, or in the generated file
NAMES = specs("""
## label_python
input 3x8x8; match: conv 3x3 4; super: conv 3x3; self: relu; x: tanh; y: conv 3x3
## label_library
input 3x8x8; nn: conv 3x3 4; relu; torch: conv 3x3; relu; concat { | @torch | @nn }
## label_variable
input 3x8x8; x: conv 3x3 4; relu; y: conv 3x3; concat { | @x }
t1: tanh; relu; concat { | @y | @t1 }
## label_layer
input 3x8x8; init he; layer: conv 3x3 4; relu; conv 3x3; concat { | @layer }
## input_self
input self 3x8x8; input torch 3x8x8; concat { @self | @torch }; conv 3x3 4
## input_nested
a: { input left 3x8x8 }
b: { input right 3x8x8 }
input a_left 3x8x8
concat { @left | @right | @a_left }; conv 3x3 4
## argument_keyword
block b lambda def class { conv 3x3 lambda; conv 3x3 def; conv 3x3 class }
input 3x8x8; b 4 5 6; b 6 7 8
## argument_self
block b self nn { conv 3x3 self; conv 1x1 nn }
input 3x8x8; b 4 2; b 5 3
## argument_underscore
block b _ __w { s: { conv 1x1 _ x4 }; conv 1x1 __w }
input 3x8x8; b 4 1; b 5 2
## argument_builtin
block b range super { s: conv 1x1 range x3; conv 1x1 super }
input 3x8x8; b 4 1; b 5 2
## argument_layer
block b layer { init he; conv 1x1 layer; conv 3x3 layer }
input 3x8x8; b 4; b 5
## argument_class
block inner w { conv 1x1 w }
block b Inner { inner Inner; inner 2 }
input 3x8x8; b 4; b 5
## block_library
block tensor w { conv 1x1 w }
block module w { conv 1x1 w }
block ordered_dict w { conv 1x1 w }
input 3x8x8; tensor 4; tensor 5; module 6; ordered_dict 4
## block_alike
block a_b w { conv 1x1 w }
block aB w { conv 1x1 w }
input 3x8x8; a_b 4; aB 3; a_b 5
## block_number
block _3 w { conv 3x3 w }
block None w { conv 3x3 w }
input 3x8x8; a: _3 4; b: None 5
## block_helper
block global_avg_pool { conv 3x3; gap }
input 3x8x8; global_avg_pool
## tensor
input 3x8x8; conv 3x3 4
## ordered_dict
input 3x8x8; f: { a: conv 3x3 4; relu }
## global_avg_pool
input 3x8x8; gap
## none
input 3x8x8; gap
""")

# Levels that are no chain of modules, or not numbered throughout
LEVELS = specs("""
## module_list
input 3x8x8; f: { conv 3x3 4; residual { conv 3x3; relu }; relu }; gap
## module_dict
input 3x8x8; f: { a: conv 3x3 4; residual { conv 3x3; relu }; b: relu }; gap
## ordered_sequence
input 3x8x8; f: { a: conv 3x3 4; relu; conv 3x3; b: relu }; gap
## nested_chain
input 3x8x8; f: { conv 3x3 4; g: { relu; bn }; sequence { conv 1x1 2; tanh } }
## nested_list
input 3x8x8
a: { residual { conv 3x3 }; b: { residual { conv 3x3 }; c: { residual { conv 3x3 }; relu } } }
sequence { sequence { residual { conv 3x3 } }; residual { conv 1x1 } }
## deep
input 3x8x8
a: { conv 3x3; b: { conv 3x3; c: { conv 3x3; d: { conv 3x3; e: { conv 3x3; f: { tanh } } } } } }
## flattening
input 3x8x8; head: { h: { fc 10; relu }; fc 3 }
## flattening_inside
input 3x8x8; f: { conv 3x3 2; fc 10; relu }
## read_inside
input 3x8x8; f: { a: conv 3x3 4; conv 3x3 }; @a; relu; concat { @a | }; relu
## output_inside
input 3x8x8; f: { conv 3x3 4; a: relu; conv 3x3 }; @a
## unused
block b { conv 3x3 5 }
input 3x8x8; a: conv 3x3 4; b; f: { conv 3x3; relu }; @a; relu
## unused_input
input a 3x8x8; input b 3x8x8; conv 3x3 5; @a
## empty
block b { }
input 3x8x8; b; f: { }; conv 3x3 4; b; relu
""")

# Lines that do not fit
LONG = specs("""
## long_label
input 3x8x8
$a95: conv 3x3 4; $b70: relu; $c66: conv 3x3 4 stride=2
$d80: { conv 3x3; residual { conv 3x3 } }; $e64: fc 20
## long_key
input 3x8x8
$a60: { $b60: conv 3x3 5; relu; residual { relu } }
$c74: { $d30: conv 3x3 5; relu; maxpool 2x2; tanh }
## long_path
input 3x8x8; $a30: { $b30: { $c30: { residual { conv 3x3 } } } }
## long_block
block $b60 $w50 { conv 3x3 $w50; relu }
input 3x8x8; $b60 4; $b60 5
## long_class
block $b75 w { conv 3x3 w }
input 3x8x8; x: $b75 4
## long_inputs
input $a30 1x8x8; input $b30 1x8x8; input $c30 1x8x8
concat { @$a30 | @$b30 | @$c30 }; relu
add { | @$a30; conv 3x3 3 | @$b30; conv 3x3 3 }
## long_outputs
input 3x8x8; conv 3x3 4
output $o37 { gap; fc 1; softmax }
output $p37 { gap; fc 2 }
gap; fc 5
## long_inits
input 3x8x8; init truncated_normal 0.0212345678 mean=0.0001234567 bias=0
$a60: conv 3x3 4 x3
fc 4 bias_init=uniform(-0.123456789, 0.123456789)
## many_inits
input 3x8x8; init he bias=0; f: conv 3x3 4 x40
## some_inits
input 3x8x8; init he bias=0
part0: conv 3x3; part1: conv 3x3; part2: conv 3x3; part3: conv 3x3; part4: conv 3x3; p5: conv 3x3
## many_sums
input 3x8x8; add 40 { conv 1x1 3; relu }
## many_parts
input 3x8x8; concat 30 { conv 1x1 2 }; concat { | conv 3x3 | relu }
## many_gates
input 3x8x8
mul {
  gap | gap; tanh | gap; fc 3 | gap; fc 3; tanh | gap; sigmoid | gap | gap; softmax | gap | gap; bn
| conv 3x3
}
relu
## many_arguments
block b a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 {
  conv 1x1 a0; conv 1x1 a1; conv 1x1 a2; conv 1x1 a3; conv 1x1 a4
  conv 1x1 a5; conv 1x1 a6; conv 1x1 a7; conv 1x1 a8; conv 1x1 a9
}
input 3x8x8; b 1 2 3 4 5 6 7 8 9 10; b 11 12 13 14 15 16 17 18 19 20
""")

# Where a ReLU in place could reach a tensor that something else reads, or a gradient needs
IN_PLACE = specs("""
## skip
input 3x8x8; residual { relu }; conv 3x3; residual { relu; conv 3x3 }; residual { relu }
## skip_later
input 3x8x8; a: conv 3x3 4; relu; conv 3x3; concat { | @a }; relu
## view
input 3x8x8; a: conv 3x3 4; flatten; relu; concat { @a; flatten | }; fc 3
## nothing
input 3x8x8; a: conv 3x3 4; identity; relu; concat { | @a }
## dropping
input 3x8x8; a: conv 3x3 4; dropout 0; relu; concat { | @a }
## gate
input 4x8x8; mul { conv 3x3 | gap; fc 2; relu; fc 4; sigmoid }; relu
a: gap; concat { @a; relu | @a }
## parts
input 4x8x8; a: conv 3x3; split 2 { relu }; concat { | @a }; split { relu | conv 1x1 }
## normalised
input 3x8x8; conv 3x3 4; bn; relu; conv 3x3; ln; relu; conv 3x3; lrn; relu; tanh; relu
## pooled
input 3x8x8; a: conv 3x3 4; maxpool 2x2; relu; avgpool 2x2; relu; gap; relu; softmax; relu
## applied_again
input 3x8x8; b: conv 3x3; r: relu; c: conv 3x3; reuse r; concat { | @c }; conv 3x3 3
t: { conv 3x3; relu }; reuse t; residual { reuse t }
## heads
input 3x8x8; conv 3x3 4; output mid { relu; gap }; relu; aux help weight=0.3 { relu; gap; fc 2 }
relu; output raw { identity }; relu; gap; fc 3
## dense
input 3x8x8; { concat { | conv 3x3 2; relu } } x3; relu
## network_input
input 3x8x8; relu; conv 3x3
""")

# Blocks called with different arguments
BLOCKS = specs("""
## acts
block b act w { conv 3x3 w; act }
input 3x8x8; b relu 4; b tanh 5; b relu 6; b leaky_relu 5; b tanh 7
## kinds
block b p w how bias { conv 3x3 w bias=bias; dropout p; gelu approximate=how }
input 3x8x8; b 0.1 4 "none" true; b 0 5 "tanh" false; b 0.25 6 "tanh" true
## sizes
block b k s { conv k 4 stride=s pad=1x2; maxpool s }
input 3x32x32; b 3x5 1; b 5x3 2x1; b 3x3 1x2
## derived
block b w out=4*w { conv 3x3 w; conv 3x3 out; conv 1x1 (w//2 + 1) }
input 3x8x8; b 4; b 5; b 5 out=3
## alike
block b w v { s: { conv 3x3 w; conv 3x3 (w+1) }; t: { conv 3x3 (v+2); conv 3x3 (v+5) } }
input 3x8x8; b 4 5; b 7 9; b 5 5
## inside
block a w { conv 3x3 w }
block b w { a w; a 2*w }
block c w { b w; s: { b w x3 } }
input 3x8x8; c 2; c 3
## started
block b w { init normal 0.5 bias=1; s: { conv 3x3 w; relu }; conv 3x3 w }
input 3x8x8; b 4; b 5; t: { b 3; b 4 }
## with_and_without
block b w se=false {
  residual { conv 3x3 w; bn; if se { mul { | gap; fc w } } | self: { conv 1x1 w } }
  relu; if w > 4 { tanh }
}
input 3x8x8; b 4; b 4; b 6; b 5 se=true; b 5
## transformer
block e w {
  residual { ln; attn: attention heads=2 }
  residual { ln; mlp: { fc1: fc 2*w; gelu; fc2: fc w } }
}
input 3x8x8; conv 4x4 8 stride=4; tokens
cls_token: cls_token; pos_embed: pos_embed; blocks: e 8 x3; take 0; fc 4
## tower
input a 3x8x8; input b 3x8x8
@a; t: { conv 3x3 4; residual { relu; conv 3x3 }; gap }
concat { | @b; reuse t }; fc 2
""")

ODD = NAMES | LEVELS | LONG | IN_PLACE | BLOCKS
