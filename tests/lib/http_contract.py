#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds a server of /debug/pprof/ against Go's own: the same requests, and the same answers but for
what the table DIFFERENCES allows.

http_contract.py [options] REFERENCE_URL TESTED_URL
  --pids REFERENCE,TESTED  whose command lines cmdline is
  --same                   the tested one is Go's, too: nothing may differ, and it has no more than Go
  --quick                  no request that takes a second
  --heap                   heap and allocs have to be there
  --patient                the tested one's profile without seconds is waited for: 30 s
  --sub                    TESTED_URL is of one of several processes: /metrics and / are elsewhere
  --list                   print all requests and what came

A request is a row: its name is METHOD PATH, a PATH without a slash is below /debug/pprof/.
"""
import argparse
import gzip
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import proof
from http_client import Broken, Server
from http_forms import form_of

PENDING = 1.5  # s; who has not answered by then waits, as it should
GO_PENDING = 0.3  # Go need not be held up for longer: it has one window at a time
FIELDS = {"type": "Content-Type", "go_pprof": "X-Go-Pprof", "disposition": "Content-Disposition",
          "nosniff": "X-Content-Type-Options", "location": "Location"}
SNAPSHOTS = ("allocs", "block", "goroutine", "heap", "mutex", "threadcreate")
PPROF = "/debug/pprof/"
ANY = ""

# Why, which rows, what Go says (fields that have to match; {}: whatever), what the other may say.
DIFFERENCES = [
    ("Go counts threads that it knows no stack of, which its own pprof refuses", r"GET threadcreate\?.*debug=[12]",
     {"form": "text threadcreate profile: total #; a row without an address"},
     {"form": "text threadcreate profile: total #", "status": "200", "type": "text/plain; charset=utf-8"}),
    ("threadcreate is attached to all threads and goes alone", r"GET threadcreate\?seconds=0?1.*", {"status": "200"},
     {"status": "503", "go_pprof": "1", "form": "said: threadcreate .*"}),
    ("an execution trace is Go's own", r"\w+ trace.*", {}, {"status": "404", "form": "said: Unknown profile"}),
    ("the heap's probe is in one process, and there are several", r"\w+ (heap|allocs)\b.*", {},
     {"status": "503", "form": "said: heap and allocs are of one process.*", "go_pprof": "1"}),
    ("only symbol takes POST; before 1.22 Go took any method", r"(POST|PUT|DELETE|OPTIONS|PATCH) (?!symbol).*", {},
     {"status": "405", "allow": ".*GET.*"}),
    ("symbol takes GET, HEAD and POST; before 1.22 Go took any method", r"(PUT|DELETE) symbol.*", {},
     {"status": "405", "allow": ".*POST.*"}),
    ("pprof asks for symbols by POST, which Go since 1.22 refuses", r"POST symbol.*", {"status": "405"},
     {"status": "200", "type": "text/plain; charset=utf-8", "nosniff": "nosniff", "form": "text num_symbols: 1 and 0"}),
    ("HEAD is answered at once, with what GET's answer would have", r"HEAD profile.*", {"status": "pending"},
     {"status": "200", "disposition": 'attachment; filename="profile"', "type": "application/octet-stream",
      "nosniff": "nosniff", "form": "no body"}),
    ("Go since 1.22 has no limit of a window", r".*seconds=3601.*", {"status": "pending"},
     {"status": "400", "go_pprof": "1", "form": "said: profile duration exceeds server's WriteTimeout"}),
    ("Go since 1.26 answers 307", r"\w+ /debug/pprof(\?.*)?", {"status": "307"},
     {"status": "301", "location": r"/debug/pprof/(\?.*)?"}),
    ("a path that is not one of the list is not made one", r"GET /debug/(/|pprof//|pprof/\.).*", {"status": "30[17]"},
     {"status": "404"}),
    ("other words for a page that is not there", r"\w+ /(nosuch|debug/?|debug/pprofx)", {"status": "404"},
     {"status": "404", "form": r"said: [^\n]+", "nosniff": "nosniff", "type": "text/plain; charset=utf-8"}),
    ("names of other machines are refused, so that no web page can ask", r"host .*evil.*", {"status": "200"},
     {"status": "403", "form": r"said: [^\n]+"}),
    ("a request has to say for whom it is", r"host (none|empty).*", {}, {"status": "400|403"}),
    ("Go sends the binary form and says that it is text", r"GET \w+\?debug=-1", {"form": "pprof .*"},
     {"status": "200", "form": "(pprof|text) .*", "nosniff": "nosniff"}),
    ("windows may overlap, Go has one at a time", r"second profile.*",
     {"status": "500", "form": "said: Could not enable CPU profiling: cpu profiling already in use"},
     {"status": "200", "form": "pprof samples/count,cpu/nanoseconds .*"}),
]

COUNT_TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"


def has(status, kind=ANY, form=ANY, disposition=None):
    expected = {"status": status, "type": re.escape(kind) if kind else ".*", "form": form or ".*"}
    if disposition:
        expected["disposition"] = 'attachment; filename="%s"' % disposition
    return expected


GONE = has("404", ANY, "said: .*")
# What Go has not: the row, what has to match. Aliases are those of gperftools and brpc.
MORE = [
    ("GET threads", has("200", BINARY, "pprof thread/count of thread/count, time now, duration none, .*", "threads")),
    ("GET threads?debug=1", has("200", COUNT_TEXT, "text thread profile: total #")),
    ("GET threads?debug=2", has("200", COUNT_TEXT, "text dump of all stacks")),
    ("GET threads?seconds=x", has("400", COUNT_TEXT, "said: (invalid value for .*|.*not supported.*)")),
    ("GET threadcreate?seconds=1", has("200", BINARY, "pprof threadcreate/count of threadcreate/count, time the end, "
                                                      "duration the window, .*", "threadcreate-delta")),
    ("GET wall?seconds=1", has("200", BINARY, "pprof samples/count,wall/nanoseconds of wall/nanoseconds, "
                                              "time the start, duration the window, .*", "wall")),
    ("HEAD wall", has("200", BINARY, "no body", "wall")),
    ("GET /pprof/profile?seconds=1", has("200", BINARY, "pprof samples/count,cpu/nanoseconds .*")),
    ("GET /pprof/contention", has("200", BINARY, "pprof contentions/count,delay/nanoseconds .*")),
    ("GET /pprof/symbol", has("200", COUNT_TEXT, "text num_symbols: 1 and 0")),
    ("POST /pprof/symbol", has("200", COUNT_TEXT, "text num_symbols: 1 and 0")),
    ("GET /pprof/cmdline", has("200", COUNT_TEXT, "command line")),
    ("GET /pprof/heap", {"status": "200|503"}),
    ("GET /pprof/growth", GONE),
    ("GET /pprof/nosuch", GONE),
    ("GET /metrics", has("200", "text/plain; version=0.0.4; charset=utf-8")),
    ("GET /", has("200", "text/html; charset=utf-8", ".*")),
    ("POST /metrics", {"status": "405", "allow": ".*GET.*"}),
    ("POST /", {"status": "405", "allow": ".*GET.*"}),
]


class Row:
    """kind: "" is answered at once, "window" after some seconds, "cpu" is that and one at a time."""

    def __init__(self, name, kind="", headers=(), body=b"", version="HTTP/1.1", path=None):
        self.name, self.kind, self.headers, self.body, self.version = name, kind, headers, body, version
        self.method, _, asked = name.partition(" ")
        if path is not None:
            self.method, asked = "GET", path
        self.path = asked if asked.startswith("/") else PPROF + asked
        found = re.search(r"seconds=0?(\d)\b", self.path)
        self.seconds = int(found.group(1)) if found and kind else 0


def snapshot_rows(name):
    for query in ("", "?debug=0", "?debug=1", "?debug=2", "?debug=x", "?debug=-1", "?gc=1", "?gc=1&debug=1",
                  "?seconds=", "?seconds=0", "?seconds=-1", "?seconds=x", "?seconds=1.5", "?seconds=0x1",
                  "?seconds=99999999999999999999", "?seconds=1&debug=1", "?seconds=0&debug=1", "?seconds=3601"):
        yield Row("GET " + name + query)
    yield Row("GET %s?seconds=1" % name, "window")
    yield Row("GET %s?seconds=01&debug=0" % name, "window")
    for query in ("", "?debug=1", "?seconds=0"):
        yield Row("HEAD " + name + query)
    yield Row("POST " + name, body=b"x")


def cpu_rows():
    for query in ("?seconds=1", "?seconds=1&debug=1"):
        yield Row("GET profile" + query, "cpu")
    for query in ("", "?seconds=0", "?seconds=-1", "?seconds=x", "?seconds=1.5", "?debug=1", "?seconds=3601"):
        yield Row("GET profile" + query, "cpu waits")
    yield Row("HEAD profile", "cpu waits")
    yield Row("second profile?seconds=1", "cpu second", path=PPROF + "profile?seconds=1")


def other_rows():
    for path in ("/debug/pprof", "/debug/pprof?x=1", "/debug/pprof/", "/debug/pprof/?debug=1", "/debug/pprofx", "/debug",
                 "/debug/", "/nosuch", "/debug/pprof//goroutine", "/debug//pprof/goroutine", "/debug/pprof/./goroutine",
                 "nosuch", "nosuch?seconds=1", "nosuch?debug=1", "goroutine/", "profile/", "cmdline/", "symbol/",
                 "Goroutine", "gor%6futine", "goroutine%20", "goroutine%00", "%00", "goroutine?%64ebug=1",
                 "goroutine?debug=1&debug=0", "goroutine?&&debug=1", "cmdline", "cmdline?debug=1", "cmdline?seconds=1",
                 "symbol", "symbol?", "symbol?0x1", "symbol?zz+0x1", "symbol?+++", "symbol?0x", "symbol?-1",
                 "symbol?0xffffffffffffffffff"):
        yield Row("GET " + path)
    for path in ("/debug/pprof/", "cmdline", "symbol", "nosuch", "symbol?0x1"):
        yield Row("HEAD " + path)
    yield Row("POST symbol")
    yield Row("POST symbol 0x1", body=b"0x1", path=PPROF + "symbol")
    for method in ("PUT", "DELETE"):
        yield Row(method + " symbol", body=b"0x1")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        for path in ("/debug/pprof/", "cmdline", "goroutine"):
            yield Row("%s %s" % (method, path), body=b"x")
    yield Row("GET trace?seconds=1", "window")
    yield Row("HTTP/1.0", version="HTTP/1.0", path=PPROF + "cmdline")
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1",
                 "127.0.0.1:1", "localhost", "LOCALHOST:9", "[::1]", "[::1]:80", "10.1.2.3:6060"):
        yield Row("host " + host, headers=[("Host", host)], path=PPROF + "cmdline")
    yield Row("host none", headers=[("Host", None)], path=PPROF + "cmdline")


def all_rows(quick):
    rows = [row for name in SNAPSHOTS for row in snapshot_rows(name)] + list(other_rows())
    rows = [row for row in rows if not quick or not row.kind]
    for row in rows:
        if row.name.startswith("POST symbol"):
            row.method = "POST"
    return rows + ([] if quick else list(cpu_rows()))


# --- what came ------------------------------------------------------------------------------------

class Observer:
    def __init__(self, base, pid, is_go):
        self.server, self.is_go = Server(base), is_go
        self.command_line = open("/proc/%s/cmdline" % pid, "rb").read()[:-1] if pid else None

    def fields(self, row, answer, sent):
        found = {field: str(answer.header(header)) for field, header in FIELDS.items()}
        found["status"], found["allow"] = str(answer.status), str(answer.header("Allow"))
        if 300 <= answer.status < 400:
            where = urljoin(self.server.prefix + row.path, found["location"])
            where = where.replace("http://" + self.server.host, "", 1)
            if not where.startswith(self.server.prefix):
                where = "outside: " + where
            where = where.replace(self.server.prefix, "", 1) if self.server.prefix else where
            return {"status": found["status"], "location": where}
        found["form"] = "no body" if row.method == "HEAD" else \
            form_of(answer, sent, row.seconds, self.command_line)
        if row.method == "HEAD" and answer.body:
            found["form"] = "a body"
        return found

    def look(self, row):
        waits = "waits" in row.kind or "3601" in row.path
        timeout = (GO_PENDING if self.is_go else PENDING) if waits else 1.5 * row.seconds + 15
        sent = time.time()
        try:
            answer = self.server.get(row.path, timeout, row.method, row.headers, row.body, row.version)
        except socket.timeout:
            return {"status": "pending" if waits else "no answer in %d s" % timeout}
        except (Broken, OSError, ValueError) as error:
            return {"status": "%s: %s" % (type(error).__name__, error)}
        return self.fields(row, answer, sent)

    def look_cpu(self, row):
        """Go ends a window whose client has gone only when it next looks."""
        for _ in range(50):
            found = self.look(row)
            if not self.is_go or found["status"] != "500":
                break
            time.sleep(0.1)
        return found

    def look_second(self, row):
        """While another one has its window, which is longer. Of Go, if that one has got it."""
        for _ in range(5):
            with self.server.connect() as first:
                first.sendall(self.server.request("GET", PPROF + "profile?seconds=3"))
                time.sleep(0.3)
                found = self.look(row)
            if not self.is_go or found["status"] == "500":
                break
        return found

    def cpu(self, row):
        return self.look_second(row) if "second" in row.kind else self.look_cpu(row)

    def all(self, rows):
        with ThreadPoolExecutor(12) as pool, ThreadPoolExecutor(1) as cpu:
            waiting = {}
            beside = [row for row in rows if self.is_go or not row.name.startswith("GET threadcreate?seconds=")]
            for row in beside:
                where = cpu if self.is_go and "cpu" in row.kind else pool
                waiting[row.name] = where.submit(self.cpu if "cpu" in row.kind else self.look, row)
            found = {name: future.result() for name, future in waiting.items()}
        # Its window waits for others, and others for it.
        found.update((row.name, self.look(row)) for row in rows if row not in beside)
        return found


# --- judgement ------------------------------------------------------------------------------------

def matches(found, expected):
    return all(re.fullmatch(pattern, found.get(field, "None"), re.S) for field, pattern in expected.items())


def allowed(name, go, found, options):
    for number, (why, rows, reference, tested) in enumerate(DIFFERENCES):
        if options.heap and "probe" in why:
            continue
        if re.fullmatch(rows, name) and matches(go, reference) and matches(found, tested):
            return number
    return None


def compare(rows, go, found, options):
    """How many rows are as they should be, and what is wrong."""
    wrong, used = [], {}
    for row in rows:
        a, b = go[row.name], found[row.name]
        fields = sorted(f for f in set(a) | set(b) if f != "allow" and a.get(f) != b.get(f))
        if not fields:
            continue
        why = None if options.same else allowed(row.name, a, b, options)
        if why is None:
            wrong.append("%s: %s" % (row.name, "; ".join("%s: Go %s, tested %s" % (f, a.get(f), b.get(f))
                                                         for f in fields)))
        else:
            used.setdefault(why, []).append(row.name)
    return wrong, used


def compare_more(tested, options):
    rows = [Row(name, "window" if "seconds=1" in name else "") for name, _ in MORE]
    rows = [row for row in rows if not (options.quick and row.kind or options.sub and row.path in ("/", "/metrics"))]
    alone = [row for row in rows if "threadcreate" in row.name]
    found, wrong = tested.all([row for row in rows if row not in alone]), []
    found.update((row.name, tested.look(row)) for row in alone)
    for name, expected in MORE:
        if name in found and not matches(found[name], expected):
            wrong.append("%s: expected %s, found %s" % (name, expected, found[name]))
    return len(rows), wrong


def patience(tested):
    """Thirty seconds if nobody says how many."""
    row = Row("GET profile", "cpu")
    row.seconds = 30
    found = tested.look(row)
    return [] if "duration the window" in found.get("form", "") else ["GET profile, patiently: %s" % found]


def symbols(observer):
    """Addresses of a profile are named as the profile names them; what is wrong."""
    server, wrong = observer.server, []
    try:
        profile = proof.Profile(server.get(PPROF + "goroutine", 30).body)
    except (ValueError, IndexError, KeyError, OSError, EOFError, gzip.zlib.error) as error:
        return ["goroutine is no profile: %r" % error]
    named = {}
    for location in profile.locations.values():
        if location["lines"] and location.get(2) and location.get(3):
            named[location[3]] = [profile.strings[profile.functions[line[1]].get(2, 0)]
                                  for line in location["lines"]]
    asked = sorted(named)[:40]
    if not asked:
        return ["no named address in goroutine"]
    query = "+".join("0x%x" % address for address in asked)
    answers = {"GET": server.get(PPROF + "symbol?" + query),
               "POST": server.get(PPROF + "symbol", 10, "POST", (), (query + "+0x1").encode())}
    for method, answer in answers.items():
        if observer.is_go and answer.status == 405:
            continue
        lines = answer.body.decode("utf-8").split("\n")
        known = dict(line.split(" ", 1) for line in lines[1:] if line)
        for address in asked:
            name = known.get("0x%x" % address)
            if name not in named[address]:
                wrong.append("%s symbol 0x%x: %s, the profile says %s" % (method, address, name, named[address]))
        if len(known) != len(asked):
            wrong.append("%s symbol: %d names of %d addresses" % (method, len(known), len(asked)))
    return wrong[:5]


def main(argv):
    parser = argparse.ArgumentParser()
    for option in ("same", "quick", "heap", "list", "patient", "sub"):
        parser.add_argument("--" + option, action="store_true")
    parser.add_argument("--pids", default=",")
    parser.add_argument("reference")
    parser.add_argument("tested")
    options = parser.parse_args(argv[1:])
    pids = options.pids.split(",")
    reference = Observer(options.reference, pids[0], True)
    tested = Observer(options.tested, pids[1], options.same)
    rows, both = all_rows(options.quick), {}
    threads = [threading.Thread(target=lambda key=key, of=of: both.update({key: of.all(rows)}))
               for key, of in (("go", reference), ("tested", tested))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong, used = compare(rows, both["go"], both["tested"], options)
    wrong += ["Go: " + line for line in symbols(reference)] + symbols(tested)
    n = len(rows)
    if options.patient:
        n, wrong = n + 1, wrong + patience(tested)
    if not options.same:
        more, bad = compare_more(tested, options)
        n, wrong = n + more, wrong + bad
    if options.list:
        for row in rows:
            print("%-40s %s" % (row.name, both["tested"][row.name]))
    print("%d requests, %d wrong; allowed differences:%s" % (n, len(wrong), "" if used else " none"))
    for number, names in sorted(used.items()):
        print("  %s: %d rows, %s" % (DIFFERENCES[number][0], len(names), ", ".join(names[:3])))
    for line in wrong:
        print("WRONG " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
