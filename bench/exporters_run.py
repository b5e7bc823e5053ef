"""Runs in the environment that bench/exporters makes."""
import contextlib, io, logging, os, pathlib, shutil, sys, tempfile, time, traceback

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import exporters_torchvision, exporters_transformers, exporters_ultralytics
import lib
from exporters_form import THRESHOLD, Thing, raster

WHOLE = 0.5  # answers hold boxes in whole pixels
MOST = dict(box=0.05, score=1e-3, points=0.5)  # the differences that are allowed, of boxes beyond their rounding
IOU = 0.99
SIZES = {"wide.png": (900, 350), "tall.png": (331, 780), "small.png": (97, 61), "turned.jpg": (641, 480)}


def pictures(folder):
    """Shapes on soft noise, something like photographs; the turned one lies on its side and says so."""
    drawn, made = np.random.default_rng(3), []
    for name, (w, h) in SIZES.items():
        noise = Image.fromarray((drawn.random((h // 8 + 2, w // 8 + 2, 3)) * 255).astype(np.uint8)).resize((w, h), Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(noise)
        for _ in range(14):
            x, y, r = drawn.random() * w, drawn.random() * h, (0.05 + 0.2 * drawn.random()) * min(w, h)
            pen.ellipse([x - r, y - r * 0.7, x + r, y + r * 0.7], fill=tuple(int(v) for v in drawn.integers(0, 255, 3)))
        grain = drawn.normal(0, 6, (h, w, 3))
        im = Image.fromarray(np.clip(np.asarray(noise.filter(ImageFilter.GaussianBlur(1))) + grain, 0, 255).astype(np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = dict(quality=95, exif=exif) if name.startswith("turned") else {}
        (im.transpose(Image.Transpose.ROTATE_90) if turned else im).save(folder / name, **turned)
        made.append(folder / name)
    return made


def found_in(answer, size):
    p, found = answer["predictions"], []
    p = p[0] if isinstance(p, list) else p
    for i, label in enumerate(p["detection_classes"]):
        t = Thing(int(label), p["detection_scores"][i])
        if p.get("detection_boxes"):
            top, left, bottom, right = p["detection_boxes"][i]
            t.box = (left, top, right, bottom)
        if p.get("detection_masks"):
            ring = np.array([q[:2] for q in p["detection_masks"][i]], float)
            t.outline, t.points = raster(ring, size), ring
        if p.get("keypoints"):
            t.points = np.array([q[:2] for q in p["keypoints"][i]], float)
        found.append(t)
    return found


def clipped(things, size):
    """As answers are: on the picture, and not without area."""
    w, h = size
    for t in things:
        if t.box is not None:
            t.box = (max(t.box[0], 0), max(t.box[1], 0), min(t.box[2], w), min(t.box[3], h))
    return [t for t in things if t.box is None or (t.box[2] > t.box[0] and t.box[3] > t.box[1])]


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def apart(a, b):
    """Of points in order; of a ring wherever it begins and whichever way it goes."""
    if len(a) != len(b):
        return 1e9
    ways = [np.roll(b[::way], k, 0) for way in (1, -1) for k in range(len(b))] if len(b) == 4 else [b]
    return float(min(np.abs(a - w).max() for w in ways))


def distance(a, b):
    far = [abs(a.score - b.score) * 1000]
    if a.box is not None and b.box is not None:
        far.append(max(max(abs(x - y) - WHOLE, 0) for x, y in zip(a.box, b.box)))
    elif a.points is not None and b.points is not None:
        far.append(apart(a.points, b.points))
    elif a.outline is not None and b.outline is not None:
        far.append(10 * (1 - iou(a.outline, b.outline)))
    return max(far)


def differences(ours, theirs):
    """The pairs' greatest differences, and what has no partner; what stands at the threshold may be missing."""
    worst, alone, left = {}, [], list(ours)
    for t in theirs:
        same = [o for o in left if o.label == t.label]
        best = min(same, key=lambda o: distance(o, t), default=None)
        if best is None or distance(best, t) > 20:
            alone += [("theirs", t)] if t.score > THRESHOLD + 0.002 else []
            continue
        left.remove(best)
        each = dict(score=abs(best.score - t.score))
        if t.box is not None and best.box is not None:
            each["box"] = max(max(abs(x - y) - WHOLE, 0) for x, y in zip(best.box, t.box))
        if t.points is not None and best.points is not None:
            each["points"] = apart(best.points, t.points)
        elif t.outline is not None and best.outline is not None:
            each["outline"] = 1 - iou(best.outline, t.outline)
        for k, v in each.items():
            worst[k] = max(worst.get(k, 0), v)
    alone += [("ours", o) for o in left if o.score > THRESHOLD + 0.002]
    return worst, alone


def deploy(client, form, file):
    from picsellia.types.enums import Framework, InferenceType
    told = {"base_parameters": {"onnx": form.told}} if form.told else {}
    version = client.create_model(name=f"{form.name} {time.time()}").create_version(labels={str(k): v for k, v in form.labels.items()}, type=InferenceType[form.kind],
                                                                                framework=Framework.ONNX, **told)
    version.store("model-latest", str(file))
    return version.deploy(name=f"{form.name} {time.time()}", min_threshold=THRESHOLD)


def tried(client, form, folder, images):
    """A line of the table, and whether it holds."""
    file, peer = form.export(folder, images)
    with contextlib.redirect_stdout(io.StringIO()):
        deployment = deploy(client, form, file)
    worst, alone, n = {}, [], 0
    for image in images:
        size = ImageOps.exif_transpose(Image.open(image)).size
        theirs = clipped(peer(image), size)
        more, without = differences(found_in(deployment.predict(str(image)), size), theirs)
        n += len(theirs)
        alone += [(image.name, *a) for a in without]
        worst = {k: max(worst.get(k, 0), more.get(k, 0)) for k in {*worst, *more}}
    good = not alone and n and all(worst.get(k, 0) <= v for k, v in MOST.items()) and worst.get("outline", 0) <= 1 - IOU
    said = ", ".join(f"{k} {v:.3g}" for k, v in sorted(worst.items()))
    return good, f"{n} found, {said}; told: {', '.join(form.told) if form.told else 'nothing'}" + "".join(
        f"\n      {name}, only {who}: {t.label} {t.score:.4f} {t.box and [round(float(x), 1) for x in t.box]}" for name, who, t in alone[:4]) + (
        f"\n      {len(alone)} without a partner" if alone else "")


def main():
    args = lib.arguments(__doc__, only=("", ""), keep=("", ""), quick=(False, ""))
    from picsellia import Client
    folder = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="bench_"))
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    os.chdir(folder)  # where some packages leave what they make
    images, server, right = pictures(folder), lib.Saccade(), 0
    logging.disable(logging.CRITICAL)  # a line a form
    client = Client(api_token=server.token, organization_name="default", host=server.host)
    forms = [f for package in (exporters_ultralytics, exporters_torchvision, exporters_transformers) for f in (package.FORMS[:1] if args.quick else package.FORMS)]
    forms = [f for f in forms if not args.only or f.name.startswith(tuple(args.only.split(",")))]
    for form in forms:
        (folder / form.name).mkdir(exist_ok=True)
        try:
            good, said = tried(client, form, folder / form.name, images)
        except Exception as e:
            good, said = False, f"{type(e).__name__}: {e}"
            if args.keep:
                traceback.print_exc()
        right += good
        print(f"{'same' if good else 'OTHER':6} {form.name:26} {said}", flush=True)
    print(f"{right} of {len(forms)} forms answer as their packages do")
    server.stop()
    if not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if right == len(forms) else 1


if __name__ == "__main__":
    sys.exit(main())
