#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""screenshot.py PICTURE PROFILE: a browser's picture (PNG) of the page of that profile (pprof) shows its
flame graph: the frames of the executable, which have one hue, are as large as they should be."""
import colorsys
import struct
import sys
import zlib

import proof

ROW = 19           # height of a frame, as in web/flame.js
HUE, NEAR = 28, 6  # of the executable's frames, as in web/colours.js


def pixels(path):
    """Rows of (red, green, blue)."""
    data = open(path, "rb").read()
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if data[:8] != b"\x89PNG\r\n\x1a\n" or depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError("%s: not a PNG of 8 bits" % path)
    packed, at, size = b"", 8, 4 if kind == 6 else 3
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    raw, stride, above = zlib.decompress(packed), width * size, bytearray(width * size)
    for y in range(height):
        line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        above = unfiltered(line[0], bytearray(line[1:]), above, size)
        yield [tuple(above[x:x + 3]) for x in range(0, stride, size)]


def unfiltered(how, row, above, size):
    """PNG 9.2: each byte is told as what it is more than those left of it and above."""
    if how == 2:
        return bytearray((a + b) & 255 for a, b in zip(row, above))
    for x in range(len(row) if how else 0):
        left, corner = (row[x - size], above[x - size]) if x >= size else (0, 0)
        if how == 1:
            guess = left
        elif how == 3:
            guess = (left + above[x]) >> 1
        else:
            p = left + above[x] - corner
            guess = min((abs(p - left), 0, left), (abs(p - above[x]), 1, above[x]), (abs(p - corner), 2, corner))[2]
        row[x] = (row[x] + guess) & 255
    return row


def is_of_program(pixel, known={}):
    if pixel not in known:
        hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in pixel))
        known[pixel] = abs(360 * hue - HUE) < NEAR and saturation > 0.5 and 0.7 < light < 0.85
    return known[pixel]


def main(argv):
    widths = [sum(map(is_of_program, row)) for row in pixels(argv[1])]
    profile = proof.Profile(argv[2])
    frames = total = 0
    for sample in profile.samples:
        of_program = sum(len(profile.names(at)) for at in sample.locations if profile.locations[at].get(2) == 1)
        frames += sample.values[-1] * of_program
        total += sample.values[-1]
    # Some of it is written on, some are lines between.
    found, expected = sum(widths), frames / total * max(widths) * ROW
    print("widest row %d pixels, %d of such frames; %d in all, %.0f expected" %
          (max(widths), frames / total, found, expected))
    return not (max(widths) > 1000 and 0.8 * expected <= found <= expected)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
