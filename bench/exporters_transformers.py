"""Forms of bench/exporters: transformers, the file between the package's own preparation and its own last step."""
import types

import torch
from exporters_form import THRESHOLD, Form, Thing, draw, settle_layers, spread
from exporters_torchvision import answers, export, picture

SIZE = 320
LABELS = {0: "red", 1: "green", 2: "blue"}


class Plain(torch.nn.Module):
    """Only what is exported: logits and boxes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixel_values):
        out = self.network(pixel_values=pixel_values)
        return out.logits, out.pred_boxes


def labels():
    return dict(id2label=LABELS, label2id={v: k for k, v in LABELS.items()})


def backbone():
    from transformers import ResNetConfig
    return ResNetConfig(embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"])


def detr():
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessor, ResNetConfig
    inner = ResNetConfig(embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"])
    config = DetrConfig(backbone_config=inner, use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, d_model=64, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=128,
                        decoder_ffn_dim=128, encoder_attention_heads=4, decoder_attention_heads=4, num_queries=60, **labels())
    network = DetrForObjectDetection(config)
    network.model.query_position_embeddings.weight.normal_(0, 3)  # else all queries say nearly the same
    return network, DetrImageProcessor(size={"height": SIZE, "width": SIZE}, do_pad=False), [[network.class_labels_classifier]], 0.2


def rtdetr():
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor, RTDetrResNetConfig
    inner = RTDetrResNetConfig(embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage2", "stage3", "stage4"])
    config = RTDetrConfig(backbone_config=inner, encoder_in_channels=[24, 32, 48], encoder_hidden_dim=64, encoder_ffn_dim=128, d_model=64, decoder_in_channels=[64, 64, 64], decoder_ffn_dim=128,
                          decoder_layers=2, num_queries=100, encoder_attention_heads=4, decoder_attention_heads=4, **labels())
    network = RTDetrForObjectDetection(config)
    return network, RTDetrImageProcessor(size={"height": SIZE, "width": SIZE}), [[network.model.enc_score_head], [network.model.decoder.class_embed[config.decoder_layers - 1]]], 0.05


def dfine():
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config, RTDetrImageProcessor
    inner = HGNetV2Config(stem_channels=[3, 8, 8], stage_in_channels=[8, 32, 48, 64], stage_mid_channels=[8, 16, 16, 24], stage_out_channels=[32, 48, 64, 96],
                          stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[2, 2, 2, 2], out_features=["stage2", "stage3", "stage4"], hidden_sizes=[32, 48, 64, 96], embedding_size=8)
    config = DFineConfig(backbone_config=inner, encoder_in_channels=[48, 64, 96], encoder_hidden_dim=64, encoder_ffn_dim=128, d_model=64, decoder_in_channels=[64, 64, 64], decoder_ffn_dim=128,
                         decoder_layers=2, num_queries=100, encoder_attention_heads=4, decoder_attention_heads=4, hidden_expansion=1.0, **labels())
    network = DFineForObjectDetection(config)
    return network, RTDetrImageProcessor(size={"height": SIZE, "width": SIZE}), [[network.model.enc_score_head], [network.model.decoder.class_embed[config.decoder_layers - 1]]], 0.05


def form(name, make, told=None):
    def exported(folder, images):
        draw()
        network, processor, heads, above = make()

        def given(path):
            return processor(images=picture(path), return_tensors="pt")["pixel_values"]
        batch = torch.cat([given(p) for p in images])
        network.eval()
        norms = [m for m in network.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
        for m in norms:
            m.reset_running_stats()
            m.momentum = None
            m.train()
        for _ in range(2):
            network(batch)
        network.eval()
        for layers in heads:
            spread(layers, lambda: network(batch), above=above)
        export(Plain(network), (batch[:1],), folder / "model.onnx", ["pixel_values"], ["logits", "pred_boxes"])

        run_file = answers(folder / "model.onnx", ["logits", "pred_boxes"])

        def ask(path):
            w, h = picture(path).size
            out = processor.post_process_object_detection(types.SimpleNamespace(**run_file(given(path))), threshold=THRESHOLD, target_sizes=[(h, w)])[0]
            return [Thing(int(l), float(s), tuple(map(float, b))) for l, s, b in zip(out["labels"], out["scores"], out["boxes"])]
        return folder / "model.onnx", torch.no_grad()(ask)
    return Form(name, "OBJECT_DETECTION", LABELS, torch.no_grad()(exported), told)


NO_MEAN = dict(mean=[0, 0, 0], std=[1, 1, 1])
FORMS = [form("transformers-detr", detr), form("transformers-rtdetr", rtdetr, NO_MEAN), form("transformers-dfine", dfine, NO_MEAN)]
