# SPDX-License-Identifier: GPL-2.0-or-later
"""A Chromium without a window, driven by its DevTools protocol over two pipes.

with Chromium(folder) as browser:    a fresh profile in that folder
    page = browser.open(url)         loaded
    page.run("1 + 1")                2; a promise is waited for
    page.wait("expression")          until it is true
    page.key("Enter"); page.type("text"); page.click("#id"); page.click_at(x, y)
    page.complaints                  what the console said as a warning or an error, exceptions
    page.requests                    addresses that were asked for
"""
import base64
import json
import os
import select
import signal
import subprocess
import time

PROGRAM = os.environ.get("CHROMIUM", "chromium")
LIMIT = float(os.environ.get("CHROMIUM_LIMIT", "30"))  # seconds of any one wait
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "Home": (36, ""), "ArrowLeft": (37, ""),
        "ArrowUp": (38, ""), "ArrowRight": (39, ""), "ArrowDown": (40, ""), "/": (191, "/")}


class Chromium:
    def __init__(self, folder, *options):
        self.folder, self.options = folder, options

    def __enter__(self):
        to_child, self.to = os.pipe()
        self.answers, from_child = os.pipe()
        # The protocol's ends are descriptors 3 and 4 of the browser.
        here = [fcntl_high(to_child), fcntl_high(from_child)]

        def place():
            os.dup2(here[0], 3)
            os.dup2(here[1], 4)
            os.setsid()

        self.process = subprocess.Popen(
            [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync",
             "--disable-component-update", "--remote-debugging-pipe", "--window-size=1280,900",
             "--user-data-dir=" + self.folder, *self.options],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=open(os.path.join(self.folder, "browser.out"), "w"), stderr=subprocess.STDOUT)
        for fd in (to_child, from_child, *here):
            os.close(fd)
        self.number, self.data, self.pages = 0, b"", {}
        return self

    def __exit__(self, *_):
        # It and its helpers are a session of their own.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.answers)

    def receive(self, until):
        """The next message; events are given to their page."""
        while b"\0" not in self.data:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self.data += part
        text, self.data = self.data.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message and message.get("sessionId") in self.pages:
            self.pages[message["sessionId"]].event(message["method"], message["params"])
        return message

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + LIMIT
        while True:
            answer = self.receive(until)
            if answer.get("id") == message["id"]:
                break
        if "error" in answer:
            raise RuntimeError(method + ": " + answer["error"]["message"])
        return answer["result"]

    def open(self, url, scheme="light"):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Runtime", "Log", "Network", "Page"):
            page.call(domain + ".enable")
        page.scheme(scheme)
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.complaints, self.requests, self.loads = [], [], 0

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def event(self, method, params):
        if method == "Runtime.consoleAPICalled" and params["type"] in ("warning", "error", "assert"):
            self.complaints.append(params["type"] + ": " + str([a.get("value") for a in params["args"]]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("warning", "error"):
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loads += 1

    def go(self, url):
        before = self.loads
        self.call("Page.navigate", url=url)
        until = time.monotonic() + LIMIT
        while self.loads == before:
            self.browser.receive(until)

    def scheme(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def front(self):
        """Before another one that was opened later: only the page in front is drawn."""
        self.call("Page.bringToFront")

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(script + ": " + answer["exceptionDetails"]["exception"].get("description", "?"))
        return answer["result"].get("value")

    def wait(self, script):
        """Until it is true; two frames later all that was to be drawn is."""
        until = time.monotonic() + LIMIT
        while True:
            if self.run("Boolean(%s)" % script):
                self.settle()
                return
            if time.monotonic() > until:
                raise TimeoutError("never true: " + script)
            time.sleep(0.02)

    def settle(self):
        self.run("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")

    def text(self, selector):
        return self.run("document.querySelector(%s).textContent" % json.dumps(selector))

    def is_shown(self, selector):
        return self.run("document.querySelector(%s).checkVisibility()" % json.dumps(selector))

    def key(self, key):
        code, text = KEYS.get(key, (ord(key[0].upper()), key))
        press = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **press)
        self.call("Input.dispatchKeyEvent", type="keyUp", **press)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)
        self.settle()

    def click_at(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def click(self, selector):
        box = self.run("(e => (e.scrollIntoView({block: 'center'}), e = e.getBoundingClientRect(), "
                       "[e.x + e.width / 2, e.y + e.height / 2]))(document.querySelector(%s))" % json.dumps(selector))
        self.click_at(*box)

    def choose(self, selector, value):
        self.run("(e => (e.value = %s, e.dispatchEvent(new Event('input', {bubbles: true})), "
                 "e.dispatchEvent(new Event('change', {bubbles: true}))))(document.querySelector(%s))"
                 % (json.dumps(value), json.dumps(selector)))
        self.settle()

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))


def fcntl_high(fd):
    """A copy that is in nobody's way."""
    import fcntl
    return fcntl.fcntl(fd, fcntl.F_DUPFD, 10)
