#!/usr/bin/python3
"""Runs the Fashion-MNIST classifier on a modelled chip: what it sees, what it answers, what that costs.

    tests/networks/classify.py [--bin DIR] [--platform FILE] [--count N] [--type f32,i8] [--out DIR]

Images are test images that the training (train_fashion.py) never saw; 200 of them lie beside this script. Types, of
which each gets a column: f32, f16 and bf16 with the trained weights, i8 with those of quantise_fashion.py.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True  # beside the sources

from quantise_fashion import answers, integers

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
SHADES = " .:-=+*#%@"
TYPES = ["f32", "f16", "bf16", "i8"]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def drawn(image):
    """Rows of text, two pixels of height per character."""
    rows = image[::2, :, 0].astype(int)
    return ["".join(SHADES[v * (len(SHADES) - 1) // 255] for v in row) for row in rows]


def stored(values, kind):
    """f32 numbers as an .npz holds them for a network of this type."""
    values = values.astype(np.float32)
    if kind == "bf16":  # the upper half, rounded to even; NumPy has no name for it
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return values.astype(np.float16) if kind == "f16" else values


def widened(values, kind):
    """The other way round."""
    if kind == "bf16":
        return (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32)


def inputs(kind, images):
    scaled = images.astype(np.float32) / np.float32(255)
    if kind == "i8":
        return {**np.load(HERE / "fashion_i8.npz"), "x": integers(scaled)}
    weights = np.load(HERE / "fashion.npz")
    numbers = {name: value if name.endswith(".b") else stored(value, kind) for name, value in weights.items()}
    return {**numbers, "x": stored(scaled, kind)}


def classify(kind, images, o):
    """Numbers per class of each image, and the run's statistics."""
    out = o.out / kind
    out.mkdir(parents=True, exist_ok=True)
    graph, program, tensors = out / "fashion.dfg", out / "fashion.kpu", out / "tensors.npz"
    given = inputs(kind, images)
    np.savez(tensors, **given)
    run(o.bin / "kpu-dfg", "classifier", "--type", kind, "--batch", len(images), "--channels", "1,16,32", "--widths",
        "24,10", "--name", "fashion", "-o", graph)
    run(o.bin / "kpu-kernel-compiler", graph, "-o", program)
    run(o.bin / "kpu-loader", program, "--config", o.platform, "--tensors", tensors, "--outputs", out / "found.npz",
        "--stats", out / "stats.json", "--verify")
    run(o.bin / "kpu-reference", graph, "--tensors", tensors, "--outputs", out / "expected.npz")
    found = np.load(out / "found.npz")["y"]
    if found.tobytes() != np.load(out / "expected.npz")["y"].tobytes():
        sys.exit(f"{kind}: the chip and kpu-reference disagree")
    if kind == "i8" and found.tobytes() != answers(given, given["x"]).tobytes():
        sys.exit("i8: the chip and NumPy disagree")
    return widened(found, kind), json.loads((out / "stats.json").read_text())


def table(rows):
    for title, cells in rows:
        print(title.ljust(22) + "".join(cell.rjust(12) for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = shutil.which("kpu-loader")
    tools = pathlib.Path(found).parent if found else pathlib.Path(".build/release/bin")
    parser.add_argument("--bin", type=pathlib.Path, default=tools, help="where the tools are")
    parser.add_argument("--platform", default=str(HERE.parents[1] / "platforms" / "edge_ai.yaml"))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--type", default="f32,i8", help=", ".join(TYPES) + ": one or several")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".build/fashion"))
    parser.add_argument("--at-least", type=float, default=0, help="share of right answers, else exit code 1")
    o = parser.parse_args()
    kinds = o.type.split(",")
    for kind in kinds:
        if kind not in TYPES:
            parser.error(f"unknown type {kind}")
    data = np.load(HERE / "fashion_images.npz")
    images, labels = data["images"][: o.count], data["labels"][: o.count]
    runs = [classify(kind, images, o) for kind in kinds]

    print("\n".join("   ".join(rows) for rows in zip(*[drawn(image) for image in images[:3]])))
    print("   ".join(CLASSES[label].ljust(28) for label in labels[:3]).rstrip())
    for kind, (y, _) in zip(kinds, runs):
        print("   ".join(f"{kind}: {CLASSES[a]}".ljust(28) for a in y[:3].argmax(1)).rstrip())
    right = [int((y.argmax(1) == labels).sum()) for y, _ in runs]
    stats = [s for _, s in runs]
    n = len(images)
    rows = [
        (f"{n} images, {stats[0]['platform']}", kinds),
        ("right", [f"{r / n:.1%}" for r in right]),
        ("cycles per image", [f"{s['cycles'] / n:.0f}" for s in stats]),
    ]
    if "energy" in stats[0]:
        rows.append(("uJ per image", [f"{s['energy']['total_j'] / n * 1e6:.2f}" for s in stats]))
    print()
    table(rows)
    print("bits equal to kpu-reference")
    if min(right) < o.at_least * n:
        sys.exit(f"fewer than {o.at_least:.0%} right")


if __name__ == "__main__":
    main()
