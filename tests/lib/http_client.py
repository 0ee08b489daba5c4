# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP client that sends what it is told to, right or wrong, and says exactly what came back."""
import socket
import time
from urllib.parse import unquote, urlsplit


class Broken(Exception):
    """What came back is no answer."""


class Answer:
    def __init__(self, status, headers, body, head):
        self.status, self.headers, self.body, self.head = status, headers, body, head

    def header(self, name):
        """All of that name, as one."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None


class Server:
    """By its base URL, with a path or without one; http+unix:SOCKET:PATH for a socket of that name."""

    def __init__(self, base):
        self.unix = None
        if base.startswith("http+unix:"):
            self.unix, _, prefix = base[len("http+unix:"):].partition(":")
            self.prefix, self.host = prefix.rstrip("/"), "localhost"
            return
        parts = urlsplit(base)
        self.address = parts.hostname, parts.port or 80
        self.prefix = unquote(parts.path.rstrip("/"))
        self.host = parts.netloc

    def connect(self, timeout=10.0, window=0):
        sock = socket.socket(socket.AF_UNIX if self.unix else
                             socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
        if window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.settimeout(timeout)
        sock.connect(self.unix if self.unix else self.address)
        return sock

    def request(self, method, path, headers=(), body=b"", version="HTTP/1.1", close=True):
        """The bytes of a request; path starts with a slash and is below the server's prefix."""
        headers = list(headers)
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            headers.insert(0, ("Host", self.host))
        if body and "content-length" not in names:
            headers.append(("Content-Length", str(len(body))))
        if close and "connection" not in names:
            headers.append(("Connection", "close"))
        lines = ["%s %s %s" % (method, self.prefix + path, version)]
        lines += ["%s: %s" % header for header in headers if header[1] is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def get(self, path, timeout=10.0, method="GET", headers=(), body=b"", version="HTTP/1.1"):
        """The answer; socket.timeout when none came, Broken when it is none."""
        with self.connect(timeout) as sock:
            sock.settimeout(timeout)
            try:
                sock.sendall(self.request(method, path, headers, body, version))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may have answered before it had read all
            stream = Stream(sock, timeout)
            answer = read_answer(stream, method)
            if method == "HEAD":
                answer.body = stream.rest()  # which is none: the connection ends
            return answer


class Stream:
    """What a socket gives, with a time for all of it."""

    def __init__(self, sock, timeout, most=1 << 16, pause=0.0):
        self.sock, self.end, self.most, self.pause = sock, time.monotonic() + timeout, most, pause
        self.data, self.is_over = b"", False

    def more(self):
        left = self.end - time.monotonic()
        if left <= 0:
            raise socket.timeout("no whole answer")
        self.sock.settimeout(left)
        if self.pause:
            time.sleep(self.pause)
        try:
            got = self.sock.recv(self.most)
        except (ConnectionResetError, BrokenPipeError):
            got = b""
        self.is_over = not got
        self.data += got
        return got

    def until(self, mark):
        while mark not in self.data:
            if self.is_over or not self.more():
                raise Broken("ends before %r: %r" % (mark, self.data[-200:]))
        found, self.data = self.data.split(mark, 1)
        return found

    def exactly(self, n):
        while len(self.data) < n:
            if self.is_over or not self.more():
                raise Broken("ends after %d of %d bytes" % (len(self.data), n))
        found, self.data = self.data[:n], self.data[n:]
        return found

    def rest(self):
        while not self.is_over:
            self.more()
        found, self.data = self.data, b""
        return found


def read_chunks(stream):
    body = b""
    while True:
        size = int(stream.until(b"\r\n").split(b";")[0], 16)
        body += stream.exactly(size)
        if size == 0:
            while stream.until(b"\r\n"):
                pass
            return body
        if stream.exactly(2) != b"\r\n":
            raise Broken("a chunk without its end")


def read_head(stream):
    head = stream.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
    parts = head[0].split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit() \
            or not 100 <= int(parts[1]) <= 599:
        raise Broken("no status line: %r" % head[0][:100])
    headers = []
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Broken("no header: %r" % line[:100])
        headers.append((name, value.strip()))
    return int(parts[1]), headers, head


def read_answer(stream, method="GET"):
    """One answer, whole. Interim answers (1xx) are passed over."""
    status, headers, head = read_head(stream)
    while 100 <= status < 200:
        status, headers, head = read_head(stream)
    answer = Answer(status, headers, b"", head)
    length, coding = answer.header("Content-Length"), answer.header("Transfer-Encoding")
    if method == "HEAD" or status in (204, 304):
        return answer
    if coding and "chunked" in coding.lower():
        answer.body = read_chunks(stream)
    elif length is not None:
        answer.body = stream.exactly(int(length))
    else:
        answer.body = stream.rest()
    return answer
