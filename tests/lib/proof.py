#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a pprof file with a decoder of its own and answers the questions the tests ask.

proof.py sum FILE TYPE              the sum of a sample type
proof.py duration FILE              duration_nanos
proof.py share FILE FUNC [THREAD]   share of FUNC as the leaf, of the last sample type
proof.py cum FILE FUNC              share of the stacks that contain FUNC
proof.py unsampled FILE             share of what is in the sum only, of threads without a sample
proof.py samples FILE [THREAD]      how many samples (first sample type, or stacks)
proof.py complete FILE              share of stacks whose root is the start of a program or thread
proof.py incomplete FILE            the commonest roots of the stacks that aren't
proof.py threads FILE               one line for each thread: tid, name, values
proof.py labels FILE KEY [FUNC]     values by label, of the stacks that contain FUNC: text, values
proof.py states FILE THREAD [FUNC]  a thread's states with the last value, of the stacks that contain FUNC
proof.py delays FILE [FUNC]         each sample whose stack contains FUNC: thread_name, kind, delay
proof.py waits FILE                 one line for each thread and what it waits for: tid, kind, lock
proof.py pids FILE                  one line for each process: pid label, values
proof.py labelled FILE KEY           every stack, leaf first: values<TAB>label<TAB>frames
proof.py stacks FILE [THREAD]       every stack, leaf first: values<TAB>tid<TAB>frames
proof.py addresses FILE             tid and stack addresses of each, leaf first, in hex
proof.py lines FILE TID LIBRARY     FILE:LINE of a thread's frames in a library, leaf first
proof.py places FILE MODULE         address, innermost function, FILE:LINE of each location in a module
proof.py functions FILE             name, file, first line of each function
proof.py within4 FILE FUNC SHARE [THREAD]   exit 1 if the share is more than 4 sigma away
proof.py within4cum FILE FUNC SHARE         the same for FUNC anywhere in the stack
proof.py sane FILE                  the rules that every profile has to keep
"""
import gzip
import math
import os
import re
import sys
from collections import Counter

ROOTS = re.compile(
    r"^(_?start|__libc_start_main.*|__libc_start_call_main|main|start_thread|__?clone3?|clone|"
    r"_start_c|thread_start|runtime\.(main|goexit|rt0_go|mstart|mcall|systemstack|morestack).*|"
    r"_rt0_.*|ld-linux.*|_dl_start.*|_dl_start_user|rust_.*start.*)(\.abi0)?$")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value & (1 << 64) - 1, at


def fields(data):
    """Yields (number, value); value is an int or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            if at + length > len(data):
                raise ValueError("field is longer than its message")
            value, at = data[at:at + length], at + length
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
            value, at = int.from_bytes(data[at:at + length], "little"), at + length
        else:
            raise ValueError("wire type %d" % kind)
        yield key >> 3, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def packed(value):
    if isinstance(value, int):
        return [value]
    out, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        out.append(number)
    return out


def message(data, repeated=()):
    """A dict of field number to its last value, or to a list for the repeated numbers."""
    out = {number: [] for number in repeated}
    for number, value in fields(data):
        if number in out and number in repeated:
            out[number].append(value)
        else:
            out[number] = value
    return out


class Sample:
    def __init__(self, profile, data):
        text = profile.strings
        raw = message(data, (1, 2, 3))
        self.locations = [n for part in raw[1] for n in packed(part)]
        self.values = [signed(n) for part in raw[2] for n in packed(part)]
        self.labels = {}
        for label in raw[3]:
            label = message(label)
            key = text[label.get(1, 0)]
            self.labels[key] = text[label[2]] if 2 in label else signed(label.get(3, 0))
        self.profile = profile

    def frames(self):
        """A list for each location, leaf first; each its functions, innermost first."""
        return [self.profile.names(number) for number in self.locations]

    def leaf(self):
        return self.profile.names(self.locations[0]) if self.locations else []

    def all_names(self):
        return [name for names in self.frames() for name in names]

    def root_file(self):
        return self.profile.file_of(self.profile.locations[self.locations[-1]])


