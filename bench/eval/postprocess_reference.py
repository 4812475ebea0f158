"""Detectron2's Panoptic-DeepLab post-processing on the CPU. Usage: postprocess_reference.py post_processing.py

One JSON line in: {"dir", "height", "width", "things", "options", "rounds"}; one out: {"ms"}, process CPU time of each round.
The maps lie in dir as semantic.i32, center.f32, offset.f32 and, if there is a mask, foreground.u8; the ids, -1 for void,
are written to ids.i32.
"""

import importlib.util
import json
import os
import sys
import time

import numpy as np
import torch

spec = importlib.util.spec_from_file_location("post_processing", sys.argv[1])
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)
torch.set_num_threads(1)

for text in sys.stdin:
    job = json.loads(text)
    shape = job["height"], job["width"]

    def load(name, dtype, planes=1):
        return torch.from_numpy(np.fromfile(os.path.join(job["dir"], name), dtype).reshape(planes, *shape))

    semantic = load("semantic.i32", np.int32).long()
    center, offset = load("center.f32", np.float32), load("offset.f32", np.float32, 2)
    mask = os.path.join(job["dir"], "foreground.u8")
    foreground = load("foreground.u8", np.uint8).long() if os.path.exists(mask) else None
    times = []
    for _ in range(job["rounds"]):
        start = time.process_time()
        ids, _ = reference.get_panoptic_segmentation(
            semantic, center, offset, set(job["things"]), 1000, job["options"]["stuffArea"], -1,
            job["options"]["threshold"], job["options"]["nmsKernel"], job["options"]["topK"], foreground,
        )
        times.append(1000 * (time.process_time() - start))
    ids.numpy().astype(np.int32).tofile(os.path.join(job["dir"], "ids.i32"))
    print(json.dumps({"ms": times}), flush=True)
