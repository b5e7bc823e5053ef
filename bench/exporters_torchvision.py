"""Forms of bench/exporters: torchvision, whose answers are whole in the file; classifiers between its preset and its softmax."""
import numpy as np
import torch
from exporters_form import THRESHOLD, Form, Thing, batch_of, draw, settle_layers, spread

LABELS = {1: "red", 2: "green", 3: "blue"}
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def picture(path):
    from PIL import Image, ImageOps
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def tensor(path):
    from torchvision.transforms.functional import to_tensor
    return to_tensor(picture(path))


def export(network, given, file, inputs, outputs, axes=None):
    torch.onnx.export(network, given, str(file), input_names=inputs, output_names=outputs, dynamic_axes=axes, opset_version=17, dynamo=False)


def answers(file, outputs):
    """The file as ONNX Runtime runs it: what torch makes of the same weights differs by itself (which queries of two equal ones come first, sizes
    that were written down for another picture's turn)."""
    import onnxruntime
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda given: dict(zip(outputs, map(torch.from_numpy, session.run(None, {name: given.numpy()}))))


def things(out):
    found = [Thing(int(l), float(s), tuple(map(float, b))) for l, s, b in zip(out["labels"], out["scores"], out["boxes"]) if s >= THRESHOLD]
    for i, t in enumerate(found):
        if "masks" in out:
            t.outline, t.box = out["masks"][i, 0].numpy() > 0.5, None
    return found


def run(network, images):
    return lambda: network([tensor(p) for p in images])


def settle(network, images):
    """In evaluation but for its norms, since a detector that trains wants answers."""
    with torch.no_grad():
        norms = [m for m in network.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
        network.eval()
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
            m.train()
        for _ in range(2):
            run(network, images)()
        network.eval()


def detector(name, make, kind, heads, outputs):
    def exported(folder, images):
        draw()
        network = make()
        settle(network, images)
        for layers, above in heads(network):
            spread(layers, run(network, images), above=above, at=0.5)
        network.eval()
        export(network, ([tensor(images[0])],), folder / "model.onnx", ["input"], outputs,
               {"input": {1: "height", 2: "width"}, **{o: {0: "found"} for o in outputs}})
        run_file = answers(folder / "model.onnx", outputs)
        return folder / "model.onnx", lambda p: things(run_file(tensor(p)))
    return Form(name, kind, LABELS, torch.no_grad()(exported))


def two_stage(make):
    from torchvision.models import detection
    return lambda: getattr(detection, make)(weights=None, weights_backbone=None, num_classes=4, min_size=256, max_size=400)


def predictor(network):
    return [([network.rpn.head.cls_logits], 0.05), ([network.roi_heads.box_predictor.cls_score], 0.2)]


def masks(network):
    return predictor(network) + [([network.roi_heads.mask_predictor.mask_fcn_logits], 0.5)]


def ssdlite():
    from torchvision.models import detection
    return detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)


def ssd_heads(network):
    return [([m[-1] for m in network.head.classification_head.module_list], 0.05)]


def classifier(folder, images):
    from torchvision.models import mobilenet_v3_small
    from torchvision.transforms._presets import ImageClassification
    draw()
    network, prepare = mobilenet_v3_small(weights=None, num_classes=3), ImageClassification(crop_size=224)
    batch = torch.stack([prepare(picture(p)) for p in images])
    settle_layers(network, lambda: network(batch))
    spread([network.classifier[-1]], lambda: network(batch), above=0.3)
    export(network, (batch[:1],), folder / "model.onnx", ["input"], ["output"], {"input": {0: "batch"}})

    run_file = answers(folder / "model.onnx", ["output"])

    def ask(path):
        p = run_file(prepare(picture(path))[None])["output"].softmax(1)[0]
        return [Thing(int(p.argmax()), float(p.max()))]
    return folder / "model.onnx", torch.no_grad()(ask)


LISTS = ["boxes", "labels", "scores"]
FORMS = [
    detector("torchvision-fasterrcnn", two_stage("fasterrcnn_mobilenet_v3_large_320_fpn"), "OBJECT_DETECTION", predictor, LISTS),
    detector("torchvision-ssdlite", ssdlite, "OBJECT_DETECTION", ssd_heads, ["boxes", "scores", "labels"]),
    detector("torchvision-maskrcnn", two_stage("maskrcnn_resnet50_fpn"), "SEGMENTATION", masks, [*LISTS, "masks"]),
    Form("torchvision-classifier", "CLASSIFICATION", {0: "red", 1: "green", 2: "blue"}, torch.no_grad()(classifier),
         dict(range=[0, 1], **IMAGENET, resize="cover", crop=0.875)),
]
