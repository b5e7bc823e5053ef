"""bench/outlier: AUROC of the outlier score, and of distances of what the network saw, on shifted copies of images."""
import json, pathlib, subprocess, sys, tempfile
from lib import BINARY, ROOT, arguments

PROGRAM = ROOT / "build/release/bench/outlier"
METHODS = ("autoencoder", "mahalanobis", "knn")


def trained(images, annotations, steps, folder):
    """A detector that was trained on the images, as the deployment's champion is."""
    out = pathlib.Path(folder) / "trained"
    subprocess.run([BINARY, "train", "--images", images, "--annotations", annotations, "--out", out, "--model", "yolox-nano", "--set", f"steps={steps},image_size=320,batch_size=8"],
                   check=True, stdout=subprocess.DEVNULL)
    return next(out.rglob("*.onnx"))


def checked(rows):
    """The figures' own: a copy cannot be told from itself, and a score by chance tells nothing."""
    for r in rows:
        if r["shift"] == "same" and abs(r["auroc"] - 0.5) > (1e-9 if r["method"] != "chance" else 0.15):
            sys.exit(f"{r['method']} tells copies from themselves: {r['auroc']}")
        if r["method"] == "chance" and abs(r["auroc"] - 0.5) > 0.15:
            sys.exit(f"chance tells {r['shift']}: {r['auroc']}")
    return rows


def main():
    a = arguments(__doc__, images=("", "a folder of images; drawn ones where none is named"), annotations=("", "theirs"), other=("", "a folder of other images; drawn ones in other colours"),
                  n=(400, "images"), steps=(300, "of the detector's training"), seed=(1, "of the split"), quick=(False, "few images, a short training"))
    n, steps = (100, 40) if a.quick else (a.n, a.steps)
    subprocess.run(["make", "-s", PROGRAM.relative_to(ROOT)], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        images, annotations = a.images, a.annotations
        if not images:
            subprocess.run([BINARY, "generate", "--out", folder, "--count", str(n), "--seed", "5"], check=True, stdout=subprocess.DEVNULL)
            images, annotations = f"{folder}/JPEGImages", f"{folder}/Annotations"
        model = trained(images, annotations, steps, folder)
        out = subprocess.run([PROGRAM, BINARY, model, images, a.other or "-", str(n), str(a.seed)], check=True, capture_output=True, text=True).stdout
    fit, *rows = [json.loads(line) for line in out.splitlines()]
    checked(rows)
    print(f"outlier fit: {fit['images']} images ({fit['held_out']} held out) in {fit['fit_seconds']} s; {fit['features']} features, shrinkage {fit['shrinkage']}")
    of = {(r["shift"], r["method"]): r for r in rows}
    for shift in dict.fromkeys(r["shift"] for r in rows):
        ours = of[shift, "autoencoder"]
        print(f"outlier {shift}: AUROC " + ", ".join(f"{m} {of[shift, m]['auroc']:.3f}" for m in METHODS) + f"; over the threshold {100 * ours['over']:.0f} % ({ours['ms']} ms each)")
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps({"fit": fit, "rows": rows}))


main()
