"""Trains a small panoptic network with PyTorch, and reports to panoptune by printing a line of JSON an epoch.

    python3 train.py --data DIR --lr 1e-3 --center 200 --offset 0.01 --epochs 6

It runs by itself as well. Under panoptune (studies/pytorch_loss_weights.ts) the environment says where to write, how many
epochs are wanted, on which device, from which seed, and how many epochs were reported before an interruption.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from panoptic import Network, PanopticImages, loss_of, segments_of

sys.path.append(str(Path(__file__).resolve().parents[2] / "python"))
from panoptune_runs import RunWriter  # noqa: E402  one file, to be copied into your own project

DIR = Path(os.environ.get("PANOPTUNE_DIR", "."))
DEVICE = torch.device(os.environ.get("PANOPTUNE_DEVICE", "cuda" if torch.cuda.is_available() else "cpu"))
SEED = int(os.environ.get("PANOPTUNE_SEED", "0"))
REPORTED = int(os.environ.get("PANOPTUNE_REPORTED", "0"))
CHECKPOINT = DIR / "checkpoint" / "last.pt"


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a COCO panoptic directory with the splits train and val")
    parser.add_argument("--size", type=int, default=64, help="side that images are resized to")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--semantic", type=float, default=1, help="weight of the loss")
    parser.add_argument("--center", type=float, default=200, help="weight of the loss")
    parser.add_argument("--offset", type=float, default=0.01, help="weight of the loss")
    parser.add_argument("--epochs", type=int, default=int(os.environ.get("PANOPTUNE_STEPS", "6")))
    return parser.parse_args()


def main():
    chosen = options()
    torch.manual_seed(SEED % 2**63)
    train, val = (PanopticImages(chosen.data, split, chosen.size) for split in ("train", "val"))
    network = Network(len(train.categories)).to(DEVICE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=chosen.lr)
    reports = resume(network, optimizer)
    for report in reports[REPORTED:]:  # kept, but not told before the interruption
        say(report)
    for epoch in range(len(reports), chosen.epochs):
        for group in optimizer.param_groups:
            group["lr"] = chosen.lr * (1 - epoch / chosen.epochs) ** 0.9
        loss = train_epoch(network, optimizer, train, epoch, chosen)
        predictions = f"val_{epoch % 2}.runs"  # the one before may still be read
        predict(network, val, DIR / predictions)
        reports.append({"predictions": predictions, "loss": loss})
        keep(network, optimizer, reports)  # first the checkpoint, then the report: what was reported can go on
        say(reports[-1])


def train_epoch(network, optimizer, images, epoch, chosen):
    """The mean loss of an epoch. Its order follows from the seed and its number, so that it is the same after a pause."""
    order = torch.Generator().manual_seed((SEED + epoch) % 2**63)
    loader = DataLoader(images, chosen.batch, shuffle=True, drop_last=len(images) > chosen.batch, generator=order)
    weights = {"semantic": chosen.semantic, "center": chosen.center, "offset": chosen.offset}
    network.train()
    total = 0.0
    for batch in loader:
        batch = {name: values.to(DEVICE) for name, values in batch.items()}
        loss = loss_of(network(batch["pixels"]), batch, weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def predict(network, images, file):
    """Writes the segments of all images at their own sizes, for panoptune to score."""
    network.eval()
    with RunWriter(file) as out:
        for batch in DataLoader(images, 16):
            outputs = {name: values.float().cpu() for name, values in network(batch["pixels"].to(DEVICE)).items()}
            for place, index in enumerate(batch["index"].tolist()):
                ids, classes = segments_of({name: values[place] for name, values in outputs.items()}, images.things)
                image, _ = images.scenes[index]
                rows = torch.arange(image["height"]) * images.size // image["height"]
                columns = torch.arange(image["width"]) * images.size // image["width"]
                ids = ids[rows][:, columns]
                seen = ids.unique().tolist()
                segments = [{"id": id, "category_id": images.categories[index]["id"]}
                            for id, index in classes.items() if id in seen]
                out.add(image["id"], ids.numpy(), segments)


def say(report):
    """A line of JSON on stdout is a report; panoptune scores the predictions that it names."""
    print(json.dumps(report), flush=True)


def keep(network, optimizer, reports):
    """Keeps a checkpoint, by rename: an interruption leaves the old one or the new one."""
    CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
    draft = CHECKPOINT.with_suffix(".tmp")
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "reports": reports}
    torch.save(state, draft)
    os.replace(draft, CHECKPOINT)


def resume(network, optimizer):
    """Loads the checkpoint of an interrupted or paused run; the reports that it had made by then."""
    if REPORTED == 0 or not CHECKPOINT.exists():
        return []
    state = torch.load(CHECKPOINT, map_location=DEVICE)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return state["reports"]


if __name__ == "__main__":
    main()
