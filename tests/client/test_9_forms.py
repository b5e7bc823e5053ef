"""The forms in which exporters write: a seeing network of each is registered, told what its file cannot say, deployed, and asked for wide, tall, small,
large and turned pictures. Where things lie, what they are and how sure the network is must come back as it saw them."""
import math

import onnx_seeing as see
import pytest
from conftest import unique
from onnx_seeing import H, IMAGENET, W, network
from PIL import Image, ImageDraw
from test_9_models_of_others import deploy, predict, version  # noqa: F401

TWO, THREE, FIVE = ["nut", "bolt"], ["background", "nut", "bolt"], ["a", "b", "nut", "c", "bolt"]
ULTRA = {"task": "detect", "stride": "32", "names": "{0: 'nut', 1: 'bolt'}", "imgsz": f"[{H}, {W}]", "head": "Detect", "args": "{'nms': None}", "end2end": "False"}
CHOSEN = {**ULTRA, "end2end": "True"}
YOLO = {"colour": "RGB", "range": [0, 1], "resize": "letterbox", "pad": 114}
YOLOX = {"colour": "BGR", "range": [0, 255], "resize": "letterbox_top_left", "pad": 114}
BGR = {"colour": "BGR", "range": (0, 255)}
PIXELS = {"range": [0, 1], **IMAGENET, "colour": "RGB"}
STRETCHED = {**PIXELS, "resize": "stretch"}
SEEN = {"mean": IMAGENET["mean"], "std": IMAGENET["std"]}
BYTES, FLOATS = {"range": (0, 255)}, ("float32", [1, 3, H, W])
CLASSES = {"input": ("float32", ["n", 3, 224, 224])}


def torchvision(*outputs, order=("boxes", "labels", "scores"), first=1, fixed=False):
    return network(see.lists, outputs or order, {"x": FLOATS} if fixed else {"x": ("float32", [3, "h", "w"])}, {} if fixed else {"layout": "CHW"}, order=order, first=first, batched=False, n=5)


def tensorflow(h, w):
    return network(see.lists, ("detection_boxes", "detection_classes", "detection_scores", "num_detections"), {"input_tensor": ("uint8", [1, h, w, 3])}, {**BYTES, "layout": "NHWC"},
                   order=("boxes", "labels", "scores", "number"), form="yxyx", unit="fraction", first=1, label="float32")


def v8(metadata=None, inputs=None, sees=None, **more):
    return network(see.dense, inputs=inputs, sees=sees, metadata=metadata, **more)


def counted(prefix, names, inputs, sees=None, whole="int32"):
    return network(see.lists, [prefix + n for n in names], inputs, sees, order=("number", "boxes", "scores", "labels"), label=whole, count=whole)


