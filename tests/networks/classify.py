#!/usr/bin/python3
"""Runs the Fashion-MNIST classifier on a modelled chip: what it sees, what it answers, what that costs.

    tests/networks/classify.py [--bin DIR] [--platform FILE] [--count N] [--type f32|f16] [--out DIR]

Images are test images that the training (train_fashion.py) never saw; 200 of them lie beside this script.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
SHADES = " .:-=+*#%@"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def drawn(image):
    """Rows of text, two pixels of height per character."""
    rows = image[::2, :, 0].astype(int)
    return ["".join(SHADES[v * (len(SHADES) - 1) // 255] for v in row) for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = shutil.which("kpu-loader")
    tools = pathlib.Path(found).parent if found else pathlib.Path(".build/release/bin")
    parser.add_argument("--bin", type=pathlib.Path, default=tools, help="where the tools are")
    parser.add_argument("--platform", default=str(HERE.parents[1] / "platforms" / "edge_ai.yaml"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--type", default="f32", choices=["f32", "f16"])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".build/fashion"))
    parser.add_argument("--at-least", type=float, default=0, help="share of right answers, else exit code 1")
    o = parser.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    data = np.load(HERE / "fashion_images.npz")
    images, labels = data["images"][: o.count], data["labels"][: o.count]
    number = np.float32 if o.type == "f32" else np.float16

    weights = np.load(HERE / "fashion.npz")
    np.savez(o.out / "weights.npz", **{name: weights[name].astype(number) for name in weights.files})
    np.savez(o.out / "images.npz", x=(images.astype(np.float32) / np.float32(255)).astype(number))
    graph, program = o.out / "fashion.dfg", o.out / "fashion.kpu"
    run(o.bin / "kpu-dfg", "classifier", "--type", o.type, "--batch", len(images), "--channels", "1,16,32", "--widths",
        "24,10", "--name", "fashion", "-o", graph)
    run(o.bin / "kpu-kernel-compiler", graph, "-o", program)
    tensors = o.out / "tensors.npz"
    np.savez(tensors, **np.load(o.out / "weights.npz"), **np.load(o.out / "images.npz"))
    run(o.bin / "kpu-loader", program, "--config", o.platform, "--tensors", tensors, "--outputs", o.out / "found.npz",
        "--stats", o.out / "stats.json", "--verify")
    run(o.bin / "kpu-reference", graph, "--tensors", tensors, "--outputs", o.out / "expected.npz")

    found = np.load(o.out / "found.npz")["y"]
    if found.tobytes() != np.load(o.out / "expected.npz")["y"].tobytes():
        sys.exit("the chip and kpu-reference disagree")
    answers = found.astype(np.float32).argmax(1)
    shown = [drawn(image) for image in images[:3]]
    print("\n".join("   ".join(rows) for rows in zip(*shown)))
    print("   ".join(f"{CLASSES[a]} ({CLASSES[label]})".ljust(28) for a, label in zip(answers[:3], labels[:3])).rstrip())
    right = int((answers == labels).sum())
    stats = json.loads((o.out / "stats.json").read_text())
    print(f"{right} of {len(images)} right, bits equal to kpu-reference")
    energy = stats.get("energy")
    joules = f", {energy['total_j'] / len(images) * 1e6:.2f} uJ" if energy else ""
    print(f"per image on {stats['platform']}: {stats['cycles'] / len(images):.0f} cycles{joules}")
    if right < o.at_least * len(images):
        sys.exit(f"fewer than {o.at_least:.0%} right")


if __name__ == "__main__":
    main()
