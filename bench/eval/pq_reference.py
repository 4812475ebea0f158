"""panopticapi in one process: for each line of stdin scores a folder's images; prints CPU ms per image and the PQ."""
import json
import sys
import time

sys.path.insert(0, sys.argv[1])
from panopticapi.evaluation import pq_compute_single_core  # noqa: E402

for folder in map(str.strip, sys.stdin):
    with open(f'{folder}/gt.json') as file:
        gt = json.load(file)
    with open(f'{folder}/pred.json') as file:
        pred = json.load(file)
    categories = {category['id']: category for category in gt['categories']}
    pairs = list(zip(gt['annotations'], pred['annotations']))
    before = time.process_time()
    stat = pq_compute_single_core(0, pairs, f'{folder}/gt', f'{folder}/pred', categories)
    ms = 1000 * (time.process_time() - before) / len(pairs)
    results, _ = stat.pq_average(categories, isthing=None)
    print('result', json.dumps({'ms': ms, 'pq': results['pq']}), flush=True)