class Profile:
    def __init__(self, path):
        """path: of a file, "-", or its content."""
        if isinstance(path, bytes):
            data = path
        else:
            data = sys.stdin.buffer.read() if path == "-" else open(path, "rb").read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        raw = message(data, (1, 2, 3, 4, 5, 6, 13))
        self.strings = [part.decode("utf-8") for part in raw[6]]
        self.types = [self.type(part) for part in raw[1]]
        self.mappings = [message(part) for part in raw[3]]
        self.locations, self.functions = {}, {}
        self.duplicates = 0
        for part in raw[4]:
            location = message(part, (4,))
            location["lines"] = [message(line) for line in location[4]]
            self.duplicates += location.get(1, 0) in self.locations
            self.locations[location.get(1, 0)] = location
        for part in raw[5]:
            function = message(part)
            self.duplicates += function.get(1, 0) in self.functions
            self.functions[function.get(1, 0)] = function
        self.time = signed(raw.get(9, 0))
        self.duration = signed(raw.get(10, 0))
        self.period_type = self.type(raw[11]) if 11 in raw else None
        self.period = signed(raw.get(12, 0))
        self.comments = [self.strings[n] for part in raw[13] for n in packed(part)]
        self.samples = [Sample(self, part) for part in raw[2]]

    def type(self, part):
        part = message(part)
        return self.strings[part.get(1, 0)], self.strings[part.get(2, 0)]

    def names(self, number):
        location = self.locations[number]
        names = [self.strings[self.functions[line.get(1, 0)].get(2, 0)]
                 for line in location["lines"]]
        return names or ["0x%x" % location.get(3, 0)]

    def file_of(self, location):
        mapping = location.get(2, 0)
        return self.strings[self.mappings[mapping - 1].get(5, 0)] if mapping else ""

    def index(self, name):
        for i, (kind, _) in enumerate(self.types):
            if kind == name:
                return i
        raise SystemExit("no sample type %s in %s" % (name, self.types))

    def of_thread(self, thread):
        """The samples of a thread, given by name, by tid, or all for None."""
        return [s for s in self.samples if thread is None or thread == ""
                or s.labels.get("thread_name") == thread or str(s.labels.get("tid")) == thread]


def plain(name):
    """A function's name without what the compiler added to it."""
    return re.sub(r"\.(constprop|part|isra|cold|lto_priv)\..*$|@.*$", "", name)


def share(samples, has, at=-1):
    total = sum(s.values[at] for s in samples)
    part = sum(s.values[at] for s in samples if has(s))
    return part / total if total else 0.0


def stands_for_samples(sample):
    """Not a line of the sums only, such as CPU of threads that were never seen."""
    names = sample.all_names()
    return not (len(names) == 1 and names[0].startswith("[CPU of "))


# The root frames of stacks that were not followed to their end; "[libfoo.so]" is code without names.
CUT = re.compile(r"^\[(stack |damaged|outside|no unwind|register|worker|not readable|came from|unknown)")


def is_complete(sample):
    names = sample.all_names()
    if not names or CUT.match(names[-1]):
        return False
    # Without debug information libc does not name the start of a thread (clone3).
    return (os.path.basename(sample.root_file()).startswith("libc.so")
            or any(ROOTS.match(plain(n)) for n in names[-4:]))


def complete(profile):
    whole = total = 0
    for sample in profile.samples:
        if stands_for_samples(sample):
            count = max(sample.values[0], 1)
            total += count
            whole += count if is_complete(sample) else 0
    return whole / total if total else 0.0


