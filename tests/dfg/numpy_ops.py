"""Operators in NumPy by their definition; shares nothing with the project's code.

Usage: numpy_ops.py cases.txt arrays.npz. A line of cases.txt is a Python dictionary: op, n (operands), attributes.
The arrays are named <line number>.a<i> and <line number>.out. All sums are made one term at a time in the order that
compiler/tensor/README.md defines, so that results must be equal bit by bit, except those of exp, sigmoid and atan.
"""
import ast
import sys

import numpy as np


def accumulator(x):
    return {'float64': np.float64, 'int8': np.int32, 'int32': np.int32}.get(x.dtype.name, np.float32)


def source_rows(x, at, pads, strides, dilations, outs, taps, transposed):
    """Inputs that one tap reads, [N, outs..., C], zero on padding."""
    grid = x
    if transposed:  # zeros between the inputs and a rim as wide as the kernel; the kernel runs backwards
        for d, s in enumerate(strides):
            shape = list(grid.shape)
            shape[1 + d] = (shape[1 + d] - 1) * s + 1
            spread = np.zeros(shape, x.dtype)
            spread[(slice(None),) * (1 + d) + (slice(None, None, s),)] = grid
            grid = spread
        rim = [(t - 1 + p[0], t - 1 + p[1]) for t, p in zip(taps, pads)]
        grid = np.pad(grid, [(0, 0)] + rim + [(0, 0)])
        starts, steps = [t - 1 - a for t, a in zip(taps, at)], [1] * len(at)
    else:
        grid = np.pad(grid, [(0, 0)] + [tuple(p) for p in pads] + [(0, 0)])
        starts, steps = [a * d for a, d in zip(at, dilations)], strides
    cut = tuple(slice(b, b + (o - 1) * s + 1, s) for b, s, o in zip(starts, steps, outs))
    return grid[(slice(None),) + cut]


def convolve(c, op, out_shape, x, w, bias=None):
    t = accumulator(x)
    x, w = x.astype(t), w.astype(t)
    depthwise, transposed = op == 'DEPTHWISE_CONV2D', op == 'TRANSPOSE_CONV2D'
    spatial = x.ndim - 2
    flat = c['out_pad' if transposed else 'pad']
    pads = [flat[2 * i:2 * i + 2] for i in range(spatial)]
    outs = out_shape[1:-1]
    taps = w.shape[:spatial] if depthwise else w.shape[1:-1]
    total = np.zeros(out_shape, t) if bias is None else np.broadcast_to(bias.astype(t), out_shape).copy()
    for at in np.ndindex(*taps):
        rows = source_rows(x, at, pads, c['stride'], c.get('dilation'), outs, taps, transposed)
        if depthwise:
            total = total + (rows[..., None] * w[at]).reshape(out_shape)
        else:
            for channel in range(x.shape[-1]):
                total = total + rows[..., channel:channel + 1] * w[(slice(None),) + at + (channel,)]
    return total


def product(x, w, start):
    total = start
    for k in range(x.shape[1]):
        total = total + x[:, k:k + 1] * w[k:k + 1, :]
    return total


def pool(c, largest, out_shape, x):
    t = accumulator(x)
    x = x.astype(t)
    out = np.zeros(out_shape, t)
    for n, y, z in np.ndindex(*out_shape[:3]):
        cells = []
        for a, b in np.ndindex(*c['kernel']):
            row, column = y * c['stride'][0] + a - c['pad'][0], z * c['stride'][1] + b - c['pad'][2]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                cells.append(x[n, row, column])
        total = cells[0] if largest else np.zeros_like(cells[0]) + cells[0]
        for cell in cells[1:]:
            total = np.maximum(total, cell) if largest else total + cell
        out[n, y, z] = total if largest else (
            np.trunc(total / len(cells)) if t == np.int32 else total / t(len(cells)))
    return out


