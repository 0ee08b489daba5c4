# SPDX-License-Identifier: GPL-2.0-or-later
"""A server for the page of web/ whose answers are made up: what the profiler's own would say.

server = Server(page, view, dump)    the page's text, JSON texts
server.url                           of the folder that the page is in
server.release                       an Event: no profile is answered before it is set
server.asked                         (path and query, how it ended: "answered", "given up", "refused")
"""
import http.server
import json
import select
import socket
import threading
import urllib.parse

FOLDER = "/secret-folder/"
KINDS = [("cpu", False, False), ("wall", False, False), ("threads", True, False), ("block", False, True),
         ("mutex", False, True)]
TARGET = {
    "program": "cpprof-attach", "hz": 100, "most_seconds": 3600, "speedscope": True,
    "processes": [{"pid": 11, "comm": "postgres"}, {"pid": 12, "comm": "<b>worker</b>"}],
    "kinds": [{"name": name, "of_moment": moment, "counter": counter} for name, moment, counter in KINDS],
}
REFUSAL = "process 11 is traced by gdb (4711) <img src=x onerror=alert(1)>"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def is_given_up(self):
        """The client has closed its end."""
        readable = select.select([self.connection], [], [], 0.02)[0]
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def view(self):
        while not self.server.owner.release.is_set():
            if self.is_given_up():
                self.close_connection = True
                return "given up"
        self.answer(200, "application/json", self.server.owner.view)
        return "answered"

    def do_GET(self):
        owner, url = self.server.owner, urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        name = url.path[len(FOLDER):] if url.path.startswith(FOLDER) else None
        how = "answered"
        if name == "":
            self.answer(200, "text/html; charset=utf-8", owner.page)
        elif name == "api/target":
            self.answer(200, "application/json", json.dumps(TARGET))
        elif name == "api/view" and query.get("kind") == ["mutex"]:
            self.answer(409, "text/plain; charset=utf-8", REFUSAL + "\n")
            how = "refused"
        elif name == "api/view":
            how = self.view()
        elif name == "api/dump":
            owner.dumps += 1
            self.answer(200, "application/json", json.dumps({**json.loads(owner.dump), "took_ns": owner.dumps * 10**9}))
        else:
            self.answer(404, "text/plain", "there is no " + self.path)
            how = "not there"
        owner.asked.append((self.path[len(FOLDER):] if name is not None else self.path, how))


class Server:
    def __init__(self, page, view, dump):
        self.page, self.view, self.dump = page, view, dump
        self.asked, self.dumps, self.release = [], 0, threading.Event()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.owner = self
        self.url = "http://127.0.0.1:%d%s" % (self.http.server_address[1], FOLDER)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def end(self):
        self.release.set()
        self.http.shutdown()
