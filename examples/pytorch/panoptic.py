"""A small Panoptic-DeepLab: COCO panoptic data, a network, its losses, and how its outputs become segments."""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn


class PanopticImages(torch.utils.data.Dataset):
    """One split of a COCO panoptic directory, every image resized to `size` x `size`."""

    def __init__(self, root, split, size):
        found = sorted(Path(root).glob(f"**/panoptic_{split}*.json"))
        if not found:
            raise FileNotFoundError(f"{root}: no panoptic_{split}*.json")
        panoptic = json.loads(found[0].read_text())
        self.pngs = found[0].with_suffix("")
        name = self.pngs.name.removeprefix("panoptic_")
        self.photos = next(d for d in (Path(root) / "images" / name, Path(root) / name) if d.is_dir())
        self.size = size
        self.categories = sorted(panoptic["categories"], key=lambda category: category["id"])
        self.class_of = {category["id"]: index for index, category in enumerate(self.categories)}
        self.things = torch.tensor([bool(category["isthing"]) for category in self.categories])
        labels = {annotation["image_id"]: annotation for annotation in panoptic["annotations"]}
        self.scenes = [(image, labels[image["id"]]) for image in panoptic["images"]]

    def __len__(self):
        return len(self.scenes)

    def __getitem__(self, index):
        image, labels = self.scenes[index]
        side = (self.size, self.size)
        photo = Image.open(self.photos / image["file_name"]).convert("RGB").resize(side, Image.BILINEAR)
        png = Image.open(self.pngs / labels["file_name"]).convert("RGB").resize(side, Image.NEAREST)
        pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1) / 127.5 - 1
        ids = torch.from_numpy(np.array(png)).long() @ torch.tensor([1, 256, 256**2])
        return {"pixels": pixels, "index": index, **self.targets(ids, labels["segments_info"])}

    def targets(self, ids, segments):
        """What the heads are to say: a class a pixel (-1 is void), the heat of centers, and offsets to them in pixels."""
        height, width = ids.shape
        semantic = torch.full((height, width), -1)
        center, offset = torch.zeros(1, height, width), torch.zeros(2, height, width)
        mask = torch.zeros(1, height, width)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        sigma = max(1.0, self.size / 32)
        for segment in segments:
            inside = ids == segment["id"]
            if not inside.any():
                continue  # lost when the image was made smaller
            index = self.class_of[segment["category_id"]]
            semantic[inside] = index
            if not self.things[index] or segment["iscrowd"]:
                continue
            cy, cx = y[inside].float().mean(), x[inside].float().mean()
            heat = torch.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
            center[0] = torch.maximum(center[0], heat)
            offset[:, inside] = torch.stack([cy - y[inside], cx - x[inside]])
            mask[0, inside] = 1
        return {"semantic": semantic, "center": center, "offset": offset, "mask": mask}


def block(inputs, outputs, stride=1, dilation=1):
    conv = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Network(nn.Module):
    """A strided encoder, one skip connection, and three heads at a quarter of the image's size."""

    def __init__(self, classes, width=32):
        super().__init__()
        self.quarter = nn.Sequential(block(3, width, 2), block(width, 2 * width, 2), block(2 * width, 2 * width))
        self.eighth = nn.Sequential(
            block(2 * width, 3 * width, 2), block(3 * width, 3 * width, dilation=2), block(3 * width, 3 * width, dilation=4)
        )
        self.fuse = block(5 * width, 2 * width)
        self.heads = nn.ModuleDict(
            {name: nn.Sequential(block(2 * width, width), nn.Conv2d(width, channels, 1))
             for name, channels in {"semantic": classes, "center": 1, "offset": 2}.items()}
        )

    def forward(self, pixels):
        fine = self.quarter(pixels)
        coarse = F.interpolate(self.eighth(fine), fine.shape[-2:], mode="bilinear", align_corners=False)
        features = self.fuse(torch.cat([fine, coarse], 1))
        return {
            name: F.interpolate(head(features), pixels.shape[-2:], mode="bilinear", align_corners=False)
            for name, head in self.heads.items()
        }


def loss_of(outputs, batch, weights):
    """The weighted sum of the three losses of Panoptic-DeepLab (Cheng et al. 2020)."""
    mask = batch["mask"]
    distance = (outputs["offset"] - batch["offset"]).abs() * mask
    return (
        weights["semantic"] * F.cross_entropy(outputs["semantic"], batch["semantic"], ignore_index=-1)
        + weights["center"] * F.mse_loss(outputs["center"], batch["center"])
        + weights["offset"] * distance.sum() / mask.sum().clamp(min=1)
    )


def segments_of(outputs, things, threshold=0.1, kernel=7, most=100):
    """Segments of one image: ids (height x width, 0 is void) and the class index of each id."""
    semantic = outputs["semantic"].argmax(0)
    heat = outputs["center"]
    peaks = (heat == F.max_pool2d(heat[None], kernel, 1, kernel // 2)[0]) & (heat > threshold)
    centers = peaks[0].nonzero()
    centers = centers[heat[0][peaks[0]].argsort(descending=True)[:most]]
    ids, classes = torch.zeros_like(semantic), {}
    for index in semantic.unique().tolist():
        if not things[index]:
            ids[semantic == index] = index + 1
            classes[index + 1] = index
    is_thing = things[semantic]
    if len(centers) == 0 or not is_thing.any():
        return ids, classes
    y, x = is_thing.nonzero(as_tuple=True)
    ends = torch.stack([y, x], 1) + outputs["offset"][:, y, x].T
    nearest = torch.cdist(ends, centers.float()).argmin(1)
    for instance in nearest.unique().tolist():
        mine = nearest == instance
        new = len(things) + 1 + instance
        ids[y[mine], x[mine]] = new
        classes[new] = semantic[y[mine], x[mine]].mode().values.item()
    return ids, classes
