"""Files of other exporters, by tiny networks that always say the same in the form of each family: recognised or described, deployed, and
read rightly; what cannot be read is refused when it is deployed, in words."""
import math

import pytest
import requests
from conftest import unique
from onnx_file import model
from PIL import Image, ImageDraw

SIDE, ANCHORS = 64, 84  # of the input; 8 × 8 + 4 × 4 + 2 × 2
PICTURE = (200, 100)
BOX = (20, 20, 100, 60)  # of the picture: what each network says, as "blue", with 0.9
FIT = [6.4, 22.4, 32, 35.2]  # the same in a letterbox: 64 × 32 with 16 above
TOP = [6.4, 6.4, 32, 19.2]
STRETCHED = [6.4, 12.8, 32, 38.4]
NAMES = {"0": "red", "1": "blue"}
ULTRA = {"task": "detect", "stride": "32", "names": "{0: 'red', 1: 'blue'}", "imgsz": "[64, 64]"}
LOGIT = math.log(9)  # of 0.9
IN = {"images": ("float32", [1, 3, SIDE, SIDE])}
COLOUR = {"colour": "RGB", "range": [0, 1], "resize": "letterbox", "pad": 114}
PLAIN = {"range": [0, 1], "mean": [0, 0, 0], "std": [1, 1, 1], "resize": "stretch"}


def centred(b):
    return [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]]


def fractions(b):
    return [x / SIDE for x in b]


def turned(rows):
    return [list(c) for c in zip(*rows)]


def says(outputs, inputs=IN, metadata=None, declare=None):
    """A network with these constant outputs: {name: (value, type)}."""
    def shape(v):
        return [len(v), *shape(v[0])] if isinstance(v, list) else []
    return model(inputs, {n: (t, (declare or {}).get(n, shape(v))) for n, (v, t) in outputs.items()}, [(n, v, t) for n, (v, t) in outputs.items()], metadata=metadata)


def rows(width, row, n=ANCHORS, twin=None):
    all_ = [[0.0] * width for _ in range(n)]
    all_[40 if n > 40 else 1] = list(row)
    if twin:
        all_[n - 3] = list(twin)
    return all_


def v8(*more, box=FIT, metadata=ULTRA, name="output0"):
    shifted = [x + 0.5 for x in box]
    row, twin = [*centred(box), 0, 0.9, *more], [*centred(shifted), 0, 0.7, *more]
    return {name: ([turned(rows(len(row), row, twin=twin))], "float32")}


def region(width, height, box, inside, outside):
    return [[inside if box[0] <= x + .5 < box[2] and box[1] <= y + .5 < box[3] else outside for x in range(width)] for y in range(height)]


FRACTION = [*centred(fractions(STRETCHED))]
QUERIES = {"logits": ([[[-9.0, -9.0, 9.0]] * 3 + [[-9.0, 2 + LOGIT, 2.0]]], "float32"), "pred_boxes": ([[[.5, .5, .1, .1]] * 3 + [FRACTION]], "float32")}
SIGMOID = {"logits": ([[[-9.0, -9.0]] * 3 + [[-9.0, LOGIT]]], "float32"), "pred_boxes": QUERIES["pred_boxes"]}
MASKED = [x * 2 for x in (3, 6, 16, 19)]  # in the input of 64, as the maps below say it

