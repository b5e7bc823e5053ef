"""A detector that was trained here, put into the conventions of other tools: nodes before its input and behind its outputs, no metadata. What was
resized otherwise is exact for pictures of one shape only, which is told."""
import json
import struct

from onnx_file import declared, node, part, tensor

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
MIDDLE, TOP, STRETCHED = "letterbox", "letterbox_top_left", "stretch"


def members(data):
    """(field, bytes of the whole member, its value) of a message."""
    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            n, shift, at = n | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return n
    at = 0
    while at < len(data):
        start = at
        tag = number()
        kind = tag & 7
        if kind == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(kind) or number()
            value, at = data[at:at + size], at + size
        yield tag >> 3, data[start:at], value


def properties(data):
    """The metadata of a file."""
    pairs = [{f: v.decode() for f, _, v in members(value)} for field, _, value in members(data) if field == 14]
    return {p[1]: p.get(2, "") for p in pairs}


class Wrap:
    """ratio: height by width of the pictures. Values are named as they come."""
    def __init__(self, data, ratio):
        own = properties(data)
        self.data, self.labels = data, len(json.loads(own["names"]))
        self.inner, self.width = json.loads(own["imgsz"])
        self.height = self.width  # of the input: as most tools have it, a square
        self.wants = json.loads(own["saccade"])["input"]
        self.content = round(self.width * ratio)  # height of the picture in the input, at the top left
        self.gap = (self.height - self.content) / 2
        self.before, self.after, self.constants, self.outputs, self.n = [], [], [], {}, 0
        self.scores = self.filled("scores", self.labels)

    def fresh(self, what):
        self.n += 1
        return f"{what}.{self.n}"

    def constant(self, value, dtype="float32"):
        name = self.fresh("constant")
        self.constants.append(tensor(name, value, dtype))
        return name

    def do(self, where, op, *ins, out=None, **more):
        out = out or self.fresh(op)
        where.append(node(op, ins, out, **more))
        return out

    def picture(self, colour, low, high, mean, std, resize):
        """From what the convention gives to RGB from 0 to 255 at the top left, and on to what the file takes. mean and std: of red, green and blue."""
        do = lambda *a, **k: self.do(self.before, *a, **k)
        three = lambda v: self.constant([[[[x]] for x in v]])
        x = "input"
        if colour == "BGR":
            x = do("Gather", x, self.constant([2, 1, 0], "int64"), axis=1)
        x = do("Add", do("Mul", x, three(std)), three(mean))
        x = do("Mul", do("Sub", x, three([low] * 3)), three([255 / (high - low)] * 3))
        ints = lambda *v: self.constant(list(v), "int64")
        top = round(self.gap) if resize == MIDDLE else 0
        if resize != STRETCHED: # what lies elsewhere is lost: a network of convolutions would find it there as well
            x = do("Slice", x, ints(top), ints(top + self.content), ints(2))
        if resize == STRETCHED:
            x = do("Resize", x, "", "", ints(1, 3, self.content, self.width), mode="linear")
        x = do("Pad", x, ints(0, 0, 0, 0, 0, 0, self.inner - self.content, 0), self.scalar(114.0))
        x = do("Mul", x, three([self.wants["scale"]] * 3))
        do("Div", do("Sub", x, three(self.wants["mean"])), three(self.wants["std"]), out="images")

    def scalar(self, x):
        name = self.fresh("scalar")
        self.constants.append(part(2, 1) + part(8, name) + part(9, struct.pack("<f", x)))
        return name

    def boxes(self, resize, form, pixels):
        """1 × A × 4 as the convention has it."""
        do = lambda *a, **k: self.do(self.after, *a, **k)
        k = self.inner / self.height
        x = do("Mul", self.filled("boxes", 4), self.constant([1.0, k, 1.0, k]))
        if resize == MIDDLE:
            x = do("Add", x, self.constant([0.0, self.gap / self.height, 0.0, self.gap / self.height]))
        if resize == STRETCHED:
            x = do("Mul", x, self.constant([1.0, self.height / self.content, 1.0, self.height / self.content]))
        if pixels:
            x = do("Mul", x, self.constant([float(self.width), float(self.height)] * 2))
        turn = {"cxcywh": [[.5, 0, -1, 0], [0, .5, 0, -1], [.5, 0, 1, 0], [0, .5, 0, 1]], "yxyx": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]}.get(form)
        return do("MatMul", x, self.constant([[float(v) for v in row] for row in turn])) if turn else x

    def filled(self, name, width):
        """With rows of nothing, up to as many as the square has anchors."""
        anchors = lambda h: sum((h // s) * (self.width // s) for s in (8, 16, 32))
        more = anchors(self.height) - anchors(self.inner)
        rows = self.constant([[[0.0] * width for _ in range(more)]]) if more else None
        return self.do(self.after, "Concat", name, rows, axis=1) if more else name

    # ---- what it answers

    def pairs(self, boxes, scores=None, more=0):
        do = lambda *a, **k: self.do(self.after, *a, **k)
        do("Identity", boxes, out="where")
        do("Identity", scores or self.scores, out="what")
        self.outputs = {"where": ("float32", [1, "a", 4]), "what": ("float32", [1, "a", self.labels + more])}

    def rows(self, boxes, objectness=False, turned=False):
        do = lambda *a, **k: self.do(self.after, *a, **k)
        one = [do("ReduceMax", self.scores, axes=[2], keepdims=1)] if objectness else []
        of = do("Div", self.scores, do("Max", one[0], self.constant([1e-9]))) if objectness else self.scores
        x = do("Concat", boxes, *one, of, axis=2)
        do("Transpose", x, perm=[0, 2, 1], out="rows") if turned else do("Identity", x, out="rows")
        width = 4 + objectness + self.labels
        self.outputs = {"rows": ("float32", [1, width, "a"] if turned else [1, "a", width])}

    def chosen(self, boxes):
        """Of suppression inside: boxes n × 4, scores n, classes n."""
        do = lambda *a, **k: self.do(self.after, *a, **k)
        across = do("Transpose", self.scores, perm=[0, 2, 1])
        picked = do("NonMaxSuppression", boxes, across, self.constant([100], "int64"), self.constant([0.6]), self.constant([0.02]))
        column = lambda i: do("Gather", picked, self.constant([i], "int64"), axis=1)
        at = do("Squeeze", column(2), self.constant([1], "int64"))
        own = do("Gather", do("Squeeze", boxes, self.constant([0], "int64")), at, axis=0)
        return own, do("GatherND", across, picked), do("Squeeze", column(1), self.constant([1], "int64"))

    def lists(self, boxes, first):
        do = lambda *a, **k: self.do(self.after, *a, **k)
        own, scores, classes = self.chosen(boxes)
        do("Identity", own, out="2030")
        do("Add", classes, self.constant([first], "int64"), out="2031")
        do("Identity", scores, out="2032")
        self.outputs = {"2030": ("float32", ["n", 4]), "2031": ("int64", ["n"]), "2032": ("float32", ["n"])}

    def seven(self, boxes):
        """batch, box, class, score"""
        do = lambda *a, **k: self.do(self.after, *a, **k)
        own, scores, classes = self.chosen(boxes)
        stand = lambda x: do("Unsqueeze", x, self.constant([1], "int64"))
        number = stand(do("Cast", classes, to=1))
        do("Concat", do("Sub", number, number), own, number, stand(scores), axis=1, out="seven")
        self.outputs = {"seven": ("float32", ["n", 7])}

    def logits(self):
        do = lambda *a, **k: self.do(self.after, *a, **k)
        p = do("Min", do("Max", self.scores, self.constant([1e-6])), self.constant([1 - 1e-6]))
        return do("Log", do("Div", p, do("Sub", self.constant([1.0]), p)))

    def spare(self):
        """A column before the others that stands for nothing."""
        do = lambda *a, **k: self.do(self.after, *a, **k)
        most = do("ReduceMax", self.scores, axes=[2], keepdims=1)
        return do("Concat", do("Mul", do("Sub", self.constant([1.0]), most), self.constant([0.01])), self.scores, axis=2)

    def file(self):
        out = b""
        for field, whole, value in members(self.data):
            if field == 14:
                continue
            if field != 7:
                out += whole
                continue
            inner = list(members(value))
            graph = b"".join(part(1, n) for n in self.before) + b"".join(w for f, w, _ in inner if f not in (11, 12, 13)) + b"".join(part(1, n) for n in self.after)
            graph += b"".join(part(5, t) for t in self.constants)
            graph += part(11, declared("input", "float32", [1, 3, self.height, self.width])) + b"".join(part(12, declared(n, *v)) for n, v in self.outputs.items())
            out += part(7, graph)
        return out


ZERO, ONE = [0.0] * 3, [1.0] * 3
# name: (colour, range, mean, std, resize, what it answers, what else must be told)
CONVENTIONS = {
    "pairs, in the middle": ("RGB", (0, 1), ZERO, ONE, MIDDLE, lambda w: w.pairs(w.boxes(MIDDLE, "xyxy", True)), {"boxes": "xyxy", "unit": "input", "score": "probability"}),
    "as YOLOX": ("BGR", (0, 255), ZERO, ONE, TOP, lambda w: w.rows(w.boxes(TOP, "cxcywh", True), objectness=True), {"boxes": "cxcywh", "unit": "input"}),
    "stretched, with mean": ("RGB", (0, 1), MEAN, STD, STRETCHED, lambda w: w.pairs(w.boxes(STRETCHED, "cxcywh", False)), {"boxes": "cxcywh", "unit": "fraction"}),
    "lists, classes from 1": ("BGR", (0, 1), MEAN, STD, STRETCHED, lambda w: w.lists(w.boxes(STRETCHED, "xyxy", True), 1), {"first_class": 1}),
    "logits, from -1": ("RGB", (-1, 1), ZERO, ONE, MIDDLE, lambda w: w.pairs(w.boxes(MIDDLE, "yxyx", False), w.logits()), {"boxes": "yxyx", "unit": "fraction", "score": "sigmoid"}),
    "as v8, at the top left": ("RGB", (0, 1), ZERO, ONE, TOP, lambda w: w.rows(w.boxes(TOP, "cxcywh", True), turned=True), {"boxes": "cxcywh", "unit": "input"}),
    "rows of seven": ("BGR", (0, 1), ZERO, ONE, STRETCHED, lambda w: w.seven(w.boxes(STRETCHED, "xyxy", True)), {"columns": ["batch", "box", "class", "score"], "unit": "input"}),
    "a class for nothing": ("RGB", (0, 255), ZERO, ONE, MIDDLE, lambda w: w.pairs(w.boxes(MIDDLE, "xyxy", True), w.spare(), 1), {"boxes": "xyxy", "background": "first"}),
}


def wrapped(data, ratio, name):
    """The file in that convention, and what must be told about it."""
    colour, (low, high), mean, std, resize, answers, more = CONVENTIONS[name]
    w = Wrap(data, ratio)
    w.picture(colour, low, high, mean, std, resize)
    answers(w)
    turned = (lambda v: v[::-1]) if colour == "BGR" else (lambda v: v)
    return w.file(), {"colour": colour, "range": [low, high], "mean": turned(mean), "std": turned(std), "resize": resize, **more}


def differs(found, want):
    """The facts of which something else was found."""
    def same(a, b):
        return all(abs(x - y) < 1e-3 for x, y in zip(a, b)) if isinstance(b, list) and isinstance(b[0], (int, float)) else a == b
    return {k: found.get(k) for k, v in want.items() if not (k in found and same(found[k], v))}
