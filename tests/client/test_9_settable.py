"""What can be set about a foreign model's answer, and inputs and outputs of unusual forms."""
import json

import pytest
import requests
from onnx_file import model
from test_9_models_of_others import ANCHORS, BOXES, FIT, IN, NAMES, SIDE, ULTRA, centred, deploy, near, picture, predict, says, turned, version  # noqa: F401

KINDS = {"same": [FIT, 0.9, 0], "overlapping": [[FIT[0] + 2, *FIT[1:]], 0, 0.8], "half": [[FIT[0] + 12, *FIT[1:]], 0, 0.7], "apart": [[48, 40, 60, 46], 0.6, 0]}


def crowd():
    """Two that lie on each other, of two labels, one that covers half of them, one apart."""
    rows = [[0.0] * 6 for _ in range(ANCHORS)]
    for i, (box, *scores) in enumerate(KINDS.values()):
        rows[10 + i] = [*centred(box), *scores]
    return says({"output0": ([turned(rows)], "float32")}, metadata=ULTRA)


@pytest.mark.parametrize("told, scores", [
    ({}, [0.9, 0.8, 0.7, 0.6]),  # two labels: none suppresses another one's, and half an overlap is less than 0.7
    ({"nms": "across"}, [0.9, 0.7, 0.6]),
    ({"nms": "across", "nms_iou": 0.3}, [0.9, 0.6]),
    ({"nms": "class", "nms_iou": 0.3}, [0.9, 0.8, 0.6]),
    ({"nms": "none", "max_detections": 2}, [0.9, 0.8]),
    ({"nms": "across", "max_detections": 1}, [0.9]),
])
def test_suppression_is_by_class_or_across_with_a_threshold_and_a_count(server, version, picture, told, scores):  # noqa: F811
    p, _ = predict(server, deploy(server, version(crowd(), told, NAMES)), picture)
    assert near(p["detection_scores"], scores, 0.002) and len(p["detection_scores"]) == len(scores), p


def test_quantized_files_answer_what_their_scales_say(server, version, picture):  # noqa: F811
    """int8 with QuantizeLinear and DequantizeLinear: whole numbers inside, float32 at both ends."""
    rows = [[0.0] * ANCHORS for _ in range(6)]
    for i, v in enumerate([*centred(FIT), 0, 0.9]):
        rows[i][40] = v
    boxes, scores = [[x if k < 4 else 0 for x in r] for k, r in enumerate(rows)][:4], rows[4:]
    nodes = [("bq", "QuantizeLinear", ["b", "bs", "bz"], {}), ("bd", "DequantizeLinear", ["bq", "bs", "bz"], {}), ("sq", "QuantizeLinear", ["s", "ss", "sz"], {}),
             ("sd", "DequantizeLinear", ["sq", "ss", "sz"], {}), ("output0", "Concat", ["bd", "sd"], {"axis": 1})]
    file = model(IN, {"output0": ("float32", [1, 6, ANCHORS])}, [("b", [boxes], "float32"), ("s", [scores], "float32"), ("bs", 0.5, "float32"), ("bz", 0, "uint8"), ("ss", 1 / 255, "float32"), ("sz", 0, "uint8")],
                 nodes, metadata=ULTRA)
    p, names = predict(server, deploy(server, version(file, {}, NAMES)), picture)
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue"] and near(p["detection_scores"], [0.9], 0.003)


def test_sixteen_outputs_are_no_hindrance(server, version, picture):  # noqa: F811
    more = {f"more{i}": ([[float(i)]], "float32") for i in range(12)}
    file = says({"detection_boxes": ([[[0.2, 0.2, 0.6, 0.6]]], "float32"), "detection_classes": ([[2.0]], "float32"), "detection_scores": ([[0.9]], "float32"),
                 "num_detections": ([1.0], "float32"), **more}, {"input_tensor": ("uint8", [1, SIDE, SIDE, 3])})
    p, names = predict(server, deploy(server, version(file, {}, {"1": "red", "2": "blue"})), picture)
    assert [names[str(c)] for c in p["detection_classes"]] == ["blue"]


def test_a_margin_is_taken_off_the_letterbox(server, version, picture):  # noqa: F811
    """YOLO-NAS scales the longest side to 4 less than the input."""
    scaled = [2 + x * 60 / 200 for x in (20, 100)], [17 + y * 60 / 200 for y in (20, 60)]
    box = [scaled[0][0], scaled[1][0], scaled[0][1], scaled[1][1]]
    file = says({"graph2_flat_predictions": ([[0, *box, 0.9, 1]], "float32")}, {"input": ("uint8", [1, 3, SIDE, SIDE])})
    p, _ = predict(server, deploy(server, version(file, {"margin": 4}, NAMES)), picture)
    top, left, bottom, right = p["detection_boxes"][0]
    assert near((left, top, right, bottom), (20, 20, 100, 60), 1), p


def test_a_reading_is_tried_before_it_is_told(server, version, picture):  # noqa: F811
    file, told, labels = BOXES["yolox"]
    v = version(file, {"pad": 90}, labels)

    def attempt(onnx, status=200):
        with open(picture, "rb") as f:
            r = requests.post(f"{server.host}/api/model/version/{v.id}/try", headers={"Authorization": f"Bearer {server.token}"}, data={"onnx": onnx}, files={"media": f}, timeout=60)
        assert r.status_code == status, r.text
        return r.json()
    (right,) = attempt(json.dumps(told))["shapes"]
    (wrong,) = attempt(json.dumps({**told, "resize": "letterbox"}))["shapes"]
    assert near([right[k] for k in "xywh"], (20, 20, 80, 40), 1) and wrong["y"] != right["y"]
    assert "onnx.resize" in attempt('{"resize": "sideways"}', 400)["message"]
    assert "onnx" in attempt("{", 400)["message"] and "4000" in attempt(json.dumps({"resize": "x" * 5000}), 400)["message"]
    assert "does not say all" in attempt("{}", 422)["message"]
    assert server.call("GET", f"/api/model/version/{v.id}")["parameters"]["onnx"] == {"pad": 90}, "nothing of it is kept"