# name: (network, what is told, the labels)
BOXES = {
    "v8": (says(v8(), metadata=ULTRA), {}, NAMES),
    "v8 without a batch": (says(v8(), {"images": ("float32", [3, SIDE, SIDE])}, ULTRA), {}, NAMES),
    "yolox": (says({"output": ([rows(7, [*centred(TOP), 0.9, 0, 1.0])], "float32")}), {"colour": "BGR", "range": [0, 255], "resize": "letterbox_top_left"}, NAMES),
    "chosen, as told": (says({"found": ([[[*FRACTION, 0.9, 1.0]]], "float32")}), {"colour": "RGB", "range": [0, 1], "resize": "stretch", "boxes": "cxcywh", "unit": "fraction"}, NAMES),
    "rtdetr": (says(SIGMOID), {"mean": [0, 0, 0]}, NAMES),
    "paddle": (says({"out": ([[1, 0.9, *BOX]], "float32"), "n": ([1], "int32")}, {"im_shape": ("float32", [1, 2]), "image": ("float32", [1, 3, SIDE, SIDE]), "scale_factor": ("float32", [1, 2])}),
               {"mean": [0, 0, 0], "std": [1, 1, 1]}, NAMES),
    "boxes and scores": (says({"b": ([[FIT, FIT]], "float32"), "s": ([[[0, .9], [0, .8]]], "float32")}), {**COLOUR, "boxes": "xyxy", "unit": "input"}, NAMES),
    "boxes and logits": (says({"b": ([[FIT, FIT]], "float32"), "s": ([[[-9, LOGIT], [-9, 1.0]]], "float32")}), {**COLOUR, "boxes": "xyxy", "unit": "input", "score": "sigmoid"}, NAMES),
    "a first column for nothing": (says({"b": ([[FIT, [0, 0, 9, 9]]], "float32"), "s": ([[[0, 0, .9], [.8, 0, 0]]], "float32")}),
                                   {**COLOUR, "boxes": "xyxy", "unit": "input", "background": "first"}, NAMES),
    "a last column for nothing": (says({"b": ([[FIT, [0, 0, 9, 9]]], "float32"), "s": ([[[0, .9, 0], [0, 0, .8]]], "float32")}),
                                  {**COLOUR, "boxes": "xyxy", "unit": "input", "background": "last"}, NAMES),
}
MAPS = [region(32, 32, [x / 2 for x in MASKED], v, -v) for v in (-6.0, 6.0)]
SHAPES = {
    "turned boxes": (says(v8(0.0), metadata={**ULTRA, "task": "obb"}), {}, NAMES, BOX),
    "masks of queries": (says({"class_queries_logits": QUERIES["logits"], "masks_queries_logits": ([[[[-9.0] * 32] * 32] * 3 + [MAPS[1]]], "float32")}), {}, NAMES, [18.75, 18.75, 100, 59.4]),
    "anomalies": (says({"pred_score": ([[0.9]], "float32"), "anomaly_map": ([[region(32, 32, [x / 2 for x in MASKED], 1.0, 0.0)]], "float32")}), {}, {"0": "good", "1": "blue"},
                  [18.75, 18.75, 100, 59.4]),
}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "wide.png"
    im = Image.new("RGB", PICTURE, (128, 128, 128))
    ImageDraw.Draw(im).rectangle(BOX, fill=(40, 40, 220))
    im.save(path)
    return path


@pytest.fixture(scope="module")
def version(client, tmp_path_factory):
    """(bytes, told, labels, type) → a model version with that file."""
    def make(file, told, labels, kind="OBJECT_DETECTION"):
        from picsellia.types.enums import Framework, InferenceType
        path = tmp_path_factory.mktemp("onnx") / "model.onnx"
        path.write_bytes(file)
        more = {"base_parameters": {"onnx": told}} if told else {}
        v = client.create_model(name=unique("brought")).create_version(labels=labels, framework=Framework.ONNX, type=InferenceType[kind], **more)
        v.store("model-latest", str(path))
        return v
    return make


def deploy(server, v, status=201, **more):
    return server.call("POST", f"/api/model/version/{v.id}/deploy", status, json={"name": unique("brought"), "min_threshold": 0.3, **more})


def predict(server, deployment, picture):
    with open(picture, "rb") as f:
        r = requests.post(f"{server.host}/api/deployment/{deployment['id']}/predict", headers={"Authorization": f"Bearer {server.token}"}, files={"media": f})
    assert r.status_code == 200, r.text
    a = r.json()
    return a["predictions"], a["labels"]


def near(got, want, by):
    return all(abs(a - b) <= by for a, b in zip(got, want))


@pytest.mark.parametrize("case", BOXES)
def test_boxes_of_each_family_lie_where_they_were_said(server, version, picture, case):
    file, told, labels = BOXES[case]
    p, names = predict(server, deploy(server, version(file, told, labels)), picture)
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue"]
    assert near(p["detection_scores"], [0.9], 0.002)
    top, left, bottom, right = p["detection_boxes"][0]
    assert near((left, top, right, bottom), BOX, 1), p["detection_boxes"]


@pytest.mark.parametrize("case", SHAPES)
def test_outlines_of_each_family_lie_where_they_were_said(server, version, picture, case):
    file, told, labels, want = SHAPES[case]
    p, names = predict(server, deploy(server, version(file, told, labels, "SEGMENTATION")), picture)
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue"]
    xs, ys = zip(*p["detection_masks"][0])
    assert near((min(xs), min(ys), max(xs), max(ys)), want, 5.1), p["detection_masks"]
    assert len(p["detection_masks"][0]) >= 4


