"""The codes of errors in specs.

A0 files · A1 syntax · A2 shapes · A3 names · A4 arguments · A5 limits · A6 statements.
"""

from __future__ import annotations

from archdsl.codes.code import Code

SPECS: dict[str, Code] = {
    "A001": Code(
        "the file cannot be read",
        "The file does not exist, is a folder or a device, or may not be read; or a name is given "
        "that neither a file nor a network of the zoo has.",
    ),
    "A002": Code(
        "the file is not UTF-8 text",
        "A spec is a text file. Windows line ends and a byte order mark are fine; other encodings "
        "are not: save the file as UTF-8.",
    ),
    "A003": Code(
        "the file is too long", "A spec may have 4 MiB. Repetitions make long networks short."
    ),
    "A004": Code(
        "the spec holds no network",
        "A network has an input and at least one layer. A file of blocks alone can be imported, "
        "not compiled.",
        "block unit { conv 3x3 }",
        "block unit { conv 3x3 }\ninput 3x8x8\nunit",
    ),
    "A005": Code(
        "the output cannot be written",
        "The folder may not be written to, or the disk is full. Nothing half-written is left; a "
        "file that was there before is as it was.",
    ),
    "A006": Code(
        "the configuration cannot be read",
        "`archdsl lint` reads the nearest archdsl.toml, or pyproject.toml that speaks of it, above "
        "a spec. It may have `select` and `ignore`, lists of rules' codes, and `level`.",
    ),
    "A101": Code(
        "this is not expected here",
        "The text does not parse at this point. Arguments follow a layer's name, separated by "
        "spaces; a statement ends with its line or with `;`.",
        "input 3x8x8\nconv(3x3, 64)",
        "input 3x8x8\nconv 3x3 64",
    ),
    "A102": Code(
        "this character is not part of the language",
        "Text is in double quotes, comments start with #, a size is written 3x3.",
        "input 3x8x8\nconv 3x3 pad='same'",
        "input 3x8x8\nconv 3x3 pad=same",
    ),
    "A103": Code(
        "something is not closed",
        "A brace, a parenthesis or a bracket is opened and never closed.",
        "input 3x8x8\nresidual { conv 3x3",
        "input 3x8x8\nresidual { conv 3x3 }",
    ),
    "A104": Code(
        "nested too deeply",
        "50 brackets may be open at a time, and a statement may have 100 operators. Give the inner "
        "part a name: `let` for an expression, `block` for layers.",
    ),
    "A201": Code(
        "the layer does not take this shape",
        "Convolutions and pools work on maps CxHxW, others on token sequences NxD or on vectors D.",
        "input 784\nconv 3x3 16",
        "input 1x28x28\nconv 3x3 16",
    ),
    "A202": Code(
        "the kernel is larger than its input",
        "After the padding the map is still smaller than the window, so that no position fits. "
        "Usually an earlier stride or pool has shrunk it more than was meant.",
        "input 3x8x8\nmaxpool 2x2; maxpool 2x2\nconv 3x3 16 pad=0",
        "input 3x8x8\nmaxpool 2x2\nconv 3x3 16 pad=0",
    ),
    "A203": Code(
        "the channels do not divide evenly",
        "`groups`, heads and the branches of `split` share the channels out equally, so their "
        "number must divide the number of channels that come in, and of those that go out.",
        "input 3x8x8\nconv 3x3 16 groups=2",
        "input 4x8x8\nconv 3x3 16 groups=2",
    ),
    "A204": Code(
        "the branch changes the shape, so the skip cannot be added",
        "A residual adds its input to what the branch makes of it; both must have one shape. Where "
        "the branch strides or widens, give the skip a projection, after a bar (He et al. 2015, "
        "section 3.3, option B).",
        "input 16x8x8\nresidual { conv 3x3 32 stride=2 }",
        "input 16x8x8\nresidual { conv 3x3 32 stride=2 | conv 1x1 32 stride=2 }",
    ),
    "A205": Code(
        "the branches cannot be joined",
        "`concat` wants branches that agree in all but channels. `add` and `mul` want one shape, "
        "in which an axis of one element stretches.",
        "input 4x8x8\nconcat { conv 3x3 | maxpool 2x2 }",
        "input 4x8x8\nconcat { conv 3x3 | maxpool 3x3 stride=1 pad=1 }",
    ),
    "A206": Code(
        "no padding keeps this size",
        "`same` puts as many zeros on one side as on the other. At stride 1 an even kernel would "
        "need an odd number of them: say what you want with `pad=`.",
        "input 3x8x8\nconv 2x2 16",
        "input 3x8x8\nconv 2x2 16 pad=0",
    ),
    "A207": Code(
        "there is no tensor here yet",
        "A layer works on the tensor before it. The first statement of a network is its `input`.",
        "conv 3x3 16",
        "input 3x8x8\nconv 3x3 16",
    ),
    "A208": Code(
        "the weights cannot be used again here",
        "`reuse` applies a module to another tensor, which must have as many channels.",
        "input 3x8x8\na: conv 3x3 8\nreuse a",
        "input 3x8x8\na: conv 3x3 3\nreuse a",
    ),
    "A209": Code(
        "the padding is too large for the kernel",
        "A pool pads at most half its kernel, or some windows would see padding alone.",
        "input 3x8x8\nmaxpool 2x2 pad=2",
        "input 3x8x8\nmaxpool 2x2 pad=1",
    ),
    "A301": Code(
        "no layer or block has this name",
        "`archdsl list layers` shows the layers. A block is known in the braces that it is written "
        "in, and in those inside them.",
        "input 3x8x8\nconvolution 3x3 16",
        "input 3x8x8\nconv 3x3 16",
    ),
    "A302": Code(
        "no parameter or variable has this name",
        "`param` and `let` define names, and so do the parameters of a block. They hold in their "
        "braces, after the place where they are written. Text is quoted.",
        "input 3x8x8\nconv 3x3 width",
        "let width = 16\ninput 3x8x8\nconv 3x3 width",
    ),
    "A303": Code(
        "two things have the same path",
        "A path is the key of a layer's weights, so that each level can have a name only once.",
        "input 3x8x8\nhead: fc 4\nhead: fc 2",
        "input 3x8x8\nhidden: fc 4\nhead: fc 2",
    ),
    "A304": Code(
        "this name is taken",
        "It is a word of the language, a keyword of Python, one of torch.nn.Module's own (a path "
        "is an attribute there), or defined already in these braces.",
        "input 3x8x8\nforward: fc 2",
        "input 3x8x8\nforward_: fc 2",
    ),
    "A305": Code(
        "no label has this name",
        "A reference `@name` and `reuse name` mean a statement before them, in the same network or "
        "block, that has this label, and no other has. A block's labels are its own, as every call "
        "makes them anew: label the call. What is in the braces of `output` and `aux` has its own "
        "labels too.",
        "input 3x8x8\nconv 3x3 4\nconcat { conv 3x3 | @stem }",
        "input 3x8x8\nstem: conv 3x3 4\nconcat { conv 3x3 | @stem }",
    ),
    "A306": Code(
        "no network has this name",
        "`file.arch:name` means one network of a file. A file with several wants one named.",
    ),
    "A307": Code(
        "the layer has no such position",
        "A position is a row and a column of a map, or the number of a token, counted from 0. "
        "`--position` asks for one, and `region` and `effective_field` in Python.",
    ),
    "A401": Code(
        "the layer has no such argument",
        "`archdsl explain conv` lists the arguments of a layer.",
        "input 3x8x8\nconv 3x3 16 padding=1",
        "input 3x8x8\nconv 3x3 16 pad=1",
    ),
    "A402": Code(
        "an argument is missing",
        "Some arguments have no default: a kernel, a shape, what a block says that it needs.",
        "input 3x8x8\nmaxpool",
        "input 3x8x8\nmaxpool 2x2",
    ),
    "A403": Code(
        "the argument is of the wrong kind",
        "A width is an integer of at least 1, a flag is true or false, a size is 3x3 or 3.",
        "input 3x8x8\nconv 3x3 16 bias=0",
        "input 3x8x8\nconv 3x3 16 bias=false",
    ),
    "A404": Code(
        "too many arguments",
        "Only the first arguments of a layer may go without their names.",
        "input 3x8x8\nconv 3x3 16 2",
        "input 3x8x8\nconv 3x3 16 stride=2",
    ),
    "A405": Code(
        "an argument is given twice",
        "Once by its position and once by its name, or twice by its name.",
        "input 3x8x8\nconv 3x3 16 filters=32",
        "input 3x8x8\nconv 3x3 32",
    ),
    "A406": Code(
        "the expression has no value",
        "It divides by zero, asks for an item that a list does not have, or computes with what is "
        "no number.",
        "let widths = [16, 32]\ninput 3x8x8\nconv 3x3 widths[2]",
        "let widths = [16, 32]\ninput 3x8x8\nconv 3x3 widths[1]",
    ),
    "A407": Code(
        "the braces are missing or not wanted",
        "Combinators have branches in braces, separated by `|`; layers and blocks have none.",
        "input 3x8x8\nconv 3x3 4 { relu }",
        "input 3x8x8\nconv 3x3 4; relu",
    ),
    "A501": Code(
        "the spec expands to too many layers",
        "A network may have 100,000 layers, and 300,000 statements may be carried out for it; long "
        "lists, many arguments and many defaults count as statements too. `--limit layers=N` and "
        "`--limit steps=N` set other bounds.",
        "input 3x8x8\n{ conv 3x3 } x(10**9)",
        "input 3x8x8\n{ conv 3x3 } x 10",
    ),
    "A502": Code(
        "calls are nested too deeply",
        "40 blocks and groups may be inside one another. A block that calls itself needs an `if` "
        "that ends it.",
        "block b { b }\ninput 3x8x8\nb",
        "block b n { conv 3x3; if n > 1 { b (n - 1) } }\ninput 3x8x8\nb 3",
    ),
    "A503": Code(
        "the number is too large",
        "Integers fit 64 bits and are written with at most 18 digits; a tensor has fewer than 2^63 "
        "values.",
        "input 3x8x8\nfc 2**80",
        "input 3x8x8\nfc 2**8",
    ),
    "A504": Code(
        "the value is too long",
        "A name may have 100 characters, a text 1,000, a list 10,000 items.",
    ),
    "A601": Code(
        "the statement does not belong here",
        "Only a network has an `input` and outputs; a bare `residual` goes around the statement "
        "before it; an `else` follows an `if`.",
        "input 3x8x8\nelse { relu }",
        "input 3x8x8\nif true { conv 3x3 }\nelse { relu }",
    ),
    "A602": Code(
        "this file cannot be imported",
        "An import lies in the folder of the spec or below it, exists, and does not import itself. "
        "A spec from a stranger cannot read elsewhere.",
    ),
    "A603": Code(
        "an expectation does not hold",
        "`expect` states what must be so of the network: its size, its work, its shapes, its "
        "receptive fields. Either the network is not what was meant, or the figure is not its "
        "own: `archdsl summary` shows both. An equality is about the spec's own parameters, so it "
        "is left out where another one is set from outside, unless it computes with that; a bound "
        "holds always.",
        "input 1x28x28\nfc 10\nexpect params == 7_840",
        "input 1x28x28\nfc 10\nexpect params == 28*28*10 + 10",
    ),
    "A604": Code(
        "this is no quantity of a network",
        "`expect` compares a quantity with a number or a size: of the network, or of a layer, a "
        "block or a group, whose path stands in parentheses.",
        "input 1x28x28\nfc 10\nexpect parms == 7_850",
        "input 1x28x28\nfc 10\nexpect params == 7_850",
    ),
}
