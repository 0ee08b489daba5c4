# SPDX-License-Identifier: GPL-2.0-or-later
"""What the body of an answer is, in words that are the same for every server that keeps the contract:
numbers, addresses and names of functions are left out, rows that fit into no format are said."""
import gzip
import re
import time
from html.parser import HTMLParser

import proof

HEX = r"0x[0-9a-f]+"
STACK = re.compile(r"#(\t+%s(\t+\S.*)?)?\Z" % HEX)
LABELS = re.compile(r'# labels: \{("(?:[^"\\]|\\.)*":"(?:[^"\\]|\\.)*"(, )?)+\}\Z')
MAPS = re.compile(r"[0-9a-f]+-[0-9a-f]+ [-rwxps]{4} ")
COUNT_HEAD = re.compile(r"(\w+) profile: total (\d+)\Z")
COUNT = re.compile(r"(\d+) @( %s)*\Z" % HEX)
CONTENTION = re.compile(r"(\d+) (\d+) @( %s)*\Z" % HEX)
HEAP_HEAD = re.compile(r"heap profile: \d+: \d+ \[\d+: \d+\] @ heap/\d+\Z")
HEAP = re.compile(r"(\d+): \d+ \[\d+: \d+\] @( %s)*\Z" % HEX)
DUMP_HEAD = re.compile(r'(goroutine \d+|thread \d+ ".*")( .*)? \[.*\]:\Z')
DUMP_LINE = re.compile(r"\t.+:\d+( \+%s)?( .*)?\Z" % HEX)
DUMP_FUNCTION = re.compile(r"\S.*\)\Z|created by \S.*\Z|\.\.\..*\.\.\.\Z|goroutine .*\Z|thread .*\Z")
SYMBOL = re.compile(r"%s \S.*\Z" % HEX)
# Profiles that not every server has (http_contract.py says why), and what is not the same in all.
NOT_EVERYWHERE = {"allocs", "goroutineleak", "heap", "symbol", "threads", "trace", "wall"}


def rows_of(lines, row):
    """The first numbers of the rows, and what is wrong with the lines."""
    numbers, wrong, in_maps = [], [], False
    for line in lines:
        found = row.match(line)
        if line == "--- Memory map: ---" and not in_maps:
            in_maps = True
        elif in_maps and not MAPS.match(line):
            wrong.append("bad mapping %r" % line[:80])
        elif in_maps:
            pass
        elif found:
            numbers.append(int(found.group(1)))
            if line.endswith("@") and row is COUNT:
                wrong.append("a row without an address")
        elif line and not STACK.match(line) and not LABELS.match(line):
            wrong.append("bad line %r" % line[:80])
    if numbers != sorted(numbers, reverse=True):
        wrong.append("not sorted")
    return numbers, wrong


def text_form(text):
    lines = text.split("\n")
    if lines[-1] != "":
        return "text without an end"
    lines.pop()
    head = COUNT_HEAD.match(lines[0]) if lines else None
    if head:
        numbers, wrong = rows_of(lines[1:], COUNT)
        if sum(numbers) != int(head.group(2)):
            wrong.append("total %s, sum %d" % (head.group(2), sum(numbers)))
        return "; ".join(["text %s profile: total #" % head.group(1)] + wrong[:3])
    if lines and lines[0] in ("--- contention:", "--- mutex:"):
        n = 3 if lines[0] == "--- mutex:" else 2
        numbers, wrong = rows_of(lines[n:], CONTENTION)
        heads = [re.sub(r"\d+", "#", line) for line in lines[:n]]
        return "; ".join(["text " + ", ".join(heads)] + wrong[:3])
    if lines and HEAP_HEAD.match(lines[0]):
        comments = [line for line in lines[1:] if not line.startswith("# ") or LABELS.match(line)]
        _, wrong = rows_of(comments, HEAP)
        return "; ".join(["text heap profile"] + [w for w in wrong if w != "not sorted"][:3])
    if lines and DUMP_HEAD.match(lines[0]):
        wrong = [line for line in lines if line and not DUMP_HEAD.match(line)
                 and not DUMP_LINE.match(line) and not DUMP_FUNCTION.match(line)]
        return "; ".join(["text dump of all stacks"] + ["bad line %r" % w[:80] for w in wrong[:3]])
    if lines and lines[0] == "num_symbols: 1":
        wrong = [line for line in lines[1:] if not SYMBOL.match(line)]
        return "; ".join(["text num_symbols: 1 and %d" % len(lines[1:])] + wrong[:3])
    return "text %s" % re.sub(r"\d+", "#", text[:200].strip())