def test_a_turned_box_over_the_edge_is_cut_off_there(server, version, picture):
    side = 13.5765  # of a square that stands on its corner: 30 pixels of the picture from its middle, which lies at 20, 50
    box = (6.4 - side / 2, 32 - side / 2, 6.4 + side / 2, 32 + side / 2)
    file = says(v8(math.pi / 4, box=box), metadata={**ULTRA, "task": "obb"})
    p, _ = predict(server, deploy(server, version(file, {}, NAMES, "SEGMENTATION")), picture)
    got = sorted(tuple(point[:2]) for point in p["detection_masks"][0])
    want = sorted([(0, 40), (20, 20), (50, 50), (20, 80), (0, 60)])
    assert len(got) == len(want) and all(near(a, b, 1) for a, b in zip(got, want)), got


def test_keypoints_come_with_how_sure_the_model_is(server, version, picture):
    pose = says({"output0": ([turned(rows(4 + 1 + 6, [*centred(FIT), 0.9, 6.4, 22.4, 0.5, 32, 35.2, 1.0]))], "float32")},
                metadata={**ULTRA, "task": "pose", "names": "{0: 'person'}", "kpt_shape": "[2, 3]"})
    p, _ = predict(server, deploy(server, version(pose, {}, {"0": "person"}, "KEYPOINT")), picture)
    assert p["keypoints"] == [[[20, 20, 0.5], [100, 60, 1]]] and p["detection_classes"] == [0]


def test_a_query_may_be_of_several_classes_that_count_for_themselves(server, version, picture):
    both = {"logits": ([[[-9.0, -9.0]] * 3 + [[math.log(3), LOGIT]]], "float32"), "pred_boxes": QUERIES["pred_boxes"]}
    p, names = predict(server, deploy(server, version(says(both), {"mean": [0, 0, 0]}, NAMES)), picture)
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue", "red"] and near(p["detection_scores"], [0.9, 0.75], 0.002)
    assert p["detection_boxes"][0] == p["detection_boxes"][1]


def means(dtype="float32", shape=(1, 3, SIDE, SIDE), nodes=()):
    """A classifier whose logits are the means of what it is given, channel by channel."""
    own = [("x", "Cast", ["images"], {"to": 1})] if dtype != "float32" else [("x", "Identity", ["images"], {})]
    return model({"images": (dtype, list(shape))}, {"output": ("float32", [1, 3])}, [],
                 [*own, *nodes, ("pooled", "GlobalAveragePool", [nodes[-1][0] if nodes else "x"], {}), ("output", "Flatten", ["pooled"], {})])


FIRST, LAST = {"0": "first", "1": "second", "2": "third"}, [("t", "Transpose", ["x"], {"perm": [0, 3, 1, 2]})]
CLASSIFIERS = {
    "red first": (means(), {**PLAIN, "score": "probability"}, (250, 0, 0), 0, 250 / 255),
    "blue first": (means(), {**PLAIN, "score": "probability", "colour": "BGR"}, (0, 0, 250), 0, 250 / 255),
    "colours last": (means(shape=(1, SIDE, SIDE, 3), nodes=LAST), {**PLAIN, "score": "probability"}, (0, 250, 0), 1, 250 / 255),
    "bytes": (means("uint8"), {"resize": "stretch", "score": "softmax"}, (0, 0, 250), 2, 1),
    "from -1": (means(), {**PLAIN, "range": [-1, 1], "score": "probability"}, (0, 191, 0), 1, 0.498),
    "less a mean": (means(), {**PLAIN, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "score": "probability"}, (0, 191, 0), 1, 0.498),
    "halves": (means("float16"), {**PLAIN, "score": "probability"}, (250, 0, 0), 0, 250 / 255),
    "logits": (means(), {**PLAIN, "range": [0, 255], "score": "softmax"}, (250, 249, 0), 0, 1 / (1 + math.exp(-1))),
}


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_a_classifier_sees_what_was_described(server, version, tmp_path, case):
    file, told, colour, label, score = CLASSIFIERS[case]
    Image.new("RGB", PICTURE, colour).save(tmp_path / "plain.png")
    p, _ = predict(server, deploy(server, version(file, told, FIRST, "CLASSIFICATION")), tmp_path / "plain.png")
    assert p["detection_classes"] == [label] and near(p["detection_scores"], [score], 0.003), p


def test_labels_that_count_for_themselves_may_be_several(server, version, tmp_path):
    Image.new("RGB", PICTURE, (250, 250, 0)).save(tmp_path / "yellow.png")
    p, _ = predict(server, deploy(server, version(means(), {**PLAIN, "range": [-3, 3], "score": "sigmoid"}, FIRST, "CLASSIFICATION")), tmp_path / "yellow.png")
    assert p["detection_classes"] == [0, 1] and near(p["detection_scores"], [0.947, 0.947], 0.003)


