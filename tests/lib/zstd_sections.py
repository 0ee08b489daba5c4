#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""zstd_sections.py FILE: compresses the .debug_ sections of a 64-bit ELF file by zstd (ELFCOMPRESS_ZSTD), in place.

The tools of the oldest distribution that is supported cannot; the program zstd does the work.
"""
import struct
import subprocess
import sys

SHF_COMPRESSED, ELFCOMPRESS_ZSTD = 0x800, 2


def main(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    table, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    name_table, = struct.unpack_from("<Q", data, table + names * size + 24)
    for number in range(count):
        at = table + number * size
        name, _, flags, _, offset, length = struct.unpack_from("<IIQQQQ", data, at)
        align, = struct.unpack_from("<Q", data, at + 48)
        if not data[name_table + name:].startswith(b".debug_") or flags & SHF_COMPRESSED:
            continue
        packed = subprocess.run(["zstd", "-q", "-c"], input=bytes(data[offset:offset + length]),
                                stdout=subprocess.PIPE, check=True).stdout
        data += bytes(-len(data) % 8)
        struct.pack_into("<Q", data, at + 8, flags | SHF_COMPRESSED)
        struct.pack_into("<QQ", data, at + 24, len(data), 24 + len(packed))
        data += struct.pack("<IIQQ", ELFCOMPRESS_ZSTD, 0, length, align) + packed
    with open(path, "wb") as file:
        file.write(data)


main(sys.argv[1])
