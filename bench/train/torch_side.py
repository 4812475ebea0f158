"""PyTorch's side of bench/train.ts: the same networks, losses, clipping and AdamW, by the names of our parameters.

Reads what torch.ts wrote to a directory and answers with the losses at the given weights (the gradient is written
there), then each line `step N` or `predict N` on stdin with the CPU milliseconds of one. One thread.
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
N, SIDE, STRIDE = (bench[key] for key in ("batchSize", "side", "stride"))
CELLS = SIDE // STRIDE


def load(name, *shape, dtype=np.float32):
    return torch.from_numpy(np.fromfile(f"{directory}/{name}.bin", dtype=dtype).reshape(shape))


images = load("images", N, 3, SIDE, SIDE)
labels = load("semantic", N, CELLS, CELLS, dtype=np.int32).long()
label_weights = load("semanticWeights", N, CELLS, CELLS)
centers = load("center", N, 1, CELLS, CELLS)
center_weights = load("centerWeights", N, 1, CELLS, CELLS)
offsets = load("offset", N, 2, CELLS, CELLS)
offset_weights = load("offsetWeights", N, 1, CELLS, CELLS)

parameters, running = {}, {}
flat = load("weights", -1)
for parameter in bench["parameters"]:
    size = math.prod(parameter["shape"])
    parameters[parameter["name"]] = flat[:size].reshape(parameter["shape"]).clone().requires_grad_()
    flat = flat[size:]


def conv(name, x, stride=1, dilation=1, groups=1, act=F.relu):
    """A convolution with whatever the network has after it: a bias, a normalisation, an activation."""
    weight, scale, shift = (parameters.get(f"{name}.{part}") for part in ("weight", "scale", "shift"))
    padding = dilation * (weight.shape[-1] // 2)
    y = F.conv2d(x, weight, parameters.get(f"{name}.bias"), stride, padding, dilation, groups)
    if scale is not None and bench["norm"] == "group":
        y = F.group_norm(y, 8, scale, shift)
    elif scale is not None:
        mean, variance = running.setdefault(name, (torch.zeros_like(scale), torch.ones_like(scale)))
        y = F.batch_norm(y, mean, variance, scale, shift, training=torch.is_grad_enabled())
    return act(y) if act else y


def block(name, x):
    """A convolution, or a depthwise and a pointwise one."""
    if f"{name}.weight" in parameters:
        return conv(name, x)
    return conv(f"{name}.pointwise", conv(f"{name}.depthwise", x, groups=x.shape[1]))


def count(prefix, suffix):
    found = 0
    while f"{prefix}{found + 1}{suffix}" in parameters:
        found += 1
    return found


def plain(x):
    features = []
    for i in range(count("backbone.stage", ".weight")):
        x = conv(f"backbone.stage{i + 1}", x, stride=2)
        features.append(x)
    return features[1:]


def mobilenet(x):
    steps = {2: 2, 3: 2, 4: 2, 6: 2}
    features = {}
    x = conv("backbone.stem", x, stride=2)
    for i in range(1, 8):
        for j in range(count(f"backbone.stage{i}.block", ".depthwise.weight")):
            name, stride = f"backbone.stage{i}.block{j + 1}", steps.get(i, 1) if j == 0 else 1
            expanded = conv(f"{name}.expand", x) if f"{name}.expand.weight" in parameters else x
            y = conv(f"{name}.depthwise", expanded, stride=stride, groups=expanded.shape[1])
            y = conv(f"{name}.project", y, act=None)
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
        features[x.shape[-1]] = x
    return [feature for size, feature in sorted(features.items(), reverse=True) if size <= CELLS]


def fpn(features):
    laterals = [conv(f"decoder.lateral{i + 1}", feature, act=None) for i, feature in enumerate(features)]
    x = laterals.pop()
    while laterals:
        x = F.interpolate(x, scale_factor=2, mode="nearest") + laterals.pop()
    return block("decoder.output", x)


def bilinear(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def aspp(branch, features):
    *finer, x = features
    name = f"{branch}.aspp"
    views = [conv(f"{name}.point", x)]
    views += [conv(f"{name}.atrous{i + 1}", x, dilation=rate) for i, rate in enumerate(bench["rates"])]
    views += [conv(f"{name}.pooled", x.mean((2, 3), keepdim=True)).expand_as(views[0])]
    x = conv(f"{name}.project", torch.cat(views, 1))
    for level in range(len(finer), 0, -1):
        fine = finer[level - 1]
        decoder = f"{branch}.decoder.level{level}"
        x = torch.cat([bilinear(x, fine.shape[2:]), conv(f"{decoder}.project", fine)], 1)
        x = block(f"{decoder}.fuse", x)
    return x


def head(name, x):
    return conv(f"{name}.predictor", block(f"{name}.hidden", x), act=None)


def forward():
    features = mobilenet(images) if "backbone.stem.weight" in parameters else plain(images)
    if "decoder.output.weight" in parameters:
        semantic = instance = fpn(features)
    else:
        semantic, instance = aspp("semantic", features), aspp("instance", features)
    return head("semantic", semantic), head("center", instance), head("offset", instance) * STRIDE


def losses():
    """As detectron2 has them: DeepLabCE, and the two of its PanopticDeepLabInsEmbedHead."""
    semantic, center, offset = forward()
    pixels = (F.cross_entropy(semantic, labels, ignore_index=-1, reduction="none") * label_weights).view(-1)
    pixels, _ = torch.topk(pixels, int(0.2 * pixels.numel()))
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


def predict():
    """What `HeadOutputs` holds, at the images' size."""
    with torch.no_grad():
        semantic, center, offset = (bilinear(y, (SIDE, SIDE)) for y in forward())
        return semantic.argmax(1).int(), center, offset


first = [term.item() for term in backward()]
torch.cat([p.grad.reshape(-1) for p in parameters.values()]).numpy().tofile(f"{directory}/gradient.bin")
print(json.dumps({"losses": first}), flush=True)
for line in sys.stdin:
    what, times = line.split()
    start = time.process_time()
    for _ in range(int(times)):
        {"step": step, "predict": predict}[what]()
    print(json.dumps({"cpuMs": (time.process_time() - start) * 1000 / int(times)}), flush=True)