def fold(function, x, axis):
    parts = np.moveaxis(x.astype(accumulator(x)), axis, 0)
    total = parts[0]
    for part in parts[1:]:
        total = function(total, part)
    return np.expand_dims(total, axis)


def expected(op, c, want, a):
    t = accumulator(a[0])
    if op in ('CONV2D', 'DEPTHWISE_CONV2D', 'CONV3D', 'TRANSPOSE_CONV2D'):
        return convolve(c, op, want.shape, *a)
    if op == 'FC':
        return product(a[0].astype(t), a[1].astype(t).T, np.broadcast_to(a[2].astype(t), want.shape))
    if op == 'FUSED_MATMUL_BIAS_ACT':
        total = product(a[0].astype(t), a[1].astype(t), np.zeros(want.shape, t)) + a[2].astype(t)
        return np.maximum(total, t(0)) if c else total
    if op in ('MAXPOOL2D', 'AVGPOOL2D'):
        return pool(c, op == 'MAXPOOL2D', want.shape, a[0])
    folds = {'REDUCE_SUM': np.add, 'REDUCE_PROD': np.multiply, 'REDUCE_MAX': np.maximum, 'REDUCE_MIN': np.minimum}
    if op in folds:
        return fold(folds[op], a[0], c['axis'])
    if op == 'REDUCE_ALL':
        return np.expand_dims(np.all(a[0] != 0, axis=c['axis']), c['axis']).astype(np.int8)
    pairs = {'ADD': np.add, 'SUB': np.subtract, 'MUL': np.multiply, 'DIV': np.divide, 'tosa.maximum': np.maximum,
             'tosa.minimum': np.minimum}
    if op in pairs:
        return pairs[op](a[0].astype(t), a[1].astype(t))
    if op == 'TRANSPOSE':
        return np.transpose(a[0], c['perms'])
    if op == 'CONCAT':
        return np.concatenate(a, c['axis'])
    if op == 'PAD':
        return np.pad(a[0], np.reshape(c['padding'], (-1, 2)))
    if op == 'GATHER':
        return np.stack([values[picks] for values, picks in zip(*a)])
    x = a[0].astype(t)
    wide = x.astype(np.float64)
    functions = {
        'RELU': lambda: np.maximum(x, t(0)), 'ABS': lambda: np.abs(x), 'NEGATE': lambda: -x,
        'RECIPROCAL': lambda: t(1) / x, 'EXP': lambda: np.exp(wide), 'ATAN': lambda: np.arctan(wide),
        'SIGMOID': lambda: 1 / (1 + np.exp(-wide)), 'tosa.sigmoid': lambda: 1 / (1 + np.exp(-wide)),
        'tosa.rsqrt': lambda: (1 / np.sqrt(wide)).astype(t),
        'CLAMP': lambda: np.clip(x, t(c['min_fp']), t(c['max_fp'])) if c else None}
    return functions[op]()


def rounded(x, dtype):
    if dtype == np.int8:
        return np.clip(x, -128, 127).astype(dtype)
    return x.astype(dtype)


np.seterr(all='ignore')
arrays = np.load(sys.argv[2])
count = 0
for number, line in enumerate(open(sys.argv[1])):
    case = ast.literal_eval(line)
    got = arrays[f'{number}.out']
    operands = [arrays[f'{number}.a{i}'] for i in range(case['n'])]
    want = rounded(expected(case['op'], case['attributes'], got, operands), got.dtype)
    if case['op'] in ('EXP', 'SIGMOID', 'ATAN', 'tosa.sigmoid'):
        same = np.allclose(got, want, rtol=2 * np.finfo(got.dtype).eps, atol=0)
    else:
        same = got.shape == want.shape and ((got == want) | (np.isnan(got) & np.isnan(want))).all()
    if not same:
        sys.exit(f'{line.strip()}: got {got.ravel()[:8]}, want {want.ravel()[:8]}')
    count += 1
print(count)
