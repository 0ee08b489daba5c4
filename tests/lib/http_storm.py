#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients of a server of /debug/pprof/ at once, most of them bad, and what is left of it then.

http_storm.py [options] URL
  --clients N          windows asked for at once (50)
  --seconds N          how long each is (3); 30 by hand
  --fuzz N             broken requests afterwards (5000); 100000 by hand
  --seed N             of all that is random (1)
  --pid PID            of the server: it and its children live on, and their memory and descriptors
                       do not grow
  --rss-growth KIB     by more than this (24576), after a first storm of windows of a second
  --fd-growth N        nor by more than these (0), in the time that idle connections may have
  --metrics            /metrics is valid and its counters never fall
  --hz N               as often as that it has looked at its target while there were windows, or says
                       how often it has not: of four such looks one at most
  --save FILE          the first whole window
  --go                 the server is Go's: one window at a time, and any Host

Exit 1 and what is wrong. In the storm, besides the clients: oversized headers, bodies and queries,
broken requests, several in one connection, slow ones, names of other machines.
"""
import argparse
import gzip
import os
import random
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter

import proof
from http_client import Broken, Server, Stream, read_answer
from prometheus_text import CONTENT_TYPE, Text, fallen

PPROF = "/debug/pprof/"
# Before they know what HTTP it is, servers answer with a page or a word.
LIKE_HTTP = re.compile(rb"HTTP/1\.[01] [1-5]\d\d|<html|400")
ANSWERS_TO_BAD = {400, 403, 404, 405, 408, 411, 413, 414, 417, 431, 500, 501, 503, 505}


def said(got):
    """The status, or why there is none."""
    return "waits" if got is None else got[9:12].decode("latin-1") if got else "ended"


def profile_of(data):
    """The profile, or what is wrong with it."""
    try:
        return proof.Profile(data), None
    except (ValueError, IndexError, KeyError, OSError, EOFError, gzip.zlib.error) as error:
        return None, "no profile: %r" % error


class Storm:
    def __init__(self, options):
        self.options, self.server = options, Server(options.url)
        self.wrong, self.seen, self.lock = [], Counter(), threading.Lock()
        self.saved, self.seconds = None, 1

    def say(self, what):
        with self.lock:
            self.wrong.append(what)

    def count(self, what):
        with self.lock:
            self.seen[what] += 1

    # --- clients that want a profile --------------------------------------------------------------

    def ask(self, window=0):
        sock = self.server.connect(30, window)
        sock.sendall(self.server.request("GET", PPROF + "profile?seconds=%d" % self.seconds))
        return sock

    def check_profile(self, who, answer, may_be_short):
        words = answer.body.decode("utf-8", "replace").strip()
        if answer.status == 500 and self.options.go and "already in use" in words:
            self.count(who + ": in use")
            return
        if answer.status == 500 and may_be_short and words == "context canceled":
            self.count(who + ": taken for a hang-up")
            return
        if answer.status != 200:
            self.say("%s: %d %s" % (who, answer.status, words[:200]))
            return
        profile, error = profile_of(answer.body)
        if error:
            self.say("%s: %s" % (who, error))
            return
        is_short = profile.duration < 0.9e9 * self.seconds
        if ("cpu", "nanoseconds") not in profile.types or is_short and not may_be_short:
            self.say("%s: %s of %d ns" % (who, profile.types, profile.duration))
        with self.lock:
            self.saved = self.saved or (answer.body if not is_short else None)
        self.count(who)

    def reads(self, who, window=0, pause=0.0, most=1 << 16, half_closed=False):
        with self.ask(window) as sock:
            if half_closed:
                sock.shutdown(socket.SHUT_WR)
            stream = Stream(sock, self.seconds * 1.5 + 30, most, pause)
            try:
                answer = read_answer(stream)
            except Broken:
                if not half_closed:  # no more to say: some take that for a hang-up, which it may be
                    raise
                self.count(who + ": ended")
                return
        self.check_profile(who, answer, half_closed)

    def reader(self, _rng):
        self.reads("reader")

    def slow_reader(self, _rng):
        self.reads("slow reader", window=2048, pause=0.02, most=512)

    def half_closer(self, _rng):
        self.reads("half-closed", half_closed=True)

    def hangs_up(self, rng):
        with self.ask() as sock:
            time.sleep(rng.random() * self.seconds)
            if rng.random() < 0.5:  # with a reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.count("hang-up")

    # --- and those that want nothing good ----------------------------------------------------------

    def throw(self, who, data, good=(), answers=1):
        """Whatever comes is an answer, and soon; good: more statuses that are right."""
        with self.server.connect(10) as sock:
            try:
                sock.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before it was read
            stream = Stream(sock, 10)
            for _ in range(answers):
                try:
                    status = read_answer(stream).status
                except socket.timeout:
                    self.say("%s: no answer and no end in 10 s" % who)
                    return
                except Broken as error:
                    if stream.data or not stream.is_over:
                        self.say("%s: %s" % (who, error))
                    self.count(who + ": ended")
                    return
                self.count("%s: %d" % (who, status))
                if status not in ANSWERS_TO_BAD and status not in good:
                    self.say("%s: %d" % (who, status))

    def oversized(self, rng):
        one = rng.randrange(4)
        request, go = self.server.request, {200} if self.options.go else set()
        if one == 0:
            self.throw("100 KB of headers", request("GET", PPROF + "cmdline", [
                ("X-%d" % i, "x" * 1000) for i in range(100)]), go)
        elif one == 1:
            self.throw("a header of 100 KB", request("GET", PPROF + "cmdline", [("X", "x" * 100000)]), go)
        elif one == 2:
            self.throw("10 MB for symbol", request("POST", PPROF + "symbol", (), b"0x1+" * (10 << 18)), {200})
        else:
            self.throw("a query of 8 KB", request("GET", PPROF + "symbol?" + "0x1+" * 2048), {200})

    def malformed(self, rng):
        host = "Host: %s\r\n" % self.server.host
        lines = ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n",
                 "GET / HTTP/9.9\r\n" + host + "\r\n", "GET / HTTP/1.1\r\n" + host + " folded: x\r\n\r\n",
                 "GET  / HTTP/1.1\r\n" + host + "\r\n", "\x00\x01\x02\x03\r\n\r\n", "GET / HTTP/1.1\n\n",
                 "POST /debug/pprof/symbol HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
                 "POST /debug/pprof/symbol HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
                 "POST /debug/pprof/symbol HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
                 "POST /debug/pprof/symbol HTTP/1.1\r\n" + host + "Transfer-Encoding: nonsense\r\n\r\n",
                 "POST /debug/pprof/symbol HTTP/1.1\r\n" + host +
                 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                 "GET /debug/pprof/%zz HTTP/1.1\r\n" + host + "\r\n", "GET nothing HTTP/1.1\r\n" + host + "\r\n",
                 "GET /debug/pprof/../../../etc/passwd HTTP/1.1\r\n" + host + "\r\n",
                 "GET http://evil.example/debug/pprof/cmdline HTTP/1.1\r\n" + host + "\r\n",
                 "CONNECT x:1 HTTP/1.1\r\n" + host + "\r\n", "* / HTTP/1.1\r\n" + host + "\r\n"]
        data = rng.choice(lines)
        with self.server.connect(10) as sock:
            sock.sendall(data.encode("latin-1"))
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(1)
            try:
                got = sock.recv(4096)
            except socket.timeout:
                got = None  # it waits for more, which may be right
        if got and not LIKE_HTTP.match(got):
            self.say("%r: %r" % (data[:80], got[:80]))
        if got and b"root:" in got:
            self.say("%r: a file of the machine" % data[:80])
        self.count("malformed: %s" % said(got))

    def pipelined(self, _rng):
        paths = ["cmdline", "symbol", "nosuch", "cmdline"]
        data = b"".join(self.server.request("GET", PPROF + path, close=False) for path in paths[:-1])
        data += self.server.request("GET", PPROF + paths[-1])
        self.throw("pipelined", data, {200, 404}, len(paths))

    def slow_loris(self, rng):
        end = time.monotonic() + self.seconds
        with self.server.connect(5) as sock:
            try:
                sock.sendall(("GET %scmdline HTTP/1.1\r\nHost: %s\r\n" % (PPROF, self.server.host)).encode())
                while time.monotonic() < end:
                    sock.sendall(b"X-%d: y\r\n" % rng.randrange(99))
                    time.sleep(0.3)
            except OSError:
                self.count("slow loris: ended")
                return
        self.count("slow loris")

    def other_host(self, rng):
        host = rng.choice(["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1@evil.example",
                           "evil.example:%d" % (self.server.address[1] if not self.server.unix else 80),
                           "x" * 5000, "[::1", "127.0.0.1:x:y", "\x7f", "localhost\tevil"])
        data = self.server.request("GET", PPROF + "cmdline", [("Host", host)])
        self.throw("other host", data, {200} if self.options.go else ())

    # --- all at once --------------------------------------------------------------------------------

    def guarded(self, what, rng, may_be_refused=False):
        try:
            what(rng)
        except (ConnectionResetError, BrokenPipeError) as error:
            if not may_be_refused:
                self.say("%s: %s" % (what.__name__, error))
            self.count(what.__name__ + ": refused")
        except (OSError, Broken, ValueError) as error:
            self.say("%s: %s: %s" % (what.__name__, type(error).__name__, error))

    def again_and_again(self, what, rng, end):
        while time.monotonic() < end and len(self.wrong) < 20:
            self.guarded(what, rng, True)

    def run(self, seconds):
        self.seconds = seconds
        clients = [self.reader, self.reader, self.slow_reader, self.hangs_up, self.half_closer]
        bad = [self.oversized, self.malformed, self.pipelined, self.other_host] + 3 * [self.slow_loris]
        end = time.monotonic() + seconds
        threads = []
        for i in range(self.options.clients + len(bad)):
            rng, other = random.Random(self.options.seed * 1000 + i), i - self.options.clients
            threads.append(threading.Thread(target=self.guarded, args=(clients[i % 5], rng)) if other < 0 else
                           threading.Thread(target=self.again_and_again, args=(bad[other], rng, end)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not self.saved:
            self.say("nobody got a profile")

    def warm_up(self):
        """What it keeps for the most that it had to do at once is no loss."""
        self.run(1)
        self.saved, self.seen = None, Counter()


# --- requests that are nearly right -----------------------------------------------------------------

class Fuzz:
    WORDS = [b"\x00", b"\r\n", b"\r\n\r\n", b"%00", b"%", b"%zz", b"..", b"//", b"?", b"&", b"=", b"+", b"#", b" ", b"\t",
             b"-1", b"0", b"18446744073709551616", b"0x" + b"f" * 40, b"seconds=x", b"debug=1", b"HTTP/1.0", b"HEAD", b"POST",
             b"Host: evil\r\n", b"Content-Length: 0\r\n", b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n",
             b"Expect: 100-continue\r\n", b"Connection: keep-alive\r\n", b"Upgrade: h2c\r\n", b"Range: bytes=0-1\r\n",
             b"a" * 300, b"\xff\xfe", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"]

    def __init__(self, storm):
        self.storm, server = storm, storm.server
        gets = ["/debug/pprof", PPROF, "/metrics", "/", "/nosuch", "/pid/1/debug/pprof/", "/pprof/symbol"]
        gets += [PPROF + path for path in
                 ("cmdline", "symbol?0x1+0x2", "goroutine?debug=1", "goroutine?debug=2", "block?debug=1", "mutex",
                  "threadcreate?seconds=x", "heap?gc=1", "nosuch", "profile?seconds=3601", "trace?debug=2")]
        self.corpus = [server.request("GET", path) for path in gets]
        self.corpus += [server.request("HEAD", path) for path in gets[:4]]
        self.corpus += [server.request("POST", PPROF + "symbol", (), b"0x1+0x2+0x3"),
                        server.request("POST", PPROF + "symbol", [("Transfer-Encoding", "chunked")])
                        + b"3\r\n0x1\r\n0\r\n\r\n", server.request("OPTIONS", PPROF)]

    def mutate(self, rng):
        data = bytearray(rng.choice(self.corpus))
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            at, how = rng.randrange(len(data) + 1), rng.randrange(7)
            if how == 0 and at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            elif how == 1:
                data[at:at] = rng.choice(self.WORDS)
            elif how == 2:
                del data[at:at + rng.randrange(1, 9)]
            elif how == 3:
                data[at:at + len(data) // 8] = rng.choice(self.WORDS)
            elif how == 4:
                data = data[:at] + bytearray(rng.choice(self.corpus))[at:]
            elif how == 5:
                data[at:at] = data[at:at + rng.randrange(1, 64)]
            else:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
        # Windows last: these are other tests.
        return re.sub(rb"seconds=\+?0*[1-9]\d{0,3}\b", b"seconds=0", bytes(data)).replace(b"profile?", b"symbol?")

    def one(self, rng):
        data = self.mutate(rng)
        is_whole = self.is_whole(data)
        with self.storm.server.connect(5) as sock:
            got = b""
            try:
                sock.sendall(data)
                sock.settimeout(10 if is_whole else 0.01)
                while len(got) < 13:
                    more = sock.recv(4096)
                    if not more:
                        break
                    got += more
            except (ConnectionResetError, BrokenPipeError):
                pass
            except socket.timeout:
                if is_whole:
                    self.storm.say("fuzz: no answer in 10 s to %r" % data[:300])
                got = None
        if got and not LIKE_HTTP.match(got):
            self.storm.say("fuzz: %r to %r" % (got[:40], data[:300]))
        self.storm.count("fuzz: %s" % said(got))

    def is_whole(self, data):
        """There is nothing to wait for, neither for the server nor for us."""
        head, end, _ = data.partition(b"\r\n\r\n")
        waits = rb"content-length|transfer-encoding|expect|upgrade|profile|wall|seconds|%"
        return end and head and head.strip() == head and not re.search(waits, head, re.I)

    def many(self, n, seed):
        rng = random.Random(seed)
        for _ in range(n):
            if len(self.storm.wrong) > 20:
                return
            try:
                self.one(rng)
            except OSError as error:
                self.storm.say("fuzz: %r" % error)

    def run(self, n, seed, threads=8):
        workers = [threading.Thread(target=self.many, args=(n // threads, seed * 100 + i)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


# --- the server itself --------------------------------------------------------------------------------

def tree(pid):
    """It and its children."""
    found = [pid]
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            for child in open("/proc/%d/task/%s/children" % (pid, task)).read().split():
                found += tree(int(child))
    except OSError:
        pass
    return found


def used(pid):
    """Memory of its own in KiB, descriptors, processes."""
    memory = files = 0
    processes = tree(pid)
    for one in processes:
        try:
            status = open("/proc/%d/status" % one).read()
            memory += int(re.search(r"RssAnon:\s*(\d+)", status).group(1))
            files += len(os.listdir("/proc/%d/fd" % one))
        except (OSError, AttributeError):
            pass
    return memory, files, processes


def check_growth(storm, before):
    """What a window needs is given back when it is over, which may take its time."""
    options = storm.options
    for _ in range(100):
        memory, files, processes = used(options.pid)
        is_small = memory - before[0] <= options.rss_growth and files - before[1] <= options.fd_growth
        if is_small:
            break
        time.sleep(0.1)
    print("memory %d KiB, then %d; descriptors %d, then %d" % (before[0], memory, before[1], files))
    if processes != before[2]:
        storm.say("processes were %s and are %s" % (before[2], processes))
    if not is_small:
        storm.say("memory grew by %d KiB, descriptors by %d" % (memory - before[0], files - before[1]))


def check_metrics(storm, last):
    answer = storm.server.get("/metrics")
    text = Text(answer.body.decode("utf-8"))
    for line in text.wrong + (fallen(last, text) if last else []):
        storm.say("/metrics: " + line)
    if answer.status != 200 or answer.header("Content-Type") != CONTENT_TYPE:
        storm.say("/metrics: %d %s" % (answer.status, answer.header("Content-Type")))
    return text


def looks(text):
    """At the target: that were taken, and that were due."""
    taken, missed = (sum(value for key, value in text.series.items() if key[0] == "cpprof_attach_%s_total" % name)
                     for name in ("ticks", "ticks_missed"))
    return taken, taken + missed


def check_rate(storm, before, after):
    (taken, due), asked = (b - a for a, b in zip(looks(before), looks(after))), storm.options.hz * storm.options.seconds
    print("%d looks at the target, %d due, %d asked for" % (taken, due, asked))
    if due < 0.95 * asked or taken < 0.75 * due:
        storm.say("%d looks at the target, %d due, %d asked for" % (taken, due, asked))


def check_alive(storm):
    index = storm.server.get(PPROF)
    if index.status != 200 or b"goroutine?debug=1" not in index.body:
        storm.say("no index: %d" % index.status)
    for _ in range(50):
        answer = storm.server.get(PPROF + "profile?seconds=1", 30)
        if not (storm.options.go and answer.status == 500):
            break
        time.sleep(0.1)
    if answer.status != 200 or profile_of(answer.body)[1]:
        storm.say("no profile: %d %r" % (answer.status, answer.body[:100]))


def main(argv):
    parser = argparse.ArgumentParser()
    for option, default in (("clients", 50), ("seconds", 3), ("fuzz", 5000), ("seed", 1), ("pid", 0), ("rss-growth", 24576),
                            ("fd-growth", 0), ("hz", 0)):
        parser.add_argument("--" + option, type=int, default=default)
    for option in ("metrics", "go"):
        parser.add_argument("--" + option, action="store_true")
    parser.add_argument("--save")
    parser.add_argument("url")
    options = parser.parse_args(argv[1:])
    storm = Storm(options)
    check_alive(storm)  # and all is there that it needs
    if options.pid and options.clients:
        storm.warm_up()
    before = used(options.pid) if options.pid else None
    metrics = check_metrics(storm, None) if options.metrics else None
    if options.clients:
        storm.run(options.seconds)
    if options.metrics:
        earlier, metrics = metrics, check_metrics(storm, metrics)
        if options.hz:
            check_rate(storm, earlier, metrics)
    if options.fuzz:
        started = time.monotonic()
        Fuzz(storm).run(options.fuzz, options.seed)
        print("%d broken requests, %d each second" % (options.fuzz, options.fuzz / (time.monotonic() - started)))
    try:
        check_alive(storm)
        if options.metrics:
            check_metrics(storm, metrics)
    except (OSError, Broken) as error:
        storm.say("afterwards: %s: %s" % (type(error).__name__, error))
    if before:
        check_growth(storm, before)
    if options.save and storm.saved:
        open(options.save, "wb").write(storm.saved)
    print(", ".join("%s %d" % item for item in sorted(storm.seen.items())))
    for line in storm.wrong[:20]:
        print("WRONG " + line)
    return 1 if storm.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
