"""The error codes: a title that every message starts with, and a page for `archdsl explain`.

A0 files · A1 syntax · A2 shapes · A3 names · A4 arguments · A5 limits · A6 statements · A7 building
· A8 training · A90 running models · A95 training runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What an error is called, and what to know about it; `wrong` shows it, `right` mends it."""

    title: str
    page: str
    wrong: str = ""
    right: str = ""


CODES: dict[str, Code] = {
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
    "A701": Code(
        "the network is too large to build",
        "`summary` and `check` need no memory for the weights; a module and an ONNX file do.",
    ),
    "A702": Code(
        "the weights do not fit the network",
        "Keys and shapes must be the network's own. Labels give layers the names that they had "
        "elsewhere; `weights_map` renames the beginnings of keys. Only the last layer may have "
        "another number of outputs: it then starts fresh.",
    ),
    "A703": Code(
        "no Graphviz can be run",
        "Pictures are drawn by an installed `dot`, else by the Graphviz in the package pygraphviz. "
        "`-o picture.gv` needs neither.",
    ),
    "A704": Code(
        "the ONNX file does not compute what PyTorch does",
        "`compile --verify` runs both on the same random inputs. A difference is a defect of ours "
        "or of onnxruntime's: please report it with the spec.",
    ),
    "A705": Code(
        "the effective field cannot be measured",
        "It is where the gradient of one position reaches the input. There is nothing to look at "
        "if the input is a vector, if the position reads padding alone, and if the gradient "
        "dies on the way: behind activations that are cut off, or in a deep net without shortcuts.",
    ),
    "A706": Code(
        "the network does not take maps of other sizes",
        "`export --dynamic-size` writes a file for maps of any size. That asks for layers that "
        "have the same weights and the same numbers whatever the size: convolutions, pools, `gap`; "
        "not `fc` on a map, nor a learned position.",
    ),
    "A707": Code(
        "the opset cannot say it",
        "An opset is a version of ONNX's operators. Some layers need an operator that older ones "
        "do not have, and what is older than 17 is not written.",
    ),
    "A708": Code(
        "the file cannot be had as asked for",
        "An option of `export` does not fit this network, or another option.",
    ),
    "A709": Code(
        "nothing can be timed",
        "Of the ways to run a network that `bench` was asked for, none runs here; each says why: a "
        "provider that onnxruntime does not have, a compiler that is missing, no GPU.",
    ),
    "A801": Code(
        "training has no such word",
        "A `train` section has a vocabulary of its own. A step of augmentation follows `augment` "
        "or another step.",
        "input 3x8x8\ngap; fc 10\ntrain { optimiser sgd lr=0.1 }",
        "input 3x8x8\ngap; fc 10\ntrain { optimizer sgd lr=0.1 }",
    ),
    "A802": Code(
        "this is stated twice",
        "A file may have one `train`, and each of its networks one; a setting stands in it once. A "
        "network's own setting takes the place of the file's.",
        "input 3x8x8\ngap; fc 10\ntrain { batch 64; batch 128 }",
        "input 3x8x8\ngap; fc 10\ntrain { batch 128 }",
    ),
    "A803": Code(
        "the settings contradict one another",
        "Two settings exclude one another, or one cannot have an effect beside another or in this "
        "network.",
        "input 3x8x8\ngap; fc 10\ntrain { epochs 90; steps 20000 }",
        "input 3x8x8\ngap; fc 10\ntrain { epochs 90 }",
    ),
    "A804": Code(
        "the network has no such path",
        "A setting names a part of the network by its path, as `archdsl summary` shows it; one of "
        'several levels is quoted, "layer3.0". A learning rate needs a part with weights, '
        "recomputation one with layers inside.",
        "input 3x8x8\ngap; head: fc 10\ntrain { freeze all except fc }",
        "input 3x8x8\ngap; head: fc 10\ntrain { freeze all except head }",
    ),
    "A805": Code(
        "the loss does not fit the output",
        "Cross entropy wants a value for each class, at least two of them and as many as the data "
        "has; class weights are as many.",
        "input 3x8x8\ngap; fc 1\ntrain { loss cross_entropy }",
        "input 3x8x8\ngap; fc 1\ntrain { loss bce }",
    ),
    "A901": Code(
        "the model cannot be opened",
        "The file is missing, truncated or damaged, is no ONNX model, or is one that onnxruntime "
        "does not run. A model in one file has at most 2 GiB.",
    ),
    "A902": Code(
        "the model reads files that are not its own",
        "Large weights lie in a file beside the model, which names it. A model that names one by "
        "an absolute path, outside of its own folder or behind a link that leads there is refused "
        "before anything of it is read: it may be after your files. So is one that brings "
        "compiled parts for a certain device.",
    ),
    "A903": Code(
        "the picture cannot be read",
        "The file is missing, truncated or damaged, is of no kind that is known here, or has more "
        "than 80 million pixels. JPEG, PNG, GIF, BMP, WebP, TIFF, PPM, AVIF and JPEG 2000 are "
        "read, of an animation the first frame.",
    ),
    "A904": Code(
        "how to prepare pictures for this model is not known",
        "Files that archdsl exports say how large a picture must be, and the mean and the standard "
        "deviation that its values are normalized with. Of other files the size is read off the "
        "input, and with 3 channels ImageNet's normalization is taken. What is not said must be "
        "given: `--size`, `--resize`, `--mean`, `--std`.",
    ),
    "A905": Code(
        "the model does not classify pictures",
        "It must have one input, a batch of pictures, and an output with a value for each class.",
    ),
    "A906": Code(
        "the device cannot be used",
        "`--device cuda` and `--device tensorrt` want an NVIDIA GPU with its driver, and the "
        "libraries of CUDA and cuDNN, or TensorRT, that this onnxruntime was built for. "
        "`--device auto` takes the CPU where they are missing.",
    ),
    "A908": Code(
        "the model cannot be made smaller",
        "`quantize` writes nothing if 8-bit integers change too many of the model's answers, or if "
        "onnxruntime cannot quantize it. More pictures to calibrate with help, and pictures like "
        "those that it will see; `--min-agreement` says how many answers must stay.",
    ),
    "A907": Code(
        "the model failed",
        "onnxruntime stopped in the middle of the model, or what came out is not a number. The "
        "model may want pictures of another size, or be damaged.",
    ),
    "A951": Code(
        "training needs more than is installed",
        "What trains is an extra of the package, so that who only compiles need not install it. "
        "Some settings want a package of their own, such as `datasets` for `data huggingface`. The "
        "message says the command.",
    ),
    "A952": Code(
        "the data are not there",
        "The folder or the file that `data` names is missing, or holds something else. Nothing is "
        "downloaded: the message says which files are wanted and where their authors publish "
        "them. `--data PATH` reads from another place than the spec says.",
    ),
    "A953": Code(
        "the data are damaged",
        "A file is truncated, is not the original (its checksum is another), or holds what it "
        "should not, such as a pickle that would run code. An image that cannot be read ends the "
        "run, unless `data … broken=skip` has it named and left out.",
    ),
    "A954": Code(
        "the data do not fit the network",
        "Examples must come in the shape of the network's input once the augmentation and `eval` "
        "are done, and the targets must be what the loss wants: classes from 0 to one less than "
        "the output has, or values in the output's shape.",
    ),
    "A955": Code(
        "this cannot be carried out here",
        "A setting is sound, but this machine, this network or this version cannot do it. It is "
        "never left out silently.",
    ),
    "A956": Code(
        "the training has diverged",
        "The loss is no longer a number. The message names the step, and the layer whose output "
        "was the first that is none. A lower rate, `schedule … warmup=`, `clip 1`, normalized "
        "data, or `precision fp32` usually help, in this order. The run keeps its last sound "
        "checkpoint.",
    ),
    "A957": Code(
        "the run cannot be resumed",
        "The folder is no run of archdsl, is of another network or version, or none of its "
        "checkpoints is whole.",
    ),
    "A958": Code(
        "there is such a run already",
        "A run never writes into another one's folder. Choose another `--name`, or go on with the "
        "one that is there by `--resume`.",
    ),
}
