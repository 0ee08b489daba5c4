#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The text format that Prometheus scrapes (version 0.0.4), read strictly.

prometheus_text.py URL|FILE [LATER_FILE...]   exit 1 and what is wrong; of a URL the content type, too;
                                            counters do not fall from one to the next

Rules: each metric has one HELP and one TYPE line before its samples, which are together; names
[a-zA-Z_:][a-zA-Z0-9_:]*, those of ours begin with a prefix; counters end in _total and no other does;
base units, so no _ms, _us, _ns, _kb; label values with \\\\, \\" and \\n only as escapes; values as Go's
ParseFloat takes them, of counters not below 0; no series twice; the last line ends.
"""
import re
import sys

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(r"([^{\s]+)(\{.*\})?[ \t]+(\S+)(?:[ \t]+(-?\d+))?\Z")
VALUE = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf|NaN)\Z")
KINDS = ("counter", "gauge", "histogram", "summary", "untyped")
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
NOT_BASE = re.compile(r"_(ms|us|ns|milliseconds|microseconds|nanoseconds|kb|mb|kib|mib|kilobytes|percent)"
                      r"(_total)?\Z")


class Text:
    def __init__(self, text, prefix=""):
        self.wrong, self.series, self.kinds, self.helps = [], {}, {}, {}
        self.prefix, self.family, self.over = prefix, None, set()
        if text and not text.endswith("\n"):
            self.wrong.append("the last line has no end")
        if "\r" in text:
            self.wrong.append("a carriage return")
        for number, line in enumerate(text.split("\n")[:-1], 1):
            self.number = number
            self.take(line)
        for name in self.kinds:
            if name not in self.helps:
                self.wrong.append("%s has no HELP" % name)
        if not self.series:
            self.wrong.append("no series")

    def say(self, what):
        self.wrong.append("line %d: %s" % (self.number, what))

    def take(self, line):
        if not line.strip():
            return
        if line.startswith("#"):
            words = line.split(" ", 3)
            if len(words) > 1 and words[0] == "#" and words[1] in ("HELP", "TYPE"):
                self.take_meta(words)
            return
        found = SAMPLE.match(line)
        if not found:
            self.say("no sample: %r" % line[:100])
            return
        self.take_sample(*found.groups())

    def begin(self, name):
        if name == self.family:
            return
        if self.family:
            self.over.add(self.family)
        if name in self.over:
            self.say("the lines of %s are not together" % name)
        self.family = name

    def take_meta(self, words):
        if len(words) < 4 or not NAME.match(words[2]):
            self.say("no metric or no text: %r" % " ".join(words)[:100])
            return
        what, name, text = words[1:]
        self.begin(name)
        known = self.helps if what == "HELP" else self.kinds
        if name in known:
            self.say("second %s of %s" % (what, name))
        if any(key[0] == name for key in self.series):
            self.say("%s of %s behind its samples" % (what, name))
        if what == "HELP" and re.search(r"\\(?![\\n])", text):
            self.say("HELP of %s with an unknown escape" % name)
        if what == "TYPE" and text not in KINDS:
            self.say("TYPE %s" % text[:40])
        known[name] = text

    def family_of(self, name):
        for kind, ends in PARTS.items():
            for end in ends:
                if name.endswith(end) and self.kinds.get(name[:-len(end)]) == kind:
                    return name[:-len(end)]
        return name

    def labels_of(self, text):
        labels, at = {}, 1
        inside = text[:-1]
        while at < len(inside):
            found = LABEL.match(inside, at)
            if not found:
                self.say("no label: %r" % inside[at:at + 60])
                break
            name, value = found.groups()
            if name.startswith("__") or not LABEL_NAME.match(name):
                self.say("label name %s" % name)
            if name in labels:
                self.say("label %s twice" % name)
            labels[name] = value
            at = found.end()
            if at < len(inside) and inside[at] != ",":
                self.say("no comma: %r" % inside[at:at + 60])
                break
            at += 1
        return labels

    def take_sample(self, name, labels, value, _time):
        family = self.family_of(name)
        kind = self.kinds.get(family)
        self.begin(family)
        if not NAME.match(name):
            self.say("name %r" % name[:60])
        elif not name.startswith(self.prefix):
            self.say("%s does not begin with %s" % (name, self.prefix))
        if not kind:
            self.say("%s has no TYPE before it" % name)
        if (kind == "counter") != name.endswith("_total"):
            self.say("%s is a %s" % (name, kind))
        if NOT_BASE.search(family):
            self.say("%s is in no base unit" % name)
        key = name, tuple(sorted(self.labels_of(labels).items())) if labels else ()
        if key in self.series:
            self.say("%s%s twice" % (name, labels or ""))
        if not VALUE.match(value):
            self.say("value %r" % value[:40])
            return
        self.series[key] = float(value)
        if kind == "counter" and not self.series[key] >= 0:
            self.say("counter %s is %s" % (name, value))

    def counters(self):
        return {key: value for key, value in self.series.items()
                if self.kinds.get(self.family_of(key[0])) == "counter"
                or key[0].endswith(("_bucket", "_count"))}


def fallen(before, after):
    """Counters that are gone or smaller."""
    later = after.counters()
    return ["%s%s: %s, then %s" % (name, dict(labels), value, later.get((name, labels)))
            for (name, labels), value in before.counters().items()
            if later.get((name, labels), -1) < value]


def read(place):
    if not place.startswith(("http://", "unix:")):
        return open(place, encoding="utf-8", newline="").read(), CONTENT_TYPE
    from http_client import Server
    base, _, path = place.rpartition("/")
    answer = Server(base).get("/" + path)
    if answer.status != 200:
        raise SystemExit("%s: %d" % (place, answer.status))
    return answer.body.decode("utf-8"), answer.header("Content-Type")


def main(argv):
    wrong, last = [], None
    prefix = ""
    for place in argv[1:]:
        if place.startswith("--prefix="):
            prefix = place.split("=", 1)[1]
            continue
        body, kind = read(place)
        text = Text(body, prefix)
        wrong += text.wrong
        if kind != CONTENT_TYPE:
            wrong.append("content type %s" % kind)
        if last:
            wrong += fallen(last, text)
        last = text
    for line in wrong:
        print(line)
    if last:
        print("%d series, %d counters" % (len(last.series), len(last.counters())))
    return 1 if wrong or not last else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
