"""The peer of bench/prediction, in an environment of its own.  make FOLDER | serve MODEL IMAGE THRESHOLD (then a count a line)."""
import json, pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lib


def make(folder):
    """A network of YOLOX-nano's size (about 0.6 GFLOP at 320 px) with random weights in the file form of ours, and a photo-like JPEG."""
    import cv2, numpy as np, onnx
    from onnx import TensorProto, helper, numpy_helper
    random = np.random.default_rng(0)
    nodes, weights = [], []

    def constant(value):
        weights.append(numpy_helper.from_array(value, f"c{len(weights)}"))
        return weights[-1].name

    def node(op, inputs, **more):
        nodes.append(helper.make_node(op, inputs, [f"{op}{len(nodes)}"], **more))
        return nodes[-1].output[0]

    def conv(x, i, o, k, stride=1, group=1, active=True):
        w = random.standard_normal((o, i // group, k, k)) * (2 / (i // group * k * k)) ** 0.5
        y = node("Conv", [x, constant(w.astype(np.float32)), constant(np.zeros(o, np.float32))], kernel_shape=[k, k], strides=[stride, stride],
                 pads=[k // 2] * 4, group=group)
        return node("Mul", [y, node("Sigmoid", [y])]) if active else y

    def separable(x, i, o, stride=1):
        return conv(conv(x, i, i, 3, stride, i), i, o, 1)

    x, i, boxes, scores = conv("images", 3, 16, 3, 2), 16, [], []
    for stage, (o, blocks) in enumerate([(32, 1), (64, 3), (128, 3), (256, 1)]):
        x, i = separable(x, i, o, 2), o
        for _ in range(2 * blocks):
            x = node("Add", [x, separable(conv(x, i, i // 2, 1), i // 2, i)])
        if stage == 0:
            continue
        f, cells = conv(x, i, 64, 1), (320 >> (stage + 2)) ** 2
        for _ in range(2):
            f = separable(f, 64, 64)
        for o, to in ((4, boxes), (2, scores)):
            y = node("Reshape", [conv(f, 64, o, 1, active=False), constant(np.array([1, o, cells], np.int64))])
            to.append(node("Transpose", [y], perm=[0, 2, 1]))
    for name, parts in (("boxes", boxes), ("scores", scores)):
        nodes.append(helper.make_node("Sigmoid", [node("Concat", parts, axis=1)], [name]))
    anchors = sum((320 >> k) ** 2 for k in (3, 4, 5))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "nano", [value("images", TensorProto.FLOAT, [1, 3, 320, 320])],
                              [value("boxes", TensorProto.FLOAT, [1, anchors, 4]), value("scores", TensorProto.FLOAT, [1, anchors, 2])], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    ours = {"version": 1, "input": {"color": "RGB", "layout": "NCHW", "resize": "letterbox", "pad": 114, "scale": 1 / 255, "mean": [0] * 3, "std": [1] * 3},
            "output": {"boxes": "xyxy", "unit": "fraction", "nms_iou": 0.6, "max_detections": 300}}
    helper.set_model_props(made, {"names": '{"0":"a","1":"b"}', "imgsz": "[320,320]", "task": "detect", "saccade": json.dumps(ours)})
    onnx.save(made, str(folder / "model.onnx"))
    noise = (random.random((480, 640, 3)) * 255).astype(np.uint8)
    cv2.imwrite(str(folder / "image.jpg"), cv2.GaussianBlur(noise, (7, 7), 0), [cv2.IMWRITE_JPEG_QUALITY, 90])


def serve(model, image, threshold):
    import cv2, numpy as np, onnxruntime
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    size = json.loads(meta["imgsz"])[0]
    ours = json.loads(meta["saccade"])
    scale, mean, std = ours["input"]["scale"], np.array(ours["input"]["mean"], np.float32), np.array(ours["input"]["std"], np.float32)

    def one():
        t0 = time.perf_counter()
        picture = cv2.imdecode(np.frombuffer(pathlib.Path(image).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        h, w = picture.shape[:2]
        fit = min(size / h, size / w)
        small = cv2.resize(picture, (round(w * fit), round(h * fit)))
        box = np.full((size, size, 3), ours["input"]["pad"], np.uint8)
        box[:small.shape[0], :small.shape[1]] = small
        x = ((box[:, :, ::-1].astype(np.float32) * scale - mean) / std).transpose(2, 0, 1)[None]
        x = np.ascontiguousarray(x, dtype=np.float32)
        t1 = time.perf_counter()
        boxes, scores = (y[0] for y in session.run(["boxes", "scores"], {"images": x}))
        t2 = time.perf_counter()
        labels, best = scores.argmax(1), scores.max(1)
        good = (best >= threshold) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        keep = lib.nms(boxes[good], best[good], labels[good], ours["output"]["nms_iou"], ours["output"]["max_detections"])
        t3 = time.perf_counter()
        return t3 - t0, t1 - t0, t2 - t1, t3 - t2, len(keep)

    for line in sys.stdin:
        runs = [one() for _ in range(int(line))]
        parts = {name: statistics.median(r[k] for r in runs) * 1000 for k, name in enumerate(("total", "decode", "run", "nms"))}
        memory = next(int(s.split()[1]) / 1024 for s in open("/proc/self/status") if s.startswith("VmRSS"))
        print(json.dumps({**parts, "found": runs[-1][4], "memory": memory}), flush=True)


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    serve(sys.argv[2], sys.argv[3], float(sys.argv[4]))
