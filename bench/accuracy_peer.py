"""What bench/accuracy needs Python packages for, in the peers' environment:
    train   CASE.json           the peer, from random weights: Ultralytics with its own defaults; snapshots of its averaged weights at the marks
    predict CASE.json           detections of a snapshot of the peer, or of an ONNX file of ours, on full-size images, as a COCO file
    score   TRUTH PREDICTIONS   pycocotools; prints {"ap", "ap50", "labels": {name: [ap50, ap]}}
The clock of a training is wall time, or (clock "cpu") processor time as minutes of two cores: the way to compare on a machine that others use."""
import contextlib, copy, io, json, os, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lib


def train(case):
    clock = lib.Clock(case["clock"])
    import torch
    from ultralytics import YOLO
    out, marks = pathlib.Path(case["out"]), [m * 60 for m in case["marks"]]
    told = {"marks": [], "epochs": []}

    def snapshot(trainer, at, mark=None):
        with clock.stopped():
            model = copy.deepcopy(trainer.ema.ema).half()
            model.criterion = None
            path = str(out / f"at_{at:.0f}s.pt")
            torch.save({"model": model, "train_args": vars(trainer.args), "date": None, "version": None}, path)
            told["marks"].append({"mark": mark, "seconds": at, "weights": path})
            (out / "told.json").write_text(json.dumps(told))

    def started(trainer):
        torch.set_num_threads(case["threads"])  # the package takes one less than there are cores
        told["ready"] = clock()

    def after_batch(trainer):
        now = clock()
        if marks and now >= marks[0]:
            mark = max(m for m in marks if m <= now)
            marks[:] = [m for m in marks if m > now]
            snapshot(trainer, now, mark / 60)

    def after_epoch(trainer):
        told["epochs"].append(clock())
        if trainer.epoch + 1 >= trainer.epochs:
            told.update(optimizer=type(trainer.optimizer).__name__, finished=clock())
            snapshot(trainer, told["finished"])
            sys.exit(0)  # what follows is an evaluation

    model = YOLO(case["model"])
    for event, does in (("on_train_start", started), ("on_train_batch_end", after_batch), ("on_train_epoch_end", after_epoch)):
        model.add_callback(event, does)
    model.train(data=case["data"], epochs=case["epochs"], imgsz=case["size"], batch=case["batch"], seed=case["seed"], device="cpu",
                workers=0 if case["threads"] == 1 else case["threads"], cache="ram", pretrained=False, val=False, save=False, plots=False,
                project=str(out), name="run", exist_ok=True, verbose=False, **case.get("more", {}))


def by_ultralytics(case):
    import torch
    from ultralytics import YOLO
    model = YOLO(case["weights"])
    torch.set_num_threads(case["threads"])

    def one(path):
        r = model.predict(path, imgsz=case["size"], conf=0.001, iou=0.7, max_det=300, device="cpu", verbose=False)[0].boxes
        return r.xyxy.tolist(), r.conf.tolist(), [int(c) for c in r.cls]
    return one


def by_onnx(case):
    """Our file, by what its metadata says: letterbox at the top left, boxes as fractions of the input, NMS outside."""
    import cv2, numpy as np, onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case["threads"]
    session = onnxruntime.InferenceSession(case["weights"], options, providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    ours, size = json.loads(meta["saccade"]), json.loads(meta["imgsz"])
    assert ours["input"]["resize"] == "letterbox" and ours["output"]["unit"] == "fraction", ours
    mean, std = np.array(ours["input"]["mean"], np.float32), np.array(ours["input"]["std"], np.float32)

    def one(path):
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        h, w = picture.shape[:2]
        fit = min(size[0] / h, size[1] / w)
        small = cv2.resize(picture, (round(w * fit), round(h * fit)), interpolation=cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR)
        box = np.full((size[0], size[1], 3), ours["input"]["pad"], np.uint8)
        box[:small.shape[0], :small.shape[1]] = small
        x = ((box[:, :, ::-1].astype(np.float32) * ours["input"]["scale"] - mean) / std).transpose(2, 0, 1)[None]
        boxes, scores = (y[0] for y in session.run(["boxes", "scores"], {session.get_inputs()[0].name: np.ascontiguousarray(x, np.float32)}))
        boxes = boxes * [size[1], size[0], size[1], size[0]] * ([w / small.shape[1], h / small.shape[0]] * 2)
        at, label = np.nonzero(scores >= 0.001)  # every label of a place is a detection of its own
        xy, best = boxes[at].clip(0, [w, h, w, h]), scores[at, label]
        keep = lib.nms(xy, best, label, ours["output"]["nms_iou"], ours["output"]["max_detections"])
        return xy[keep].tolist(), best[keep].tolist(), label[keep].tolist()
    return one


def predict(case):
    truth = json.loads(pathlib.Path(case["truth"]).read_text())
    one = by_onnx(case) if case["weights"].endswith(".onnx") else by_ultralytics(case)
    found = []
    for image in truth["images"]:
        for (x0, y0, x1, y1), score, label in zip(*one(os.path.join(case["images"], image["file_name"]))):
            found.append(dict(image_id=image["id"], category_id=label + 1, bbox=[x0, y0, x1 - x0, y1 - y0], score=score))
    pathlib.Path(case["predictions"]).write_text(json.dumps(found))


def score(truth, predictions):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
        found = json.loads(pathlib.Path(predictions).read_text())
        if not found:
            return {"ap": 0, "ap50": 0, "labels": {}}
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.evaluate(), judge.accumulate(), judge.summarize()
    precision, labels = judge.eval["precision"][:, :, :, 0, 2], {}  # IoU, recall, label
    for k, category in enumerate(judge.params.catIds):
        p = precision[:, :, k]
        if (p > -1).any():
            labels[coco.cats[category]["name"]] = [float(p[0].mean()), float(p.mean())]
    return {"ap": float(judge.stats[0]), "ap50": float(judge.stats[1]), "labels": labels}


if __name__ == "__main__":
    if sys.argv[1] == "score":
        print(json.dumps(score(*sys.argv[2:4])))
    else:
        {"train": train, "predict": predict}[sys.argv[1]](json.loads(pathlib.Path(sys.argv[2]).read_text()))
