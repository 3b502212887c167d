"""Times facenet-pytorch's MTCNN on photos: python detector_peer.py THREADS PASSES PHOTO...

Prints JSON: for each photo a list with wall and processor time in milliseconds of every pass.
"""
import json
import resource
import sys
import time

import torch
from facenet_pytorch import MTCNN
from PIL import Image

threads, passes, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
torch.set_num_threads(threads)
detector = MTCNN(
    min_face_size=20, thresholds=[0.6, 0.7, 0.7], factor=0.709, keep_all=True, post_process=False, device="cpu"
)
photos = [Image.open(file).convert("RGB") for file in files]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def detect(photo):
    # A photo smaller than the smallest face has no pyramid level, which this implementation answers by an error.
    try:
        detector.detect(photo, landmarks=True)
    except (RuntimeError, NotImplementedError, ValueError):
        pass


times = [[] for _ in photos]
with torch.no_grad():
    for photo in photos[:3]:
        detect(photo)
    for _ in range(passes):
        for i, photo in enumerate(photos):
            c, t = cpu(), time.perf_counter()
            detect(photo)
            times[i].append({"wall": (time.perf_counter() - t) * 1000, "cpu": (cpu() - c) * 1000})
json.dump(times, sys.stdout)
