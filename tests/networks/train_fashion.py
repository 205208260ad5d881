#!/usr/bin/python3
"""Trains the Fashion-MNIST classifier whose weights lie beside this script, with NumPy only.

    tests/networks/train_fashion.py [--data DIR] [--epochs N] [--out fashion.npz]

Data: Debian's package dataset-fashion-mnist (/usr/share/datasets/fashion-mnist). The network, on NHWC images scaled to
[0, 1]:

    conv 3x3, stride 2, 1 -> 16, ReLU     28x28 -> 14x14   (one row and column of zeros below and to the right)
    conv 3x3, stride 2, 16 -> 32, ReLU    14x14 -> 7x7
    fully connected 1568 -> 24, ReLU
    fully connected 24 -> 10

Weights are stored as the graph wants them: convolutions [out, kh, kw, in], fully connected [out, in]. The first 200
test images go into fashion_images.npz beside them.
"""
import argparse
import gzip
import pathlib

import numpy as np

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")


def read_idx(path):
    with gzip.open(path, "rb") as f:
        raw = f.read()
    rank = raw[3]
    dims = [int.from_bytes(raw[4 + 4 * d : 8 + 4 * d], "big") for d in range(rank)]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(dims)


def load(data, part):
    images = read_idx(data / f"{part}-images-idx3-ubyte.gz").astype(np.float32) / np.float32(255)
    return images[..., None], read_idx(data / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)


def windows(x):
    """Rows of 3x3 windows with stride 2, zeros below and to the right: [n·oh·ow, 9·c]."""
    n, h, w, c = x.shape
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    oh, ow = h // 2, w // 2
    taps = [padded[:, y : y + 2 * oh : 2, x0 : x0 + 2 * ow : 2] for y in range(3) for x0 in range(3)]
    return np.stack(taps, axis=3).reshape(n * oh * ow, 9 * c)


def scatter(grad, shape):
    """The transpose of windows()."""
    n, h, w, c = shape
    padded = np.zeros((n, h + 1, w + 1, c), np.float32)
    oh, ow = h // 2, w // 2
    parts = grad.reshape(n, oh, ow, 9, c)
    for tap in range(9):
        y, x0 = divmod(tap, 3)
        padded[:, y : y + 2 * oh : 2, x0 : x0 + 2 * ow : 2] += parts[..., tap, :]
    return padded[:, :h, :w]


def initial(rng):
    def he(fan_in, *shape):
        return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

    return {
        "conv1.w": he(9, 9, 16), "conv1.b": np.zeros(16, np.float32),
        "conv2.w": he(144, 144, 32), "conv2.b": np.zeros(32, np.float32),
        "fc1.w": he(1568, 1568, 24), "fc1.b": np.zeros(24, np.float32),
        "fc2.w": he(24, 24, 10), "fc2.b": np.zeros(10, np.float32),
    }


def forward(p, x):
    n = len(x)
    a1 = windows(x)
    h1 = np.maximum(a1 @ p["conv1.w"] + p["conv1.b"], 0).reshape(n, 14, 14, 16)
    a2 = windows(h1)
    h2 = np.maximum(a2 @ p["conv2.w"] + p["conv2.b"], 0).reshape(n, 1568)
    h3 = np.maximum(h2 @ p["fc1.w"] + p["fc1.b"], 0)
    return a1, h1, a2, h2, h3, h3 @ p["fc2.w"] + p["fc2.b"]


def gradients(p, x, labels):
    a1, h1, a2, h2, h3, out = forward(p, x)
    n = len(x)
    probability = np.exp(out - out.max(1, keepdims=True))
    probability /= probability.sum(1, keepdims=True)
    probability[np.arange(n), labels] -= 1
    d = probability / np.float32(n)
    g = {"fc2.w": h3.T @ d, "fc2.b": d.sum(0)}
    d = (d @ p["fc2.w"].T) * (h3 > 0)
    g["fc1.w"], g["fc1.b"] = h2.T @ d, d.sum(0)
    d = ((d @ p["fc1.w"].T) * (h2 > 0)).reshape(-1, 32)
    g["conv2.w"], g["conv2.b"] = a2.T @ d, d.sum(0)
    d = (scatter(d @ p["conv2.w"].T, h1.shape) * (h1 > 0)).reshape(-1, 16)
    g["conv1.w"], g["conv1.b"] = a1.T @ d, d.sum(0)
    return g


def train(p, images, labels, epochs, rng):
    """Adam with a rate that falls to zero along a cosine; images are mirrored and shifted at random."""
    m = {k: np.zeros_like(v) for k, v in p.items()}
    s = {k: np.zeros_like(v) for k, v in p.items()}
    batch, step, steps = 128, 0, epochs * (len(images) // 128)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for at in range(0, len(images) - batch + 1, batch):
            some = order[at : at + batch]
            x = images[some]
            x = np.where(rng.random(batch)[:, None, None, None] < 0.5, x[:, :, ::-1], x)
            dy, dx = rng.integers(-1, 2, 2)
            g = gradients(p, np.roll(x, (dy, dx), (1, 2)), labels[some])
            step += 1
            rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
            for k in p:
                m[k] = 0.9 * m[k] + 0.1 * g[k]
                s[k] = 0.999 * s[k] + 0.001 * g[k] ** 2
                p[k] -= (rate * (m[k] / (1 - 0.9**step)) / (np.sqrt(s[k] / (1 - 0.999**step)) + 1e-8)).astype(np.float32)
        yield epoch


def accuracy(p, images, labels):
    right = 0
    for at in range(0, len(images), 1000):
        right += int((forward(p, images[at : at + 1000])[-1].argmax(1) == labels[at : at + 1000]).sum())
    return right / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", default=str(pathlib.Path(__file__).with_name("fashion.npz")))
    o = parser.parse_args()
    rng = np.random.default_rng(1)
    images, labels = load(o.data, "train")
    test_images, test_labels = load(o.data, "t10k")
    p = initial(rng)
    for epoch in train(p, images, labels, o.epochs, rng):
        print(f"epoch {epoch + 1}: test accuracy {accuracy(p, test_images, test_labels):.4f}", flush=True)
    p["conv1.w"] = p["conv1.w"].reshape(3, 3, 1, 16).transpose(3, 0, 1, 2)
    p["conv2.w"] = p["conv2.w"].reshape(3, 3, 16, 32).transpose(3, 0, 1, 2)
    p["fc1.w"], p["fc2.w"] = p["fc1.w"].T, p["fc2.w"].T
    images_out = pathlib.Path(o.out).with_name("fashion_images.npz")
    np.savez_compressed(images_out, images=np.round(test_images[:200] * 255).astype(np.uint8), labels=test_labels[:200])
    np.savez_compressed(o.out, **{k: np.ascontiguousarray(v) for k, v in p.items()})


if __name__ == "__main__":
    main()
