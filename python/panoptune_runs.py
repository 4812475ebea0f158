"""Panoptic predictions as runs in one file, for `tune eval panoptic --pred predictions.runs`: no PNGs.

Copy this file into your trainer; it needs numpy only.

    with RunWriter('predictions.runs') as out:
        for image_id, ids, segments_info in predictions:  # ids: height x width, 0 is void
            out.add(image_id, ids, segments_info)         # [{'id': 7, 'category_id': 1}, ...] as in COCO's JSON
"""
import json
import os
import struct
import zlib

import numpy as np


class RunWriter:
    def __init__(self, path):
        self.path, self.images, self.words, self.crc = path, [], 0, 0
        self.file = open(f'{path}.part', 'wb')
        self.file.write(bytes(64))

    def add(self, image_id, ids, segments_info):
        ids = np.asarray(ids)
        height, width = ids.shape
        segments = [{'id': int(s['id']), 'category_id': int(s['category_id'])} for s in segments_info]
        segments.sort(key=lambda segment: segment['id'])
        listed = np.array([0] + [segment['id'] for segment in segments], np.int64)
        if (np.diff(listed) <= 0).any():
            raise ValueError(f'image {image_id}: segment ids are distinct whole numbers from 1, not {listed[1:]}')
        pixels = ids.reshape(-1).astype(np.int64)
        ends = np.append(np.flatnonzero(pixels[1:] != pixels[:-1]) + 1, pixels.size)
        labels = np.searchsorted(listed, pixels[ends - 1]).clip(max=len(segments))
        stray = pixels[ends - 1][listed[labels] != pixels[ends - 1]]
        if stray.size > 0:
            raise ValueError(f'image {image_id}: segment {stray[0]} has pixels but is not listed in segments_info')
        wide = pixels.size >= 2**24 or len(segments) > 254
        runs = ends.astype('<u4').tobytes() if wide else (ends << 8 | labels).astype('<u4').tobytes()
        if wide:
            runs += labels.astype('<u2').tobytes() + bytes(2 * (len(ends) % 2))
        image_id = image_id if isinstance(image_id, str) else int(image_id)
        self.images.append({'image_id': image_id, 'width': width, 'height': height, 'first': self.words,
                            'runs': len(ends), 'wide': wide, 'segments_info': segments})
        self.file.write(runs)
        self.words += len(runs) // 4
        self.crc = zlib.crc32(runs, self.crc)

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        meta = json.dumps({'images': self.images}).encode()
        at = 64 + 4 * self.words
        self.file.write(meta)
        self.file.seek(0)
        self.file.write(struct.pack('<4sIQQQII', b'PQR1', 1, at + len(meta), at, len(meta), zlib.crc32(meta), self.crc))
        self.file.close()
        if error is None:  # readers see a whole file or none
            os.replace(f'{self.path}.part', self.path)
        else:
            os.remove(f'{self.path}.part')
