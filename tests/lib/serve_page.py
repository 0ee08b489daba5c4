#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a server of ours in a browser.

serve_page.py page URL SHARES IDLE     of two processes, "shares" and "idle", which are ended
"""
import json
import math
import os
import signal
import tempfile
import time

from chromium import Chromium
from served import Served, is_equal, is_true, main, until

HZ = 200  # of the server
ROWS = """[...document.querySelectorAll("#functions tbody tr")].map(tr => ({
    name: tr.querySelector(".name").textContent,
    values: [...tr.querySelectorAll("[data-value]")].map(td => Number(td.dataset.value))}))"""
DONE = "!document.querySelector('#start').hidden && document.querySelector('#start').checkVisibility()"


def take(page, kind, seconds=None, pid="", since=False):
    page.choose("#kind", kind)
    page.choose("#pid", pid)
    if page.is_shown("#since") and page.run("document.querySelector('#since').checked") != since:
        page.click("#since")
    if seconds:
        page.choose("#seconds", str(seconds))
    page.click("#start")


def taken(page, kind, *args, **more):
    take(page, kind, *args, **more)
    page.wait(DONE)
    return is_true("%s: no error" % kind, not page.is_shown("#error"), page.text("#error"))


def record(page, shares):
    taken(page, "cpu", 2, shares)
    rows = {row["name"]: row["values"][0] for row in page.run(ROWS)}
    found = {name: value for name, value in rows.items() if name.startswith("share_")}
    all_of_it = sum(found.values())
    share, sigma = found.get("share_40", 0) / max(all_of_it, 1), math.sqrt(0.4 * 0.6 / max(all_of_it * HZ / 1e9, 1))
    is_true("cpu: share_40", abs(share - 0.4) < 4 * sigma, "%.2f +-%.2f" % (share, sigma))
    is_true("cpu: its time", 1e8 < all_of_it <= 2.6e9, all_of_it / 1e9)
    taken(page, "wall", 1)
    is_true("wall: both", {"share_40", "main"} <= {row["name"] for row in page.run(ROWS)})
    taken(page, "threads", None, shares)
    taken(page, "goroutine")
    taken(page, "block", since=True)
    taken(page, "mutex", 1)
    taken(page, "threadcreate", 1)
    is_equal("the console's complaints", [], page.complaints)


def dump(page, shares, idle):
    page.click("#to_dump")
    page.wait("document.querySelector('#groups').textContent.includes('busy')")
    text = page.text("#groups")
    is_true("threads now: both processes", "deal" in text and "busy_work" in text)
    page.choose("#pid", shares)
    page.click("#again")
    page.wait("!document.querySelector('#groups').textContent.includes('busy')")
    is_true("threads now: of one process", "deal" in page.text("#groups"))
    page.choose("#pid", "")
    page.click("#pause")
    page.click("#to_profile")
    is_equal("threads now: the console's complaints", [], page.complaints)


def cancel(page, served):
    until("nobody asks", lambda: served.metric("windows") == 0)
    take(page, "cpu", 60)
    until("the window opens", lambda: served.metric("windows") == 1)
    page.click("#cancel")
    page.wait(DONE)
    until("Cancel ends the window", lambda: served.metric("windows") == 0, 5)
    is_true("Cancel is no error", not page.is_shown("#error"))


def ends(page, served, shares, idle):
    take(page, "cpu", 60)
    until("the window opens", lambda: served.metric("windows") == 1)
    time.sleep(1)
    for pid in shares, idle:
        os.kill(int(pid), signal.SIGTERM)
    page.wait(DONE)
    rows = {row["name"] for row in page.run(ROWS)}
    is_true("the targets end: what there is", "share_40" in rows and not page.is_shown("#error"), page.text("#error"))
    take(page, "cpu", 1)
    page.wait(DONE)
    is_true("and then: it says so", page.is_shown("#error"), page.text("#error"))


def page(url, shares, idle):
    served = Served(url)
    with tempfile.TemporaryDirectory() as folder, Chromium(folder) as browser:
        page = browser.open(url + "/")
        page.wait(DONE)
        is_equal("processes", ["", *sorted((shares, idle), key=int)],
                 sorted(page.run("[...document.querySelector('#pid').options].map(o => o.value)"), key=lambda v: int(v or 0)))
        record(page, shares)
        dump(page, shares, idle)
        cancel(page, served)
        is_equal("the console's complaints", [], page.complaints)
        elsewhere = [r for r in page.requests if not r.startswith(url + "/") and not r.startswith("data:")]
        is_equal("requests elsewhere than below the address", [], elsewhere)
        links = page.run("[...document.querySelectorAll('#links a')].map(a => a.href)")
        is_true("links: below the address", links and all(link.startswith(url + "/") for link in links), json.dumps(links))
        is_equal("the link to pprof", 200, served.get("/debug/pprof/threads").status)
        ends(page, served, shares, idle)


main({"page": page})
