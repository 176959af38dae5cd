"""The codes of errors in what is made of specs.

A7 building · A8 training · A90 running models · A95, A97 training runs.
    ),
A7 building · A8 training · A90 running models · A95 training runs · A98 this machine.
"""

from __future__ import annotations

from archdsl.codes.code import Code

MODELS: dict[str, Code] = {
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
        "Pictures are drawn by the Graphviz in the package pygraphviz, else by an installed `dot`. "
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
    "A710": Code(
        "the figure does not fit",
        "`archdsl draw --style volumes` folds a network until its figure is as wide as the page "
        "(17 cm if no --width is given) with letters of at least 5 points. This one stays too "
        "wide: ask for a wider figure, or let blocks and repetitions say what belongs together. "
        "`--style graph` draws every network; as `.tex` one of up to 16,000 points in width and in "
        "height, as TeX knows no longer lengths.",
    ),
    "A711": Code(
        "the layer has nothing of this kind to show",
        "`draw --filters` shows the filters of a convolution, `draw --activations` the maps that a "
        "layer gives for a picture: the network must take one picture, the layer must give a map, "
        "and how pictures are prepared must be known, by the spec or by weights of "
        "`archdsl train`.",
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
    "A907": Code(
        "the model failed",
        "onnxruntime stopped in the middle of the model, or what came out is not a number. The "
        "model may want pictures of another size, or be damaged.",
    ),
    "A908": Code(
        "the model cannot be made smaller",
        "`quantize` writes nothing if 8-bit integers change too many of the model's answers, or if "
        "onnxruntime cannot quantize it. More pictures to calibrate with help, and pictures like "
        "those that it will see; `--min-agreement` says how many answers must stay.",
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
    "A960": Code(
        "what is trained has no part in a loss",
        "`freeze` leaves some weights to be trained, but no output with a loss depends on them, so "
        "that they would have no gradient. Train a part that lies on the way to such an output, or "
        "give the output that they lead to a `loss`.",
    ),
    "A970": Code(
        "the places do not fit the network",
        "`--place PATHS=DEVICE` takes paths of the network, separated by commas, each said once: "
        "`--place layer1,layer2=cuda:0`. A layer that joins several tensors may have as many "
        "devices, one for each of its branches: `--place concat1=cuda:0,cuda:1`.",
    ),
    "A971": Code(
        "a setting does not go with several devices",
        "A network placed on several devices is trained by one process and is not compiled; a part "
        "that is computed again, or that is an output of its own, is on one device; and `bf16` and "
        "`fp16` want all of it on one kind of device.",
    ),
    "A972": Code(
        "there is no such device",
        "`--place` takes `cpu`, and `cuda:0`, `cuda:1`, … as far as PyTorch finds GPUs.",
    ),
    "A973": Code(
        "the weights cannot be divided",
        "`--strategy fsdp` divides the weights among several processes. It does not go with "
        "`compile`, `freeze`, `precision fp16` or `optimizer muon`, nor with `--place`.",
    ),
    "A980": Code(
        "the picture would have too many pixels",
        "A PNG is made in memory, some 20 bytes for a pixel, and may have 50 million pixels: "
        "A3 at 600 an inch has 70 million, A4 35 million. `.pdf` and `.svg` are as sharp at any "
        "size.",
    ),
    "A985": Code(
        "watching needs more than is installed",
        "The packages that serve the page of `archdsl watch` and tell it of saves are an extra. "
        "`archdsl draw SPEC -o page.html` writes the same page without them.",
    ),
    "A986": Code(
        "the port cannot be had",
        "Another program listens there, such as another `archdsl watch`, or ports below 1024 are "
        "not for every user. `--port N` names another one.",
    ),
    "A987": Code(
        "out of memory",
        "What was asked for needs more memory than the machine gives. `summary` says beforehand "
        "what the weights and the activations of a network take. Files that were there are as they "
        "were.",
    ),
}
