"""The other side of train.ts: the same network and step in PyTorch.

Reads what train.ts wrote to a directory, answers with the losses at the given weights (and writes the gradient there),
then for each number of steps on stdin with the CPU milliseconds of one. One thread.
"""

import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
directory = sys.argv[1]
with open(f"{directory}/bench.json") as file:
    bench = json.load(file)
N, SIDE, STRIDE, LOSS_STRIDE = (bench[key] for key in ("batchSize", "side", "stride", "lossStride"))
CELLS = SIDE // LOSS_STRIDE


def load(name, *shape, dtype=np.float32):
    return torch.from_numpy(np.fromfile(f"{directory}/{name}.bin", dtype=dtype).reshape(shape))


images = load("images", N, 3, SIDE, SIDE)
labels = load("semantic", N, CELLS, CELLS, dtype=np.int32).long()
label_weights = load("semanticWeights", N, CELLS, CELLS)
centers = load("center", N, 1, CELLS, CELLS)
center_weights = load("centerWeights", N, 1, CELLS, CELLS)
offsets = load("offset", N, 2, CELLS, CELLS)
offset_weights = load("offsetWeights", N, 1, CELLS, CELLS)

parameters = {}
flat = load("weights", -1)
for parameter in bench["parameters"]:
    size = math.prod(parameter["shape"])
    parameters[parameter["name"]] = flat[:size].reshape(parameter["shape"]).clone().requires_grad_()
    flat = flat[size:]


def conv_norm(name, x, stride=1):
    weight = parameters[f"{name}.weight"]
    y = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
    return F.group_norm(y, 8, parameters[f"{name}.scale"], parameters[f"{name}.shift"])


def head(name, x):
    hidden = F.relu(conv_norm(f"{name}.hidden", x))
    y = F.conv2d(hidden, parameters[f"{name}.predictor.weight"], parameters[f"{name}.predictor.bias"])
    factor = STRIDE // LOSS_STRIDE
    return y if factor == 1 else F.interpolate(y, scale_factor=factor, mode="bilinear", align_corners=False)


def forward():
    features, x = [], images
    while f"backbone.stage{len(features) + 1}.weight" in parameters:
        x = F.relu(conv_norm(f"backbone.stage{len(features) + 1}", x, stride=2))
        features.append(x)
    laterals = [conv_norm(f"decoder.lateral{i + 1}", feature) for i, feature in enumerate(features[1:])]
    x = laterals.pop()
    while laterals:
        x = F.interpolate(x, scale_factor=2, mode="nearest") + laterals.pop()
    x = F.relu(conv_norm("decoder.output", x))
    return head("semantic", x), head("center", x), head("offset", x) * STRIDE


def losses():
    """As detectron2 has them: DeepLabCE, and the two of its PanopticDeepLabInsEmbedHead."""
    semantic, center, offset = forward()
    pixels = (F.cross_entropy(semantic, labels, ignore_index=-1, reduction="none") * label_weights).view(-1)
    hard = bench["hardPixels"]
    if hard < 1:
        pixels, _ = torch.topk(pixels, int(hard * pixels.numel()))
    center = (F.mse_loss(center, centers, reduction="none") * center_weights).sum() / center_weights.sum()
    offset = (F.l1_loss(offset, offsets, reduction="none") * offset_weights).sum() / offset_weights.sum()
    return pixels.mean(), center, offset


hyper = bench["hyper"]
decaying = [p for p in parameters.values() if p.dim() > 1]
others = [p for p in parameters.values() if p.dim() == 1]
groups = [{"params": decaying, "weight_decay": hyper["weightDecay"]}, {"params": others, "weight_decay": 0}]
optimizer = torch.optim.AdamW(groups, lr=hyper["lr"])


def backward():
    optimizer.zero_grad(set_to_none=True)
    terms = losses()
    sum(term * hyper["weights"][name] for term, name in zip(terms, ("semantic", "center", "offset"))).backward()
    return terms


def step():
    terms = backward()
    torch.nn.utils.clip_grad_norm_(parameters.values(), hyper["clip"])
    optimizer.step()
    return [term.item() for term in terms]


first = [term.item() for term in backward()]
torch.cat([p.grad.reshape(-1) for p in parameters.values()]).numpy().tofile(f"{directory}/gradient.bin")
print(json.dumps({"losses": first}), flush=True)
for line in sys.stdin:
    start = time.process_time()
    for _ in range(int(line)):
        step()
    print(json.dumps({"cpuMs": (time.process_time() - start) * 1000 / int(line)}), flush=True)