# name: (the file, what is told, the labels from which number on, what is wanted)
BOXES, OUTLINES, LABELS = "OBJECT_DETECTION", "SEGMENTATION", "CLASSIFICATION"
FORMS = {
    "v8": (v8(ULTRA), {}, TWO, 0, BOXES),
    "v8 without metadata": (v8(), {}, TWO, 0, BOXES),
    "v8 with free axes": (v8(ULTRA, {"images": ("float32", ["n", 3, "h", "w"])}, free=True), {}, TWO, 0, BOXES),
    "v8 in halves": (v8(ULTRA, {"images": ("float16", [1, 3, H, W])}), {}, TWO, 0, BOXES),
    "v8 by rows": (v8(ULTRA, across=False), {}, TWO, 0, BOXES),
    "v8 of bytes, colours last": (v8(ULTRA, {"images": ("uint8", [1, H, W, 3])}, {**BYTES, "layout": "NHWC"}), {}, TWO, 0, BOXES),
    "suppressed inside": (network(see.chosen, metadata={**ULTRA, "args": "{'nms': True}"}), {}, TWO, 0, BOXES),
    "end to end": (network(see.chosen, metadata=CHOSEN), {}, TWO, 0, BOXES),
    "rtdetr of ultralytics": (network(see.chosen, metadata={**ULTRA, "head": "RTDETRDecoder"}, form="cxcywh", unit="fraction"), {}, TWO, 0, BOXES),
    "segments of ultralytics": (v8({**ULTRA, "task": "segment"}, outputs=("output0", "output1"), coefficients=32), {}, TWO, 0, OUTLINES),
    "places of ultralytics": (network(see.places, metadata={**ULTRA, "task": "semantic", "names": str(dict(enumerate(THREE)))}, numbers=True), {}, THREE, 0, OUTLINES),
    "classes of ultralytics": (network(see.classes, inputs={"images": ("float32", [1, 3, 224, 224])}, metadata={**ULTRA, "task": "classify", "imgsz": "[224, 224]", "names": str(dict(enumerate(FIVE)))}),
                               {}, FIVE, 0, LABELS),
    "v5": (v8({"stride": "32", "names": "['nut', 'bolt']"}, objectness=True, across=False, three=True), {}, TWO, 0, BOXES),
    "v5 without metadata": (v8(objectness=True, across=False, three=True), YOLO, TWO, 0, BOXES),
    "counted": (counted("", ("num_dets", "det_boxes", "det_scores", "det_classes"), {"images": FLOATS}), YOLO, TWO, 0, BOXES),
    "counted, of bytes": (counted("graph2_", ("num_predictions", "pred_boxes", "pred_scores", "pred_classes"), {"input": ("uint8", [1, 3, H, W])}, BYTES, "int64"), {}, TWO, 0, BOXES),
    "rows of seven": (network(see.chosen, ("output",), columns=("batch", "box", "class", "score"), batched=False, n=5), {"columns": ["batch", "box", "class", "score"]}, TWO, 0, BOXES),
    "flat rows": (network(see.chosen, ("graph2_flat_predictions",), {"input": ("uint8", [1, 3, H, W])}, BYTES, columns=("batch", "box", "score", "class"), batched=False, n=5), {}, TWO, 0, BOXES),
    "chosen, classes from 1": (network(see.chosen, ("detections",), {"x": FLOATS}, SEEN, first=1, n=100), {**PIXELS, "resize": "letterbox_top_left", "pad": 0}, TWO, 1, BOXES),
    "yolox, not decoded": (v8(sees=BGR, objectness=True, across=False, raw=True), {**YOLOX, "head": "yolox_raw"}, TWO, 0, BOXES),
    "yolox": (v8(sees=BGR, objectness=True, across=False), YOLOX, TWO, 0, BOXES),
    "detr": (network(see.queries, ("logits", "pred_boxes"), {"pixel_values": FLOATS}, SEEN), {}, TWO, 0, BOXES),
    "detr with a mask of pixels": (network(see.queries, ("logits", "pred_boxes"), {"pixel_values": FLOATS, "pixel_mask": ("int64", [1, H, W])}, SEEN), {}, TWO, 0, BOXES),
    "rtdetr": (network(see.queries, ("logits", "pred_boxes"), {"pixel_values": FLOATS}, softmax=False, n=300), {"mean": [0, 0, 0], "std": [1, 1, 1]}, TWO, 0, BOXES),
    "told the picture's size": (network(see.lists, ("labels", "boxes", "scores"), {"images": ("float32", ["n", 3, H, W]), "orig_target_sizes": ("int64", ["n", 2])},
                                        order=("labels", "boxes", "scores"), original="orig_target_sizes"), {}, TWO, 0, BOXES),
    "rfdetr": (network(see.queries, ("dets", "labels"), {"input": FLOATS}, SEEN, softmax=False, spare=True, boxes_first=True), {}, TWO, 0, BOXES),
    "mmdeploy": (network(see.lists, ("dets", "labels"), {"input": FLOATS}, SEEN, order=("dets", "labels")), {**PIXELS, "resize": "letterbox_top_left"}, TWO, 0, BOXES),
    "torchvision": (torchvision(), {}, TWO, 1, BOXES),
    "torchvision, labels from 0": (torchvision(), {"first_class": 1}, TWO, 0, BOXES),
    "torchvision of one size": (torchvision(fixed=True), {}, TWO, 1, BOXES),
    "torchvision, unnamed": (torchvision("2101", "2077", "2078", order=("boxes", "scores", "labels")), {}, TWO, 1, BOXES),
    "torchvision, misnamed": (torchvision("boxes", "labels", "scores", order=("boxes", "scores", "labels")), {}, TWO, 1, BOXES),
    "masks of torchvision": (torchvision(order=("boxes", "labels", "scores", "masks")), {}, TWO, 1, OUTLINES),
    "tensorflow": (tensorflow(200, 200), {}, TWO, 1, BOXES),
    "tensorflow, of any size": (tensorflow("h", "w"), {}, TWO, 1, BOXES),
    "logits": (network(see.classes, ("output",), CLASSES, SEEN, softmax=False), {**PIXELS, "resize": "cover", "score": "softmax"}, FIVE, 0, LABELS),
    "chances": (network(see.classes, ("output",), CLASSES, SEEN), {**PIXELS, "resize": "cover"}, FIVE, 0, LABELS),
    "keras": (network(see.classes, ("predictions",), {"input_1": ("float32", ["n", 224, 224, 3])}, {"layout": "NHWC", "range": (-1, 1)}),
              {"colour": "RGB", "range": [-1, 1], "mean": [0, 0, 0], "std": [1, 1, 1], "resize": "cover"}, FIVE, 0, LABELS),
    "places": (network(see.places, ("out",), {"input": FLOATS}, SEEN), STRETCHED, THREE, 0, OUTLINES),
    "places in quarters": (network(see.places, ("logits",), {"pixel_values": FLOATS}, SEEN, stride=4), STRETCHED, THREE, 0, OUTLINES),
}
REFUSED = {
    "a head that nobody knows": (network(see.strange), "'output0'"),
    "half of a network": (network(see.embedding, ("image_embeddings",), {"input_image": FLOATS}), "image_embeddings"),
}
SIZES = {"square.png": (256, 256), "wide.png": (520, 180), "tall.png": (150, 400), "small.png": (80, 60), "large.png": (1300, 900), "turned.jpg": (240, 330)}
GROUND = (122, 122, 122)


