"""Networks that see: each looks for things of two colours in what it is given and says where they are, in the form of the exporter whose file it stands
for. What was prepared, placed or read otherwise than that exporter does it gives another box, another label or nothing."""
import math

from onnx_file import model

H, W = 192, 256  # of inputs of one size; not square, so that a swap shows
NUT, BOLT = (240, 140, 20), (20, 140, 240)  # red and blue swapped make one of the other
NEAR = 40  # of 255 levels
SCORE, TWIN = (0.9, 0.75), 0.6
ANCHORS = [(s, x, y) for s in (8, 16, 32) for y in range(H // s) for x in range(W // s)]
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class Net:
    """Nodes and constants of a file that is being made."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, op, *ins, to=None, **attributes):
        name = to or f"v{len(self.nodes)}"
        self.nodes.append((name, op, [i if isinstance(i, str) else self.const(i) for i in ins], attributes))
        return name

    def const(self, value, dtype="float32"):
        name = f"c{len(self.constants)}"
        self.constants.append((name, value, dtype))
        return name

    def ints(self, *value):
        return self.const(list(value), "int64")

    def cast(self, x, dtype, name=None):
        name = name or f"v{len(self.nodes)}"
        self.nodes.append((name, "Cast", [x], {"to": {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "float16": 10}[dtype]}))
        return name

    def join(self, *parts, axis=0):
        return self.add("Concat", *parts, axis=axis)

    def as_rows(self, x):
        return self.add("Unsqueeze", x, self.ints(0))


def look(net, picture, layout="NCHW", colour="RGB", range=(0, 1), mean=(0, 0, 0), std=(1, 1, 1)):
    """For each colour: [1] whether it is there, [4] left, top, right, bottom in pixels of the input, 1x1xHxW where it is; and [2] width, height."""
    x = net.cast(picture, "float32")
    if layout == "CHW":
        x = net.as_rows(x)
    if layout == "NHWC":
        x = net.add("Transpose", x, perm=[0, 3, 1, 2])
    wide = (range[1] - range[0]) / 255
    scale, shift = [[[[s / wide]] for s in std]], [[[[(m - range[0]) / wide]] for m in mean]]
    levels = net.add("Add", net.add("Mul", x, scale), shift)  # 0 to 255 again
    size, seen = net.cast(net.add("Gather", net.add("Shape", x), net.ints(3, 2)), "float32"), []
    for wanted in (NUT, BOLT):
        wanted = wanted[::-1] if colour == "BGR" else wanted
        off = net.add("ReduceMax", net.add("Abs", net.add("Sub", levels, [[[[float(v)]] for v in wanted]])), axes=[1], keepdims=1)
        mask = net.cast(net.add("Less", off, [float(NEAR)]), "float32")
        across, down = (net.add("ReduceMax", mask, axes=axes, keepdims=0) for axes in ([0, 1, 2], [0, 1, 3]))
        first = [net.cast(net.add("ArgMax", p, axis=0, keepdims=1), "float32") for p in (across, down)]
        last = [net.add("Add", net.cast(net.add("ArgMax", p, axis=0, keepdims=1, select_last_index=1), "float32"), [1.0]) for p in (across, down)]
        there = net.add("Reshape", net.add("ReduceMax", mask, axes=[0, 1, 2, 3], keepdims=0), net.ints(1))
        seen.append((there, net.join(*first, *last), mask))
    return seen, size


def box_of(net, corners, size, form, unit, shift=0.0):
    """1x4, in the family's form and unit."""
    b = net.add("Add", corners, [shift] * 4)
    if unit == "fraction":
        b = net.add("Div", b, net.join(size, size))
    low, high = (net.add("Gather", b, net.ints(*at)) for at in ((0, 1), (2, 3)))
    if form == "cxcywh":
        b = net.join(net.add("Mul", net.add("Add", low, high), [0.5]), net.add("Sub", high, low))
    if form == "yxyx":
        b = net.add("Gather", b, net.ints(1, 0, 3, 2))
    return net.as_rows(b)


def between(net, there, yes, no):
    """1xN: `yes` where the thing is there, else `no`."""
    return net.as_rows(net.add("Add", net.add("Mul", there, [y - n for y, n in zip(yes, no)]), [float(n) for n in no]))


def table(net, rows, n, filler):
    """[n, width]: the rows at their places, the filler elsewhere."""
    parts, at = [], 0
    for place in sorted(rows):
        parts += [net.const([filler] * (place - at))] if place > at else []
        parts.append(rows[place])
        at = place + 1
    return net.join(*parts, net.const([filler] * (n - at)))


# ---- heads: [(value, type, declared shape)], in the order of the file's outputs

def dense(net, seen, size, objectness=False, raw=False, across=True, coefficients=0, three=False):
    """A row an anchor; each box twice, since who reads it suppresses."""
    n, rows, width = len(ANCHORS) * (3 if three else 1), {}, 4 + objectness + 2 + coefficients
    for k, (there, corners, _) in enumerate(seen):
        for twin in (0, 1):
            at = (200, 700)[k] + 3 * twin
            b = box_of(net, corners, size, "cxcywh", "input", float(twin))
            if raw:
                stride, x, y = ANCHORS[at]
                middle, sides = (net.add("Gather", net.add("Div", b, [float(stride)]), net.ints(*i), axis=1) for i in ((0, 1), (2, 3)))
                b = net.join(net.add("Sub", middle, [[float(x), float(y)]]), net.add("Log", net.add("Max", sides, [1e-3])), axis=1)
            score = TWIN if twin else SCORE[k]
            chances = [math.sqrt(score)] * objectness + [(math.sqrt(score) if objectness else score) * (k == c) for c in (0, 1)]
            parts = [b, between(net, there, chances, [0] * len(chances))]
            parts += [net.const([[float(i == 5 + k) for i in range(coefficients)]])] if coefficients else []
            rows[at] = net.join(*parts, axis=1)
    out = net.as_rows(table(net, rows, n, [0.0] * width))
    outs = [(net.add("Transpose", out, perm=[0, 2, 1]), "float32", [1, width, n]) if across else (out, "float32", [1, n, width])]
    if coefficients:
        nothing = net.const([[[[0.0] * (W // 4)] * (H // 4)]])
        maps = [net.add("Sub", net.add("Mul", net.add("AveragePool", mask, kernel_shape=[4, 4], strides=[4, 4]), [16.0]), [8.0]) for _, _, mask in seen]
        outs.append((net.join(*[nothing] * 5, *maps, *[nothing] * (coefficients - 7), axis=1), "float32", [1, coefficients, H // 4, W // 4]))
    return outs


def chosen(net, seen, size, columns=("box", "score", "class"), form="xyxy", unit="input", first=0, n=300, batched=True):
    """Rows that are chosen already; places without one are zero."""
    rows = {}
    for k, (there, corners, _) in enumerate(seen):
        parts = {"batch": net.const([[0.0]]), "box": box_of(net, corners, size, form, unit), "score": net.const([[SCORE[k]]]), "class": net.const([[float(k + first)]])}
        rows[k] = net.add("Mul", net.join(*[parts[c] for c in columns], axis=1), net.as_rows(there))
    width = 3 + len(columns)
    out = table(net, rows, n, [0.0] * width)
    return [(net.as_rows(out), "float32", [1, n, width])] if batched else [(out, "float32", ["found", width])]


def queries(net, seen, size, softmax=True, spare=False, n=100, boxes_first=False):
    nothing = [-7.0, -7.0] + [7.0] * softmax + [-7.0] * spare
    logits, boxes = {}, {}
    for k, (there, corners, _) in enumerate(seen):
        odds, yes = math.log(SCORE[k] / (1 - SCORE[k])), list(nothing)
        yes[k] = odds + 3 * softmax  # a sigmoid of it says something else
        if softmax:
            yes[2] = 3.0
        logits[11 + 5 * k] = between(net, there, yes, nothing)
        boxes[11 + 5 * k] = box_of(net, corners, size, "cxcywh", "fraction")
    outs = [(net.as_rows(table(net, logits, n, nothing)), "float32", [1, n, len(nothing)]),
            (net.as_rows(table(net, boxes, n, [0.5, 0.5, 0.2, 0.2])), "float32", [1, n, 4])]
    return outs[::-1] if boxes_first else outs


def lists(net, seen, size, order=("boxes", "labels", "scores"), form="xyxy", unit="input", first=0, batched=True, n=40, label="int64", count="float32", original=None):
    rows = {k: box_of(net, corners, size, form, unit) for k, (_, corners, _) in enumerate(seen)}
    if original:  # the second input: width and height of the picture
        times = net.add("Div", net.cast(original, "float32"), net.as_rows(size))
        rows = {k: net.add("Mul", r, net.join(times, times, axis=1)) for k, r in rows.items()}
    boxes = table(net, rows, n, [0.0] * 4)
    scores = table(net, {k: between(net, there, [SCORE[k]], [0]) for k, (there, _, _) in enumerate(seen)}, n, [0.0])
    labels = net.cast(net.const([float(first + (i == 1)) for i in range(n)]), label)
    flat = net.add("Reshape", scores, net.ints(n))
    masks = net.join(*[m for _, _, m in seen], *[net.add("Mul", seen[0][2], [0.0])] * (n - 2)) if "masks" in order else None
    number = net.cast(net.add("Add", seen[0][0], seen[1][0]), count)
    parts = {"boxes": (boxes, "float32", [n, 4]), "scores": (flat, "float32", [n]), "labels": (labels, label, [n]),
             "dets": (net.join(boxes, scores, axis=1), "float32", [n, 5]), "masks": (masks, "float32", [n, 1, "h", "w"])}
    outs = [(net.as_rows(v), t, [1, *shape]) if batched else (v, t, ["found", *shape[1:]]) for v, t, shape in (parts[o] for o in order if o != "number")]
    if "number" in order:
        rank2 = count != "float32"
        outs.insert(order.index("number"), (net.as_rows(number) if rank2 else number, count, [1, 1] if rank2 else [1]))
    return outs


def classes(net, seen, size, softmax=True):
    """Which colour has more of the input, as the third or the fifth of five."""
    shares = [net.add("Reshape", net.add("ReduceMean", mask, axes=[0, 1, 2, 3], keepdims=0), net.ints(1)) for _, _, mask in seen]
    best = net.add("ArgMax", net.join(net.const([0.05, 0.0]), shares[0], net.const([0.0]), shares[1]), axis=0, keepdims=1)
    logits = net.add("OneHot", best, net.const(5, "int64"), net.const([0.0, 3.0]), axis=1)
    return [(net.add("Softmax", logits, axis=1) if softmax else logits, "float32", [1, 5])]


def places(net, seen, size, stride=1, numbers=False):
    """For each place the background, the nut or the bolt."""
    maps = [net.add("AveragePool", m, kernel_shape=[stride] * 2, strides=[stride] * 2) if stride > 1 else m for _, _, m in seen]
    maps = [net.add("Sub", net.add("Mul", m, [10.0]), [5.0]) for m in maps]
    all_ = net.join(net.add("Mul", maps[0], [0.0]), *maps, axis=1)
    if numbers:
        return [(net.cast(net.add("ArgMax", all_, axis=1, keepdims=0), "uint8"), "uint8", [1, H, W])]
    return [(all_, "float32", [1, 3, H // stride, W // stride])]


def strange(net, seen, size):
    return [(net.add("Mul", net.const([[[0.0] * 11] * 9]), seen[0][0]), "float32", [1, 9, 11])]


def embedding(net, seen, size):
    return [(net.add("AveragePool", seen[0][2], kernel_shape=[16, 16], strides=[16, 16]), "float32", [1, 1, H // 16, W // 16])]


def network(head, outputs=("output0",), inputs=None, sees=None, metadata=None, free=False, **more):
    """The file's bytes. inputs: {name: (type, shape)}, the picture first; sees: what look() undoes; free: no output has a number in its shape."""
    inputs, net = inputs or {"images": ("float32", [1, 3, H, W])}, Net()
    picture = next(iter(inputs))
    seen, size = look(net, picture, **(sees or {}))
    if "pixel_mask" in inputs:  # where it is 0 nothing is
        lit = net.add("Reshape", net.add("ReduceMax", net.cast("pixel_mask", "float32"), axes=[0, 1, 2], keepdims=0), net.ints(1))
        seen = [(net.add("Mul", there, lit), corners, mask) for there, corners, mask in seen]
    outs = {}
    for name, (value, dtype, shape) in zip(outputs, head(net, seen, size, **more)):
        dtype = "float16" if inputs[picture][0] == "float16" and dtype == "float32" else dtype
        net.cast(value, dtype, name)
        outs[name] = (dtype, [f"{name}.{i}" for i in range(len(shape))] if free else shape)
    return model(inputs, outs, net.constants, net.nodes, metadata=metadata)
