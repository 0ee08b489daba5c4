#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A store that is strict: it takes what Pyroscope's and Parca's push APIs take, and nothing else.

push_server.py FOLDER [OPTION VALUE]...

Writes its port into FOLDER/port, and a line into FOLDER/log for each request:

    taken STORE KIND NUMBER SERVICE     each profile; NUMBER is in the profile's comment "number N"
    bad WHY                             it breaks a rule, and got 400
    played ACTION                       what it did instead, see plan

and into FOLDER/labels the labels of each profile, as JSON.

    port N          the port (0)
    plan A,B,...    what to do with one request after the other, the last one for all that follow:
                    ok; a status, 429:2 with Retry-After: 2, 301; hang: never answers; half: closes
                    its side without a word; reset: in the middle of the body; slow: reads slowly.
                    A*3 is three times the same.
    auth HEADER     the Authorization that is wanted; 401 without it
    tenant T        the X-Scope-OrgID that is wanted
    keep DIR        each profile, in the order of coming, as DIR/NUMBER.STORE.KIND.pb.gz
    prefix P        what stands before the path
    tls FILE        certificate and key: HTTPS
"""
import base64
import gzip
import http.server
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
import uuid

from proof import fields, message, packed, signed

PYROSCOPE, PARCA = "/push.v1.PusherService/Push", "/api/profiles/writeraw"
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SAMPLE_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.]*")
# What the name says that the profile is of: its types and units.
KINDS = {
    "process_cpu": "samples:count cpu:nanoseconds cpu:nanoseconds",
    "wall": "samples:count wall:nanoseconds wall:nanoseconds",
    "block": "contentions:count delay:nanoseconds contentions:count",
    "mutex": "contentions:count delay:nanoseconds contentions:count",
    "thread": "thread:count thread:count",
    "threadcreate": "threadcreate:count threadcreate:count",
    "goroutine": "goroutine:count goroutine:count",
    "memory": ("alloc_objects:count alloc_space:bytes space:bytes", "inuse_objects:count inuse_space:bytes space:bytes"),
}


class Bad(Exception):
    pass


def need(condition, why, *args):
    if not condition:
        raise Bad(why % args)


# --- the profile -----------------------------------------------------------------------------

def dense(items, what):
    ids = [message(item).get(1, 0) for item in items]
    need(ids == list(range(1, len(ids) + 1)), "ids of %s are %s", what, ids[:5])
    return len(ids)


def check_sample(sample, types, locations, strings):
    raw = message(sample, (1, 2, 3))
    ids = [n for part in raw[1] for n in packed(part)]
    values = [signed(n) for part in raw[2] for n in packed(part)]
    need(len(values) == types, "%d values of %d types", len(values), types)
    need(all(value >= 0 for value in values), "a negative value")
    need(ids and all(1 <= n <= locations for n in ids), "locations %s", ids[:5])
    need(len(ids) <= 1000, "a stack of %d", len(ids))
    seen = set()
    for label in map(message, raw[3]):
        key = strings[label.get(1, 0)]
        need(SAMPLE_LABEL.fullmatch(key), "a sample's label %r", key)
        need(key not in seen, "a sample's label %s twice", key)
        need(bool(label.get(2)) != bool(label.get(3)), "the label %s has two values or none", key)
        seen.add(key)


def type_name(data, strings):
    kind = message(data)
    name, unit = strings[kind.get(1, 0)], strings[kind.get(2, 0)]
    need(LABEL.fullmatch(name) and LABEL.fullmatch(unit), "the type %r of unit %r", name, unit)
    return name + ":" + unit


def check_profile(data):
    """Its types as in KINDS, and its comments."""
    plain = gzip.decompress(data)
    need(0 < len(plain) <= 4 << 20, "a profile of %d bytes", len(plain))
    raw = message(plain, (1, 2, 3, 4, 5, 6, 13))
    strings = [part.decode("utf-8") for part in raw[6]]
    need(strings and strings[0] == "", "the first string is not empty")
    need(len(set(strings)) == len(strings), "a string twice")
    types = [type_name(part, strings) for part in raw[1]]
    need(types and len(set(types)) == len(types), "the types are %s", types)
    need(11 in raw and raw.get(12), "no period")
    locations = dense(raw[4], "locations")
    mappings, functions = dense(raw[3], "mappings"), dense(raw[5], "functions")
    for location in raw[4]:
        one = message(location, (4,))
        need(one.get(2, 0) <= mappings, "a location's mapping")
        need(all(1 <= message(line).get(1, 0) <= functions for line in one[4]), "a line's function")
    need(len(raw[2]) <= 16000, "%d samples", len(raw[2]))
    for sample in raw[2]:
        check_sample(sample, len(types), locations, strings)
    age = time.time() - raw.get(9, 0) / 1e9
    need(-600 < age < 3600, "the profile is of %.0f s ago", age)
    comments = [strings[n] for part in raw[13] for n in packed(part)]
    return " ".join(types + [type_name(raw[11], strings)]), comments


# --- labels ----------------------------------------------------------------------------------

def check_labels(pairs, required):
    labels = {}
    for name, value in pairs:
        need(LABEL.fullmatch(name), "the label %r", name)
        need(name not in labels, "the label %s twice", name)
        need(len(name) <= 1024 and len(value.encode()) <= 2048, "the label %s is long", name)
        need(value, "the label %s is empty", name)
        labels[name] = value
    need(len(labels) <= 30, "%d labels", len(labels))
    need([name for name, _ in pairs] == sorted(labels), "labels are not in order")
    missing = set(required) - set(labels)
    need(not missing, "no label %s", sorted(missing))
    return labels


def check_series(labels, data):
    kind = labels["__name__"]
    types, comments = check_profile(data)
    known = KINDS.get(kind, ())
    need(types in (known if isinstance(known, tuple) else (known,)), "%s has types %s", kind, types)
    number = [c.split()[1] for c in comments if c.startswith("number ")]
    return kind, number[0] if number else "-", labels, data


def text(data):
    return data.decode("utf-8")


def read_pyroscope(headers, body):
    need(headers.get("Content-Type") == "application/proto", "Content-Type %s", headers.get("Content-Type"))
    encoding = headers.get("Content-Encoding", "identity")
    need(encoding in ("identity", "gzip"), "Content-Encoding %s", encoding)
    if encoding == "gzip":
        body = gzip.decompress(body)
    found = []
    for number, series in fields(body):
        need(number == 1, "PushRequest has a field %d", number)
        parts = list(fields(series))
        need({n for n, _ in parts} == {1, 2}, "series has fields %s", [n for n, _ in parts])
        pairs = [tuple(text(v) for _, v in sorted(fields(part))) for n, part in parts if n == 1]
        labels = check_labels(pairs, ("__name__", "service_name", "instance", "__delta__", "pyroscope_spy"))
        need(labels["__delta__"] == "false", "__delta__ is %s", labels["__delta__"])
        samples = [dict(fields(part)) for n, part in parts if n == 2]
        need(len(samples) == 1 and sorted(samples[0]) == [1, 2], "samples %s", [sorted(s) for s in samples])
        name = text(samples[0][2])
        need(str(uuid.UUID(name)) == name and uuid.UUID(name).version == 4, "the ID %s", name)
        found.append(check_series(labels, samples[0][1]) + (name,))
    return found


def only(value, *keys):
    need(isinstance(value, dict) and sorted(value) == sorted(keys), "JSON %s instead of %s", list(value), keys)
    return [value[key] for key in keys]


def read_parca(headers, body):
    need(headers.get("Content-Type") == "application/json", "Content-Type %s", headers.get("Content-Type"))
    need("Content-Encoding" not in headers, "Parca knows no Content-Encoding")
    request = json.loads(text(body))
    request.pop("normalized", None)
    found = []
    for series in only(request, "series")[0]:
        labels, samples = only(series, "labels", "samples")
        pairs = [tuple(only(pair, "name", "value")) for pair in only(labels, "labels")[0]]
        labels = check_labels(pairs, ("__name__", "service_name", "job", "instance"))
        need(len(samples) == 1, "%d samples", len(samples))
        data = base64.b64decode(only(samples[0], "rawProfile")[0], validate=True)
        found.append(check_series(labels, data) + ("-",))
    return found


# --- the server ------------------------------------------------------------------------------

def make_plan(plan):
    actions = []
    for word in plan.split(","):
        action, _, times = word.partition("*")
        actions += [action] * int(times or 1)
    return actions


class Store:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.plan = make_plan(options.get("plan", "ok"))
        self.ids = {}
        self.lock = threading.Lock()

    def log(self, line, name="log"):
        with self.lock, open(os.path.join(self.folder, name), "a") as out:
            out.write(line + "\n")

    def keep(self, name, data):
        with self.lock:
            number = len(os.listdir(self.options["keep"]))
            # Whole or not at all: we are killed now and then.
            path = os.path.join(self.options["keep"], "%05d.%s" % (number, name))
            with open(path + ".new", "wb") as out:
                out.write(data)
            os.rename(path + ".new", path + ".pb.gz")

    def next_action(self):
        with self.lock:
            return self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]

    def read(self, path, headers, body):
        prefix = self.options.get("prefix", "")
        need(path.startswith(prefix), "the path %s", path)
        path = path[len(prefix):]
        need(path in (PYROSCOPE, PARCA), "the path %s", path)
        need(headers.get("User-Agent", "").startswith("cpprof-attach/"), "the User-Agent")
        need("Expect" not in headers, "Expect: %s", headers.get("Expect"))
        found = (read_pyroscope if path == PYROSCOPE else read_parca)(headers, body)
        need(found, "no series")
        for kind, number, labels, data, name in found:
            # A request that is tried again keeps its ids; no others are the same.
            need(name == "-" or self.ids.setdefault(name, (kind, number)) == (kind, number), "an ID twice")
            self.log("taken %s %s %s %s" % ("pyroscope" if path == PYROSCOPE else "parca", kind, number,
                                            labels["service_name"]))
            self.log(json.dumps(labels), "labels")
            if "keep" in self.options:
                self.keep("%s.%s" % ("pyroscope" if path == PYROSCOPE else "parca", kind), data)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code, words, headers=()):
        self.answer(status, json.dumps({"code": code, "message": words}).encode() + b"\n",
                    [("Content-Type", "application/json"), *headers])

    def do_GET(self):
        self.server.store.log("bad GET " + self.path)
        self.error(405, "unimplemented", "POST only")

    def play(self, action, length):
        self.server.store.log("played " + action)
        self.close_connection = True
        if action == "reset":
            self.rfile.read(min(length, 100))
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if action == "hang":
            time.sleep(8)
            return
        self.rfile.read(length)
        if action == "half":
            self.connection.shutdown(socket.SHUT_WR)
            return
        self.close_connection = False
        status, _, after = action.partition(":")
        headers = [("Retry-After", after)] if after else []
        if status[0] == "3":
            headers.append(("Location", "http://elsewhere.invalid/final"))
        self.error(int(status), "played", "it was asked\x1b[31m to say %s" % status, headers)

    def read_body(self, action, length):
        if action != "slow":
            return self.rfile.read(length)
        self.server.store.log("played slow")
        body = b""
        while len(body) < length:
            body += self.rfile.read(min(length - len(body), length // 10 + 1))
            time.sleep(0.03)
        return body

    def is_known(self):
        options = self.server.store.options
        for name, header in (("auth", "Authorization"), ("tenant", "X-Scope-OrgID")):
            if options.get(name) != self.headers.get(header):
                return False
        return True

    def do_POST(self):
        store = self.server.store
        length = int(self.headers.get("Content-Length", "-1"))
        action = store.next_action()
        if action not in ("ok", "slow"):
            self.play(action, length)
            return
        body = self.read_body(action, length)
        if not self.is_known():
            store.log("played 401")
            self.error(401, "unauthenticated", "who are you?")
            return
        try:
            need(0 < length <= 256 << 20, "Content-Length %d", length)
            store.read(self.path, self.headers, body)
        except Exception as error:  # whatever it is that cannot be read
            store.log("bad %s: %s" % (type(error).__name__, error))
            self.error(400, "invalid_argument", str(error))
            return
        self.answer(200, b"{}" if self.path.endswith(PARCA) else b"")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that is gone


def main():
    folder, words = sys.argv[1], sys.argv[2:]
    options = dict(zip(words[::2], words[1::2]))
    server = Server(("127.0.0.1", int(options.get("port", 0))), Handler)
    server.store = Store(folder, options)
    if "tls" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["tls"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(folder, "port.new"), "w") as out:
        out.write("%d\n" % server.server_port)
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    server.serve_forever()


main()
