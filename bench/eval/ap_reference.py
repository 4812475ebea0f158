"""COCOeval beside ours: for each line 'segm' or 'bbox' on stdin, reads, evaluates and accumulates once, and prints the
process CPU time in ms and the 12 numbers.   ap_reference.py GT.json DT.json"""
import contextlib
import io
import json
import sys
import time
import types

import numpy as np

# cocoapi is older than numpy 1.24, and draws with matplotlib, which scoring does not need.
if not hasattr(np, 'float'):
    np.float = float
try:
    import matplotlib.pyplot  # noqa: F401
except ImportError:
    for name in ('matplotlib', 'matplotlib.pyplot', 'matplotlib.collections', 'matplotlib.patches'):
        sys.modules[name] = types.ModuleType(name)
    sys.modules['matplotlib'].pyplot = sys.modules['matplotlib.pyplot']
    sys.modules['matplotlib.collections'].PatchCollection = sys.modules['matplotlib.patches'].Polygon = None

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

gt_file, dt_file = sys.argv[1:]
print('ready', flush=True)
for line in sys.stdin:
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(gt_file)
        evaluation = COCOeval(gt, gt.loadRes(dt_file), line.strip())
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ms = 1000 * (time.process_time() - before)
    print(json.dumps({'ms': ms, 'stats': list(evaluation.stats)}), flush=True)