def within4(profile, function, truth, thread, frames=Sample.leaf):
    samples = [s for s in profile.of_thread(thread) if stands_for_samples(s)]
    count = sum(s.values[0] for s in samples)
    if not count:
        print("no samples")
        return 1
    found = share(samples, lambda s: function in map(plain, frames(s)))
    # One more sample than was seen: at very small shares the bound must not be zero.
    sigma = math.sqrt(max(truth * (1 - truth), 1 / count) / count)
    off = abs(found - truth) / sigma
    print("%s share %.4f truth %.4f samples %d sigma %.4f off %.2f"
          % (function, found, truth, count, sigma, off))
    return 0 if off <= 4 else 1


def sane(profile):
    wrong = []
    if not profile.strings or profile.strings[0] != "":
        wrong.append("string 0 is not empty")
    for what, ids in (("location", list(profile.locations)), ("function", list(profile.functions)),
                      ("mapping", [m.get(1, 0) for m in profile.mappings])):
        if ids != list(range(1, len(ids) + 1)):
            wrong.append("%s ids are not 1..N in order" % what)
    if profile.duplicates:
        wrong.append("duplicate ids")
    if not profile.types or not profile.period_type or profile.time <= 0:
        wrong.append("sample types, period type or time missing")
    for sample in profile.samples:
        if len(sample.values) != len(profile.types):
            wrong.append("a sample has not one value for each type")
            break
    if any(n not in profile.locations for s in profile.samples for n in s.locations):
        wrong.append("a sample names no location")
    for location in profile.locations.values():
        if any(line.get(1, 0) not in profile.functions for line in location["lines"]):
            wrong.append("a location names no function")
            break
    ids = {m.get(1, 0) for m in profile.mappings} | {0}
    if any(location.get(2, 0) not in ids for location in profile.locations.values()):
        wrong.append("a location names no mapping")
    if len(profile.comments) > 4:
        wrong.append("more than 4 comments")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def print_threads(profile):
    threads = {}
    for sample in profile.samples:
        key = sample.labels.get("tid"), sample.labels.get("thread_name")
        old = threads.get(key, [0] * len(sample.values))
        threads[key] = [a + b for a, b in zip(old, sample.values)]
    for (tid, name), values in sorted(threads.items(), key=lambda i: str(i[0])):
        print(tid, str(name).replace(" ", "_"), *values)


def print_labels(profile, key, function):
    sums = {}
    for sample in profile.samples:
        if function and function not in map(plain, sample.all_names()):
            continue
        label = sample.labels.get(key, "-")
        have = sums.setdefault(label, [0] * len(sample.values))
        sums[label] = [a + b for a, b in zip(have, sample.values)]
    for label, values in sorted(sums.items(), key=lambda item: -item[1][-1]):
        print("%s\t%s" % (label, "\t".join(map(str, values))))


def print_waits(profile):
    waits = {tuple(s.labels.get(key, "-") for key in ("tid", "kind", "lock")) for s in profile.samples}
    for tid, kind, lock in sorted(waits):
        print(tid, kind.replace(" ", "_"), lock)


def print_pids(profile):
    pids = {}
    for sample in profile.samples:
        old = pids.get(sample.labels.get("pid"), [0] * len(sample.values))
        pids[sample.labels.get("pid")] = [a + b for a, b in zip(old, sample.values)]
    for pid, values in sorted(pids.items(), key=lambda i: str(i[0])):
        print(pid, *values)


def print_stacks(profile, thread):
    for sample in profile.of_thread(thread):
        print("%s\t%s\t%s" % (" ".join(map(str, sample.values)), sample.labels.get("tid"),
                              ";".join(sample.all_names())))


def print_labelled(profile, key):
    for sample in profile.samples:
        print("%s\t%s\t%s" % (" ".join(map(str, sample.values)), sample.labels.get(key, "-"),
                              ";".join(sample.all_names())))


def print_incomplete(profile):
    roots = Counter()
    for sample in profile.samples:
        if stands_for_samples(sample) and not is_complete(sample):
            roots[" <- ".join(sample.all_names()[-4:])] += max(sample.values[0], 1)
    for name, count in roots.most_common(12):
        print(count, name)


