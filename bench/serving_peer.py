"""The peer of bench/serving, in an environment of its own: what people write around an ONNX file.
  picture FILE | run MODEL, or bare MODEL (then a count a line); as `serving_peer:app` of uvicorn it is told MODEL and THRESHOLD by the environment"""
import json, os, pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lib


def picture(file):
    """Something like a photograph, 640 x 480."""
    import cv2, numpy as np
    noise = (np.random.default_rng(0).random((480, 640, 3)) * 255).astype(np.uint8)
    cv2.imwrite(file, cv2.GaussianBlur(noise, (7, 7), 0), [cv2.IMWRITE_JPEG_QUALITY, 90])


def sessions(model):
    """onnxruntime as it comes, and in the forms that may be its best on this machine."""
    import onnxruntime
    made = {"default": onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])}
    for name, threads, spin in (("one thread", 1, "1"), ("all threads", os.cpu_count(), "1"), ("all threads, not spinning", os.cpu_count(), "0")):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", spin)
        made[name] = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return made


def run(model):
    """A line is a count: the median of so many runs in each form, in milliseconds."""
    import numpy as np
    forms = sessions(model)
    first = next(iter(forms.values())).get_inputs()[0]
    x = {first.name: np.random.default_rng(0).random([1 if not isinstance(n, int) else n for n in first.shape], np.float32)}
    for line in sys.stdin:
        said = {}
        for name, session in forms.items():
            took = []
            for _ in range(int(line)):
                began = time.perf_counter()
                session.run(None, x)
                took.append((time.perf_counter() - began) * 1000)
            said[name] = statistics.median(took)
            time.sleep(0.05)
        print(json.dumps(said), flush=True)


def bare(model):
    """One session as it comes, and what its process holds after so many runs."""
    import numpy as np, onnxruntime
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    x = {first.name: np.random.default_rng(0).random(first.shape, np.float32)}
    for line in sys.stdin:
        for _ in range(int(line)):
            session.run(None, x)
        print(json.dumps({"memory": lib.rss(os.getpid())}), flush=True)


class Model:
    def __init__(self, path, threshold):
        import numpy as np, onnxruntime
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        self.ours, self.task, self.threshold = json.loads(meta["saccade"])["input"], meta["task"], threshold
        self.output = json.loads(meta["saccade"]).get("output", {})
        self.height, self.width = self.session.get_inputs()[0].shape[2:]
        self.mean, self.std = (np.array(self.ours[k], np.float32) for k in ("mean", "std"))

    def prepare(self, data):
        import cv2, numpy as np
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        h, w = picture.shape[:2]
        fit = min(self.height / h, self.width / w)
        box = np.full((self.height, self.width, 3), self.ours.get("pad", 114), np.uint8)
        if self.ours["resize"] == "letterbox":
            small = cv2.resize(picture, (round(w * fit), round(h * fit)))
            box[:small.shape[0], :small.shape[1]] = small
        else:
            box = cv2.resize(picture, (self.width, self.height))
        x = ((box[:, :, ::-1].astype(np.float32) * self.ours["scale"] - self.mean) / self.std).transpose(2, 0, 1)[None]
        return np.ascontiguousarray(x, dtype=np.float32), fit

    def predict(self, data):
        x, fit = self.prepare(data)
        out = dict(zip([o.name for o in self.session.get_outputs()], self.session.run(None, {self.session.get_inputs()[0].name: x})))
        if self.task == "classify":
            best = out["scores"][0].argmax()
            return {"label": int(best), "score": float(out["scores"][0][best])}
        boxes, scores = out["boxes"][0], out["scores"][0]
        labels, best = scores.argmax(1), scores.max(1)
        good = (best >= self.threshold) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, labels, best = boxes[good], labels[good], best[good]
        keep = lib.nms(boxes, best, labels, self.output["nms_iou"], self.output["max_detections"])
        size = [self.width / fit, self.height / fit] * 2
        return {"boxes": (boxes[keep] * size).tolist(), "scores": best[keep].tolist(), "labels": labels[keep].tolist()}


def application():
    from fastapi import FastAPI, File, UploadFile
    app, model = FastAPI(), Model(os.environ["MODEL"], float(os.environ["THRESHOLD"]))

    @app.get("/health")
    def health():
        return {}

    @app.post("/predict")  # uvicorn runs it in a pool of threads
    def predict(media: UploadFile = File(...)):
        return model.predict(media.file.read())

    @app.post("/predict_async")  # and this in its only one
    async def predict_async(media: UploadFile = File(...)):
        return model.predict(await media.read())

    return app


if __name__ == "__main__":
    {"picture": picture, "run": run, "bare": bare}[sys.argv[1]](sys.argv[2])
elif os.environ.get("MODEL"):
    app = application()
