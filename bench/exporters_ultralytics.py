"""Forms of bench/exporters: Ultralytics, asked through its own predictor with the exported file."""
import numpy as np
import torch
from exporters_form import THRESHOLD, Form, Thing, batch_of, draw, raster, settle_layers, spread

SIZE = (256, 320)
NAMES = {0: "red", 1: "green", 2: "blue"}


def layers_of(head):
    """The last layer of each branch that says classes."""
    branches = getattr(head, "cv3", None) or []
    return [b[-1] for b in branches]


def built(form, task, size, images, above):
    from ultralytics import YOLO
    draw()
    model = YOLO(form, task=task)
    network = model.model
    network.float()
    for k in list(network.names):
        network.names[k] = NAMES.get(k, f"c{k}")
    batch = batch_of(images, size)
    settle_layers(network, lambda: network(batch))
    head = network.model[-1]
    if task == "classify":
        spread([head.linear], lambda: network(batch), above=0.3)
    else:
        spread(layers_of(head), lambda: network(batch), above=above)
    return model


def few_classes(form):
    """The package's own description of the network, with our classes."""
    import pathlib, tempfile, yaml
    from ultralytics.nn.tasks import yaml_model_load
    said = yaml_model_load(form)
    said["nc"] = len(NAMES)
    path = pathlib.Path(tempfile.mkdtemp()) / form.replace(".yaml", "-few.yaml")
    said.pop("yaml_file", None)
    path.write_text(yaml.safe_dump(said))
    return path


def boxes(result):
    b = result.boxes
    return [Thing(int(c), float(s), tuple(map(float, xy))) for c, s, xy in zip(b.cls, b.conf, b.xyxy)]


def outlines(result):
    """Each mask on the picture, with all its parts and holes."""
    found = []
    for i, thing in enumerate(boxes(result)):
        thing.outline, thing.box = result.masks.data[i].numpy() > 0.5, None
        found += [thing] if thing.outline.any() else []
    return found


def keypoints(result):
    found = boxes(result)
    seen = [t.box[2] > t.box[0] and t.box[3] > t.box[1] for t in found]  # what lies beside the picture is not answered
    for thing, points in zip(found, result.keypoints.data):
        thing.points, thing.box = points[:, :2].numpy(), None
    return [t for t, there in zip(found, seen) if there]


def turned(result):
    """By their corners; those that reach over the picture's edge by what they cover of it."""
    o, (h, w) = result.obb, result.orig_shape
    found = []
    for c, s, corners in zip(o.cls, o.conf, o.xyxyxyxy.numpy()):
        whole = (corners >= 0).all() and (corners <= (w, h)).all()
        thing = Thing(int(c), float(s), None, raster(corners, (w, h)), corners if whole else None)
        found += [thing] if whole or thing.outline.any() else []
    return found


def best(result):
    p = result.probs
    return [Thing(int(p.top1), float(p.top1conf))]


def form(name, yaml, task, kind, read, size=SIZE, above=0.01, rtdetr=False, options=None, **predict):
    def export(folder, images):
        from ultralytics import RTDETR, YOLO
        file = folder / "model.onnx"
        model = built(few_classes(yaml) if yaml else yaml, task, size, images, above) if not rtdetr else built_rtdetr(yaml, size, images)
        made = model.export(format="onnx", imgsz=size, simplify=False, **(options or {}))
        file.write_bytes(open(made, "rb").read())
        peer = (RTDETR if rtdetr else YOLO)(str(file), **({} if rtdetr else dict(task=task)))

        def ask(image):
            with torch.no_grad():
                return read(peer.predict(str(image), imgsz=size, conf=THRESHOLD, iou=0.7, max_det=300, verbose=False, save=False, **predict)[0])
        return file, ask
    return Form(name, kind, NAMES, export)


def built_rtdetr(yaml, size, images):
    from ultralytics import RTDETR
    draw()
    model = RTDETR(str(few_classes(yaml)))
    network = model.model
    for k in list(network.names):
        network.names[k] = NAMES.get(k, f"c{k}")
    batch = batch_of(images, size)
    network.eval()
    head = network.model[-1]
    with torch.no_grad():
        norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
            m.train()
        network(batch)
        network(batch)
        network.eval()
    spread([head.enc_score_head], lambda: network(batch), above=0.05)
    spread([head.dec_score_head[-1]], lambda: network(batch), above=0.05)
    return model


FORMS = [
    form("ultralytics-detect", "yolo11n.yaml", "detect", "OBJECT_DETECTION", boxes),
    form("ultralytics-v8", "yolov8n.yaml", "detect", "OBJECT_DETECTION", boxes),
    form("ultralytics-nms-inside", "yolo11n.yaml", "detect", "OBJECT_DETECTION", boxes, options=dict(nms=True, conf=0.25, iou=0.7)),
    form("ultralytics-segment", "yolo11n-seg.yaml", "segment", "SEGMENTATION", outlines, retina_masks=True),
    form("ultralytics-pose", "yolo11n-pose.yaml", "pose", "KEYPOINT", keypoints),
    form("ultralytics-obb", "yolo11n-obb.yaml", "obb", "SEGMENTATION", turned),
    form("ultralytics-classify", "yolo11n-cls.yaml", "classify", "CLASSIFICATION", best, size=(224, 224)),
    form("ultralytics-rtdetr", "rtdetr-resnet50.yaml", "detect", "OBJECT_DETECTION", boxes, size=(320, 320), rtdetr=True),
]