REFUSED = {
    "an output that nobody knows": (says({"strange": ([[[0.0] * 13] * 7], "float32")}), NAMES, "OBJECT_DETECTION", "'strange' (float32 1×7×13)"),
    "half of a network": (says({"image_embeddings": ([[[[0.0] * 4] * 4]], "float32")}), NAMES, "OBJECT_DETECTION", "image_embeddings"),
    "a pyramid": (says({f"o{i}": ([[[[0.0] * 4] * 4]], "float32") for i in range(6)}), NAMES, "OBJECT_DETECTION", "export it with its post-processing"),
    "a second input": (says(v8(), {**IN, "prompt": ("float32", [1, 2])}), NAMES, "OBJECT_DETECTION", "input 'prompt'"),
    "several pictures": (says(v8(), {"images": ("float32", [2, 3, SIDE, SIDE])}), NAMES, "OBJECT_DETECTION", "takes 2 pictures"),
    "whole numbers": (says(v8(), {"images": ("int64", [1, 3, SIDE, SIDE])}), NAMES, "OBJECT_DETECTION", "'images' is int64"),
    "grey pictures": (says(v8(), {"images": ("float32", [1, 1, SIDE, SIDE])}), NAMES, "OBJECT_DETECTION", "1 colours"),
    "another type": (says(v8(), metadata=ULTRA), NAMES, "SEGMENTATION", "finds boxes, but its version is not of type OBJECT_DETECTION"),
    "weights elsewhere": (model(IN, {"output0": ("float32", [1, 4])}, [("output0", [[1.0] * 4], "float32", "model.onnx.data")]), NAMES, "OBJECT_DETECTION", "model.onnx.data"),
    "an operator that is unknown": (model(IN, {"y": ("float32", [1])}, [], [("y", "TurnIntoGold", ["images"], {})]), NAMES, "OBJECT_DETECTION", "opset_version"),
    "no model": (b"not an ONNX file", NAMES, "OBJECT_DETECTION", "not an ONNX model"),
    "colour, range and rule untold": (BOXES["yolox"][0], NAMES, "OBJECT_DETECTION", "range ([lowest, highest]"),
    "a classifier's picture untold": (means(), FIRST, "CLASSIFICATION", "std ("),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_served_is_refused_when_it_is_deployed(server, version, case):
    file, labels, kind, words = REFUSED[case]
    v = version(file, {}, labels, kind)
    server.refused("POST", f"/api/model/version/{v.id}/deploy", 422, words, json={"name": unique("never")})


def test_what_is_told_is_checked_by_its_key_and_may_be_told_later(server, version, client, picture):
    v = version(BOXES["yolox"][0], {}, NAMES)
    origin = client.create_model(name=unique("told"))
    for told, words in (({"color": "RGB"}, "color"), ({"range": [1, 0]}, "onnx.range"), ({"pad": 300}, "onnx.pad"), ({"columns": ["box"]}, "onnx.columns"),
                        ({"mean": [0, 0]}, "onnx.mean"), ({"size": [0, 64]}, "onnx.size"), ({"head": "other"}, "onnx.head"), ({"background": "second"}, "onnx.background")):
        server.refused("PATCH", f"/api/model/version/{v.id}", 400, words, json={"parameters": {"onnx": told}})
        server.refused("POST", f"/api/model/{origin.id}/versions", 400, words, json={"base_parameters": {"onnx": told}})
    look = server.call("GET", f"/api/model/version/{v.id}/look")
    assert look["family"] and [m["key"] for m in look["missing"]] == ["colour", "range", "resize"] and "colour" in look["problem"]
    server.call("PATCH", f"/api/model/version/{v.id}", json={"parameters": {"onnx": BOXES["yolox"][1]}})
    look = server.call("GET", f"/api/model/version/{v.id}/look")
    assert look["problem"] is None and look["known_from"]["colour"] == "told" and look["description"]["range"] == [0, 255]
    assert look == server.call("GET", f"/api/model/version/{v.id}/look"), "and is kept"
    assert look["outputs"][0]["name"] == "output" and look["operators"][0]["name"] == "Identity" and look["operator_sets"] == [{"domain": "", "version": 13}]
    d = deploy(server, v)
    assert predict(server, d, picture)[0]["detection_scores"] == [0.9]
    unknown = version(REFUSED["an output that nobody knows"][0], {}, NAMES)
    server.refused("POST", f"/api/deployment/{d['id']}/shadow", 422, "'strange'", json={"model_version_id": str(unknown.id)})
    server.refused("POST", f"/api/deployment/{d['id']}/model", 422, "'strange'", json={"model_version_id": str(unknown.id)})
    assert deploy(server, unknown, disable_serving=True)["serving_host"] is None, "what is only monitored needs no answer"