def print_addresses(profile):
    for sample in profile.samples:
        print(sample.labels.get("tid"),
              " ".join("%x" % profile.locations[n].get(3, 0) for n in sample.locations))


def print_lines(profile, tid, library):
    for sample in profile.of_thread(tid):
        lines = []
        for number in sample.locations:
            location = profile.locations[number]
            if not os.path.basename(profile.file_of(location)).startswith(library):
                continue
            for line in location["lines"]:
                file = profile.strings[profile.functions[line.get(1, 0)].get(4, 0)]
                lines.append("%s:%d" % (os.path.basename(file), line.get(2, 0)))
        print(*lines)


def print_places(profile, module):
    for location in profile.locations.values():
        if os.path.basename(profile.file_of(location)) != module or not location["lines"]:
            continue
        line = location["lines"][0]
        function = profile.functions[line.get(1, 0)]
        print("%x %s %s:%d" % (location.get(3, 0), profile.strings[function.get(2, 0)],
                               profile.strings[function.get(4, 0)], line.get(2, 0)))


def print_functions(profile):
    for function in profile.functions.values():
        print("%s %s:%d" % (profile.strings[function.get(2, 0)],
                            profile.strings[function.get(4, 0)], function.get(5, 0)))


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    command, profile, rest = argv[1], Profile(argv[2]), argv[3:]
    thread = rest[-1] if len(rest) > (2 if command == "within4" else 1) else None
    if command in ("samples", "stacks"):
        thread = rest[0] if rest else None
    if command == "sum":
        at = profile.index(rest[0])
        print(sum(s.values[at] for s in profile.samples))
    elif command == "duration":
        print(profile.duration)
    elif command == "share":
        print("%.6f" % share(profile.of_thread(thread),
                             lambda s: rest[0] in map(plain, s.leaf())))
    elif command == "cum":
        print("%.6f" % share(profile.of_thread(thread),
                             lambda s: rest[0] in map(plain, s.all_names())))
    elif command == "unsampled":
        print("%.6f" % share(profile.samples, lambda s: not stands_for_samples(s)))
    elif command == "samples":
        print(sum(s.values[0] for s in profile.of_thread(thread) if stands_for_samples(s)))
    elif command == "complete":
        print("%.4f" % complete(profile))
    elif command == "incomplete":
        print_incomplete(profile)
    elif command == "threads":
        print_threads(profile)
    elif command == "delays":
        for s in profile.samples:
            if not rest or any(plain(n).startswith(rest[0]) for n in s.all_names()):
                print("%s\t%s\t%d" % (s.labels.get("thread_name"), s.labels.get("kind"), s.values[-1]))
    elif command == "states":
        profile.samples = [s for s in profile.samples if s.labels.get("thread_name") == rest[0]]
        for s in profile.samples:
            s.values = s.values[-1:]
        print_labels(profile, "state", rest[1] if len(rest) > 1 else None)
    elif command == "labels":
        print_labels(profile, rest[0], rest[1] if len(rest) > 1 else None)
    elif command == "waits":
        print_waits(profile)
    elif command == "pids":
        print_pids(profile)
    elif command == "labelled":
        print_labelled(profile, argv[3])
    elif command == "stacks":
        print_stacks(profile, thread)
    elif command == "functions":
        print_functions(profile)
    elif command == "places":
        print_places(profile, rest[0])
    elif command == "addresses":
        print_addresses(profile)
    elif command == "lines":
        print_lines(profile, rest[0], rest[1])
    elif command == "within4":
        return within4(profile, rest[0], float(rest[1]), thread)
    elif command == "within4cum":
        return within4(profile, rest[0], float(rest[1]), None, Sample.all_names)
    elif command == "sane":
        return sane(profile)
    else:
        print("unknown command", command, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
