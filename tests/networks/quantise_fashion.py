#!/usr/bin/python3
"""Quantises the Fashion-MNIST classifier (train_fashion.py) to i8, with NumPy only.

    tests/networks/quantise_fashion.py [--data DIR] [--images N] [--weights fashion.npz] [--out fashion_i8.npz]

Weights are symmetric with one scale per output channel: the largest of a channel becomes 127. Values between layers are
symmetric with one scale, set so that the 99.99th percentile over the first N training images becomes 127. Biases are
i32 in units of what the products sum to. For each layer the graph wants w (i8), b (i32) and s (f32), by which the sums
are multiplied: to integers of the next layer, in the last layer to the network's answers.

The last line is the share of right answers over the 10,000 test images, in the chip's arithmetic.
"""
import argparse
import pathlib

import numpy as np

from train_fashion import DATA, forward, load, windows

LAYERS = ["conv1", "conv2", "fc1", "fc2"]
PIXEL = np.float32(1 / 127)  # what 1 stands for in an image whose largest is 127


def integers(images):
    """Images in [0, 1] as the chip gets them."""
    return np.rint(images * np.float32(127)).astype(np.int8)


def matrices(weights):
    """As train_fashion.py computes with them: [in, out]."""
    return {k: v.reshape(len(v), -1).T if k.endswith(".w") else v for k, v in weights.items()}


def calibrated(p, images):
    """What 1 stands for in front of each layer."""
    _, h1, _, h2, h3, _ = forward(p, images)
    return [PIXEL] + [np.float32(np.percentile(h, 99.99) / 127) for h in (h1, h2, h3)]


def quantised(weights, units):
    out = {}
    for i, layer in enumerate(LAYERS):
        w, b = weights[layer + ".w"], weights[layer + ".b"]
        channel = np.abs(w.reshape(len(w), -1)).max(1) / np.float32(127)
        unit = units[i] * channel  # of the sums
        out[layer + ".w"] = np.rint(w / channel.reshape(-1, *[1] * (w.ndim - 1))).astype(np.int8)
        out[layer + ".b"] = np.rint(b / unit).astype(np.int32)
        scale = unit / units[i + 1] if i + 1 < len(LAYERS) else unit
        out[layer + ".s"] = scale.astype(np.float32).reshape(*[1] * (w.ndim - 1), -1)
    return out


def answers(q, x):
    """The integer network as the chip computes it: sums in i32, one product in f32, rounded to even and saturated."""
    p = matrices(q)
    n = len(x)
    for i, layer in enumerate(LAYERS):
        rows = windows(x) if layer.startswith("conv") else x.reshape(n, -1)
        sums = rows.astype(np.int32) @ p[layer + ".w"].astype(np.int32) + p[layer + ".b"]
        value = sums.astype(np.float32) * q[layer + ".s"].reshape(-1)
        if i + 1 == len(LAYERS):
            return value
        x = np.clip(np.rint(np.maximum(value, 0)), -128, 127).astype(np.int8)
        if layer.startswith("conv"):
            side = int((len(x) // n) ** 0.5)
            x = x.reshape(n, side, side, -1)


def share(found, labels):
    return float((found.argmax(1) == labels).mean())


def main():
    here = pathlib.Path(__file__)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    parser.add_argument("--images", type=int, default=2000, help="for calibration")
    parser.add_argument("--weights", default=str(here.with_name("fashion.npz")))
    parser.add_argument("--out", default=str(here.with_name("fashion_i8.npz")))
    o = parser.parse_args()
    weights = dict(np.load(o.weights))
    images, _ = load(o.data, "train")
    q = quantised(weights, calibrated(matrices(weights), images[: o.images]))
    np.savez_compressed(o.out, **q)
    test_images, test_labels = load(o.data, "t10k")
    print(f"f32: {share(forward(matrices(weights), test_images)[-1], test_labels):.4f}")
    print(f"i8: {share(answers(q, integers(test_images)), test_labels):.4f}")


if __name__ == "__main__":
    main()