def tee(box):
    """A T that reaches to all sides of its box and fills five ninths of it."""
    x1, y1, x2, y2 = box
    third, side = (y2 - y1) / 3, (x2 - x1) / 3
    return [(x1, y1), (x2, y1), (x2, y1 + third), (x2 - side, y1 + third), (x2 - side, y2), (x1 + side, y2), (x1 + side, y1 + third), (x1, y1 + third)]


def covers(ring, size):
    im = Image.new("1", size)
    if len(ring) > 2:
        ImageDraw.Draw(im).polygon([(float(x) - .5, float(y) - .5) for x, y in ring], fill=1)
    return im


def alike(a, b):
    from PIL import ImageChops
    both, any_ = (sum(i.convert("L").histogram()[128:]) for i in (ImageChops.logical_and(a, b), ImageChops.logical_or(a, b)))
    return both / max(any_, 1)


def keep(im, path):
    """The turned one lies on its side and says so."""
    if path.suffix == ".png":
        im.save(path)
    else:
        exif = Image.Exif()
        exif[0x0112] = 6
        im.transpose(Image.Transpose.ROTATE_90).save(path, quality=96, subsampling=0, exif=exif)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """[(file, size, boxes of the nut and the bolt)]"""
    folder, made = tmp_path_factory.mktemp("scenes"), []
    for name, (w, h) in SIZES.items():
        im = Image.new("RGB", (w, h), GROUND)
        boxes = [[round(f * side) for f, side in zip(at, (w, h, w, h))] for at in ((.06, .2, .44, .83), (.52, .1, .95, .6))]
        for box, colour in zip(boxes, (see.NUT, see.BOLT)):
            x1, y1, x2, y2 = box
            ImageDraw.Draw(im).rectangle([x1, y1, x2 - 1, y1 + (y2 - y1) // 3 - 1], fill=colour)
            ImageDraw.Draw(im).rectangle([x1 + (x2 - x1) // 3, y1, x2 - (x2 - x1) // 3 - 1, y2 - 1], fill=colour)
        keep(im, folder / name)
        made.append((folder / name, (w, h), boxes))
    return made


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """[(file, what fills the square in its middle)]: what is beside that has the other colour, and in long pictures more of it."""
    folder, made = tmp_path_factory.mktemp("fields"), []
    for i, (name, (w, h)) in enumerate(SIZES.items()):
        inner, outer = (see.NUT, see.BOLT)[::1 if i % 2 else -1]
        side = min(w, h)
        im = Image.new("RGB", (w, h), outer)
        im.paste(inner, ((w - side) // 2, (h - side) // 2, (w + side) // 2, (h + side) // 2))
        keep(im, folder / name)
        made.append((folder / name, "nut" if inner == see.NUT else "bolt"))
    return made


@pytest.fixture(scope="module")
def deployed(server, version):  # noqa: F811
    def make(name):
        file, told, labels, first, kind = FORMS[name]
        return deploy(server, version(file, told, {str(i + first): n for i, n in enumerate(labels)}, kind))
    return make


def near_by(size):
    """A pixel and a half of the input, and one and a half of the picture."""
    return 1.5 + 1.6 * max(size[0] / W, size[1] / H, 1)


@pytest.mark.parametrize("form", [f for f in FORMS if FORMS[f][4] == BOXES])
def test_each_form_of_detector_says_where_things_are(server, deployed, scenes, form):
    deployment = deployed(form)
    for picture, size, boxes in scenes:
        p, names = predict(server, deployment, picture)
        found = sorted(zip((names[str(c)] for c in p["detection_classes"]), p["detection_scores"], p["detection_boxes"]), key=lambda f: -f[1])
        assert [f[0] for f in found] == TWO, f"{picture.name}: {found}"
        for (_, score, (top, left, bottom, right)), wanted, box in zip(found, see.SCORE, boxes):
            assert abs(score - wanted) < 0.005, f"{picture.name}: {score}"
            assert all(abs(a - b) <= near_by(size) for a, b in zip((left, top, right, bottom), box)), f"{picture.name}: {(left, top, right, bottom)}, not {box}"


@pytest.mark.parametrize("form", [f for f in FORMS if FORMS[f][4] == OUTLINES])
def test_each_form_of_segmenter_draws_things_as_they_are(server, deployed, scenes, form):
    deployment = deployed(form)
    for picture, size, boxes in scenes:
        p, names = predict(server, deployment, picture)
        found = dict(zip((names[str(c)] for c in p["detection_classes"]), p["detection_masks"]))
        assert sorted(found) == sorted(TWO) and len(p["detection_masks"]) == 2, f"{picture.name}: {p['detection_classes']}"
        for name, box in zip(TWO, boxes):
            same = alike(covers([q[:2] for q in found[name]], size), covers(tee(box), size))
            assert same > (0.7 if form in ROUGH else 0.85), f"{picture.name}: {name} is alike by {same:.2f}; the box around it would be by 0.56"


ROUGH = ("segments of ultralytics", "places in quarters")  # a cell is four pixels of the input


@pytest.mark.parametrize("form", [f for f in FORMS if FORMS[f][4] == LABELS])
def test_each_form_of_classifier_sees_the_middle(server, deployed, fields, form):
    deployment, chance = deployed(form), math.exp(3) / (math.exp(3) + 4)
    for picture, name in fields:
        p, names = predict(server, deployment, picture)
        assert [names[str(c)] for c in p["detection_classes"]] == [name] and abs(p["detection_scores"][0] - chance) < 0.002, f"{picture.name}: {p}"


@pytest.mark.parametrize("case", REFUSED)
def test_a_form_that_nobody_can_read_is_refused_by_its_output(server, version, case):  # noqa: F811
    file, words = REFUSED[case]
    v = version(file, {}, {"0": "nut", "1": "bolt"})
    server.refused("POST", f"/api/model/version/{v.id}/deploy", 422, words, json={"name": unique("never")})