def pprof_form(data, sent, seconds):
    """Types, and whether time and duration are those of a moment or of a window."""
    if re.match(rb"go 1\.\d+ trace", data):
        return "trace"
    if data[:2] != b"\x1f\x8b":
        return "no gzip: %r" % data[:20]
    try:
        profile = proof.Profile(data)
    except (ValueError, IndexError, KeyError, OSError, EOFError, gzip.zlib.error) as error:
        return "no profile: %r" % error
    types = ",".join("/".join(kind) for kind in profile.types)
    duration = "none" if not profile.duration else "%d ns" % profile.duration
    if seconds and 0.95 * seconds <= profile.duration / 1e9 < seconds + 5:
        duration = "the window"
    start, now = profile.time / 1e9, time.time()
    when = "now" if sent - 2 <= start <= now + 2 else "%d" % profile.time
    if seconds and when == "now":
        when = "the end" if start >= sent + 0.9 * seconds else "the start"
    file = profile.file_of({2: 1}) if profile.mappings else ""
    return "pprof %s of %s, time %s, duration %s, %s" % (
        types, "/".join(profile.period_type or ("?",)), when, duration,
        "with a program" if file else "without a program")


class Index(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.path, self.title, self.head, self.links, self.items = [], "", [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in ("br", "p", "meta", "link", "input", "img"):
            return
        self.path.append(tag)
        if tag == "a":
            self.links.append([dict(attrs).get("href"), "", "table" in self.path])
        if tag == "li":
            self.items.append("")

    def handle_endtag(self, tag):
        if tag in self.path:
            while self.path.pop() != tag:
                pass

    def handle_data(self, data):
        if "title" in self.path:
            self.title += data
        elif "a" in self.path:
            self.links[-1][1] += data
        elif "thead" in self.path and data.strip():
            self.head.append(data.strip())
        elif "li" in self.path:
            self.items[-1] += data


def index_form(text):
    page = Index(text)
    wrong = []
    rows = [(href, name) for href, name, in_table in page.links if in_table]
    for href, name in rows:
        if href != name + "?debug=1":
            wrong.append("link %s of %s" % (href, name))
    names = [name for _, name in rows]
    if names != sorted(names):
        wrong.append("not sorted: %s" % names)
    described = [item.split(":")[0].strip() for item in page.items]
    if described != names:
        wrong.append("descriptions of %s" % described)
    wrong += ["no description: %s" % item for item in page.items if not item.partition(":")[2].strip()]
    others = [(href, name) for href, name, in_table in page.links if not in_table]
    if ("goroutine?debug=2", "full goroutine stack dump") not in others:
        wrong.append("no full dump: %s" % others)
    common = " ".join(n for n in names if n not in NOT_EVERYWHERE)
    return "; ".join(["index %s, columns %s, %s" % (page.title, " ".join(page.head), common)] + wrong)


def form_of(answer, sent, seconds, command_line):
    kind = (answer.header("Content-Type") or "").split(";")[0]
    if answer.status >= 300:
        return "said: %s" % answer.body.decode("utf-8", "replace").strip()[:200]
    if command_line is not None and answer.body == command_line:
        return "command line"
    if answer.body[:2] == b"\x1f\x8b" or kind == "application/octet-stream":
        return pprof_form(answer.body, sent, seconds)
    text = answer.body.decode("utf-8", "replace")
    return index_form(text) if kind == "text/html" else text_form(text)
