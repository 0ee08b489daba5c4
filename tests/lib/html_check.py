#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks at pages in a browser, and holds what they show to what is known otherwise.

html_check.py FOLDER      with cpu.html, cpu.pb.gz and cpu.txt of one recording, wall.html and
                          wall.pb.gz of another, hostile.html, dump.json

The true values are those of the pprof file, by proof.py's own decoder. Prints "pass: ..." or
"FAIL: ..." for each check.
"""
import json
import os
import re
import sys
import tempfile
import traceback
from collections import Counter

import proof
from chromium import Chromium
from html_server import FOLDER, REFUSAL, Server

ROW = 19  # height of a frame, as in web/flame.js
folder = sys.argv[1]
failed = 0


def path(name):
    return os.path.join(folder, name)


def is_true(what, truth, found=""):
    global failed
    failed += not truth
    print(("pass: " if truth else "FAIL: ") + what + (": " + " ".join(str(found).split())[:300] if found != "" else ""))


def is_equal(what, expected, found):
    is_true(what, expected == found, "" if expected == found else "expected %r, found %r" % (expected, found))


# --- what is known ----------------------------------------------------------------------------

class Truth:
    """Sums of a pprof file by function; stacks root first."""

    def __init__(self, name, at=-1):
        profile = proof.Profile(path(name))
        self.flat, self.cum, self.stacks = Counter(), Counter(), []
        self.comments = profile.comments
        for s in profile.samples:
            names = list(reversed(s.all_names()))
            self.stacks.append((names, s.values[at], s.labels))
            self.flat[names[-1]] += s.values[at]
            for one in set(names):
                self.cum[one] += s.values[at]
        self.total = sum(value for _, value, _ in self.stacks)

    def heaviest(self, above):
        """The name below that path with most of it, and its value."""
        below = Counter()
        for names, value, _ in self.stacks:
            if names[:len(above)] == above and len(names) > len(above):
                below[names[len(above)]] += value
        return below.most_common(1)[0]

    def with_word(self, word):
        return sum(v for names, v, _ in self.stacks if any(word in name for name in names))


ROWS = """[...document.querySelectorAll("#functions tbody tr")].map(tr => ({
    name: tr.querySelector(".name").textContent,
    values: [...tr.querySelectorAll("[data-value]")].map(td => Number(td.dataset.value)),
    texts: [...tr.cells].slice(0, 4).map(td => td.textContent)}))"""


def percent(value, total):
    return "100%" if abs(value / total - 1) < 0.0005 else "%.2f%%" % (100 * value / total)


# --- a page with a profile in it --------------------------------------------------------------

def table(page, truth):
    rows = page.run(ROWS)
    is_equal("table: flat and cum of every function",
             {n: [truth.flat[n], truth.cum[n]] for n in truth.cum if truth.cum[n]},
             {row["name"]: row["values"] for row in rows})
    is_equal("total", truth.total, int(page.run("document.getElementById('total').dataset.value")))
    lines = [line.split(None, 5) for line in open(path("cpu.txt")) if re.match(r" *[0-9.]+[a-z]* +[0-9.]+%", line)]
    is_equal("table: as the text report writes it",
             {re.sub(r" \((partial-)?inline\)", "", line[5].strip()): [line[0], line[1], line[3], line[4]] for line in lines},
             {row["name"]: row["texts"] for row in rows})
    page.click("#functions thead th:nth-child(3) button")
    cums = [row["values"][1] for row in page.run(ROWS)]
    is_true("table: sorted by cum", cums == sorted(cums, reverse=True) and len(cums) > 3)
    page.click("#functions thead th:nth-child(5) button")
    names = [row["name"] for row in page.run(ROWS)]
    is_equal("table: sorted by name", sorted(names), names)
    is_equal("table: a reader is told of it", "ascending",
             page.run("document.querySelector('#functions th:nth-child(5)').getAttribute('aria-sort')"))
    comments = page.run("[...document.querySelectorAll('#comments li')].map(li => li.textContent)")
    is_equal("all comments", truth.comments, comments)


def search(page, truth):
    page.key("/")
    page.type("share_2")
    value = truth.with_word("share_2")
    text = page.text("#matched")
    is_true("search: share of what matches", text.endswith(percent(value, truth.total) + " of all"), text)
    is_equal("search: functions", {"share_25", "share_20"}, {row["name"] for row in page.run(ROWS)})
    page.run("document.getElementById('search').value = ''")
    page.type("ain")  # several functions of one stack
    value = truth.with_word("ain")
    is_true("search: a sample counts once", page.text("#matched").endswith(percent(value, truth.total) + " of all"),
            page.text("#matched"))
    page.key("Escape")
    is_true("Escape: all again", len(page.run(ROWS)) > 5 and "of all" not in page.text("#matched"))


def keyboard(page, truth):
    page.run("document.querySelector('#flame canvas').focus()")
    above = []
    for _ in range(6):
        page.key("ArrowDown")
        name, value = truth.heaviest(above)
        above.append(name)
        text = page.text("#details")
        is_true("down to %s" % name, text.startswith(name + " — ") and percent(value, truth.total) + " of all" in text,
                text)
    page.key("Enter")
    is_true("Enter zooms", page.text("#details").startswith("Zoomed to " + above[-1]))
    page.key("ArrowUp")
    is_true("up to its caller", page.text("#details").startswith(above[-2] + " — "))
    page.key("Escape")
    is_true("Escape ends the zoom", "Zoomed" not in page.text("#details"))
    page.key("Home")
    is_true("Home is the root", page.text("#details").startswith("all — "))
    return above


def frame_at(page, depth):
    """The middle of the widest frame there: the first one."""
    box = page.run("(e => (e.scrollIntoView({block: 'center'}), e = e.getBoundingClientRect(), [e.x, e.y]))"
                   "(document.querySelector('#flame canvas'))")
    return box[0] + 8, box[1] + depth * ROW + ROW / 2


def mouse(page, truth, above):
    x, y = frame_at(page, 2)
    page.click_at(x, y)
    is_true("a click zooms", page.text("#details").startswith("Zoomed to " + above[1]), page.text("#details"))
    is_true("a tip says what it is", page.is_shown("#tip") and page.text("#tip").startswith(above[1]))
    pixels = page.run("[...document.querySelector('#flame canvas').getContext('2d').getImageData(4, %d, 1, 1).data]" % (2 * ROW + 4))
    is_equal("it is drawn", 255, pixels[3])
    page.key("Escape")
    page.run("[...document.querySelectorAll('.name')].find(e => e.textContent === 'share_40').click()")
    text = page.text("#selected")
    is_true("a function is selected", page.is_shown("#selected") and percent(truth.cum["share_40"], truth.total) in text, text)
    page.click("#both")
    is_true("its callers and callees", page.is_shown("#callers canvas") and not page.is_shown("#flame canvas"))
    page.run("document.querySelector('#callers canvas').focus()")
    page.key("ArrowUp")
    page.settle()
    is_true("its caller", page.text("#details").startswith("deal — "), page.text("#details"))
    page.click("#back")
    page.click("#deselect")
    is_true("and back", page.is_shown("#flame canvas") and not page.is_shown("#selected"))


def tab(page):
    met = {"search"}
    page.key("/")
    for _ in range(16):
        page.key("Tab")
        met.add(page.run("document.activeElement.id || document.activeElement.tagName"))
    is_true("Tab reaches every control", {"search", "type", "colour", "split", "layout", "reset", "CANVAS"} <= met,
            sorted(met))


def values(page):
    samples = Truth("cpu.pb.gz", 0)
    page.choose("#type", "0")
    is_equal("the other value", samples.total, int(page.run("document.getElementById('total').dataset.value")))
    page.choose("#type", "1")


def split(page):
    truth, of_state = Truth("wall.pb.gz"), Counter()
    for _, value, labels in truth.stacks:
        of_state[labels["state"]] += value
    page.choose("#split", "state")
    page.choose("#colour", "state")
    page.run("document.querySelector('#flame canvas').focus()")
    page.key("Home")
    page.key("ArrowDown")
    found = {}
    for _ in of_state:
        name, share = re.match(r"(.*?) — [^,]*, ([0-9.]+)%", page.text("#details")).groups()
        found[name] = float(share)
        page.key("ArrowRight")
    is_true("split by state", set(found) == set(of_state) and len(found) > 2 and all(
        abs(found[s] - 100 * of_state[s] / truth.total) < 0.01 for s in found), found)
    page.choose("#layout", "up")
    page.key("Home")
    page.key("ArrowUp")
    is_true("root at the bottom: up is to the leaf", page.text("#details").split(" — ")[0] == of_state.most_common(1)[0][0])


def no_complaint(what, page, allowed=()):
    is_equal(what + ": nothing on the console", [], [c for c in page.complaints if not any(a in c for a in allowed)])


def from_file(browser):
    truth = Truth("cpu.pb.gz")
    page = browser.open("file://" + path("cpu.html"))
    table(page, truth)
    search(page, truth)
    above = keyboard(page, truth)
    mouse(page, truth, above)
    values(page)
    tab(page)
    no_complaint("cpu.html", page)
    is_equal("cpu.html: it asks nobody", ["file://" + path("cpu.html")], page.requests)
    page = browser.open("file://" + path("wall.html"), "dark")
    split(page)
    no_complaint("wall.html", page)


def hostile(browser):
    page = browser.open("file://" + path("hostile.html"))
    name = open(path("hostile.name")).read()
    is_true("the hostile name is there as it is", name in [row["name"] for row in page.run(ROWS)])
    page.run("document.querySelector('#flame canvas').focus()")
    page.key("/")
    page.type("</script")
    is_equal("and found", [name], [row["name"] for row in page.run(ROWS)])
    page.run("document.querySelector('.name').click()")
    is_equal("it made no element", 0, page.run("document.querySelectorAll('img, script:not(#data):not(:last-of-type)').length"))
    is_equal("it did nothing", None, page.run("window.owned"))
    no_complaint("hostile.html", page)
    is_equal("hostile.html: it asks nobody", 1, len(page.requests))


# --- the page as it is served -----------------------------------------------------------------

def served(browser):
    page_text = open(path("cpu.html"), encoding="utf-8").read()
    head, data, tail = re.fullmatch(r'(.*?id="data">)(.*?)(</script>.*)', page_text, re.S).groups()
    server = Server(head + tail, data, open(path("dump.json")).read())
    page = browser.open(server.url)
    page.wait("document.getElementById('take').checkVisibility()")
    is_equal("kinds of profile", ["cpu", "wall", "threads", "block", "mutex"],
             page.run("[...document.getElementById('kind').options].map(o => o.value)"))
    take(page, server)
    kept(page, browser)
    refused(page)
    links(page)
    dump(page, server)
    no_complaint("served", page, ["409"])
    own = [r for r in page.requests if not r.startswith(server.url)]
    is_equal("nothing is asked for outside of its folder", [], own)
    is_true("and the folder is the server's", server.url.endswith(FOLDER))
    server.end()


def ended(server, how):
    return [what for what, end in server.asked if end == how]


def take(page, server):
    page.choose("#seconds", "900")
    page.click("#start")
    page.wait("document.getElementById('progress').checkVisibility() && document.getElementById('progress').value > 0")
    is_true("time left", re.fullmatch(r"(900|8\d\d) s left", page.text("#left")), page.text("#left"))
    is_equal("a reader is told", "Sampling for 900 seconds.", page.text("#progress_said"))
    page.click("#cancel")
    page.wait("document.getElementById('start').checkVisibility()")
    for _ in range(100):
        if ended(server, "given up"):
            break
        page.settle()
    is_equal("Cancel ends the request", ["api/view?kind=cpu&seconds=900"], ended(server, "given up"))
    is_true("and that is no error", not page.is_shown("#error"))
    server.release.set()
    page.choose("#seconds", "1")
    page.choose("#pid", "12")
    page.click("#start")
    page.wait("document.getElementById('report').checkVisibility()")
    is_true("the profile is asked for as chosen", "api/view?kind=cpu&seconds=1&pid=12" in ended(server, "answered"))
    is_equal("and shown", Truth("cpu.pb.gz").total, int(page.run("document.getElementById('total').dataset.value")))


def kept(page, browser):
    """What "Save" would have downloaded is a page of its own."""
    page.run("URL.createObjectURL = blob => (blob.text().then(text => window.kept = text), 'data:,'); "
             "HTMLAnchorElement.prototype.click = function () { window.keptAs = this.download; }")
    page.click("#save")
    page.wait("window.kept")
    is_equal("a saved page: its name", "postgres.cpu.html", page.run("window.keptAs"))
    with open(path("kept.html"), "w", encoding="utf-8") as file:
        file.write(page.run("window.kept"))
    again = browser.open("file://" + path("kept.html"))
    is_equal("a saved page: its total", Truth("cpu.pb.gz").total,
             int(again.run("document.getElementById('total').dataset.value")))
    no_complaint("a saved page", again)
    page.front()


def refused(page):
    page.choose("#kind", "mutex")
    page.click("#start")
    page.wait("document.getElementById('error').checkVisibility()")
    is_equal("an error is shown as it is", REFUSAL, page.text("#error"))


def links(page):
    links_now = "['as_pprof', 'as_speedscope', 'viewer'].map(id => document.getElementById(id).getAttribute('href'))"

    page.choose("#kind", "cpu")
    is_equal("links of a process", ["pid/12/debug/pprof/profile?seconds=1", "api/speedscope?kind=cpu&seconds=1&pid=12",
                                    "speedscope/#profileURL=..%2Fapi%2Fspeedscope%3Fkind%3Dcpu%26seconds%3D1%26pid%3D12"],
             page.run(links_now))
    page.choose("#pid", "")
    page.choose("#kind", "threads")
    is_equal("links of a moment", ["debug/pprof/threads", "api/speedscope?kind=threads"], page.run(links_now)[:2])
    page.choose("#kind", "block")
    page.run("document.getElementById('since').click()")
    is_equal("links of a counter since the start", "debug/pprof/block", page.run(links_now)[0])


def dump(page, server):
    truth = json.loads(server.dump)
    page.click("#to_dump")
    page.wait("document.querySelector('.group')")
    is_equal("dump: groups of threads", [len(g["threads"]) for g in truth["groups"]],
             page.run("[...document.querySelectorAll('.group .count')].map(e => parseInt(e.textContent))"))
    said = page.run("[...document.querySelectorAll('#deadlocks p')].map(e => e.textContent)")
    is_equal("dump: deadlocks", len(truth["deadlocks"]), len(said))
    for cycle, text in zip(truth["deadlocks"], said):
        waits = {t["tid"]: t["wait"] for t in truth["threads"] if t["tid"] in cycle["threads"]}
        is_true("dump: who waits for what", all("%s %s held by thread %d" % (w["kind"], w["lock_name"], w["holder"]) in text
                                                for w in waits.values()), text)
    page.key("/")
    page.type("lazy_lock")
    is_equal("dump: filter", 1, page.run("document.querySelectorAll('.group').length"))
    page.run("document.getElementById('filter').value = ''")
    page.choose("#every", "1")
    page.wait("document.getElementById('dump_head').textContent.includes('taken in 2.0s')")
    is_true("dump: again by itself", server.dumps >= 2)
    page.click("#pause")
    before = server.dumps
    page.run("new Promise(f => setTimeout(f, 1500))")
    is_equal("dump: not while it is paused", before, server.dumps)


def main():
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own, Chromium(own) as browser:
        for part in (from_file, hostile, served):
            try:
                part(browser)
            except Exception:  # what is after it is still worth a look
                is_true(part.__name__, False, traceback.format_exc()[-1500:])
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
