# SPDX-License-Identifier: GPL-2.0-or-later
"""serve.py late URL SECONDS N    how long after a window's end its answer was there, N times one after the other
serve.py crowd URL SECONDS N   N clients at once: the latest answer, samples a second of CPU in each profile"""
import os
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/lib"))


def late(url, seconds):
    began = time.monotonic()
    with urllib.request.urlopen("%s/debug/pprof/profile?seconds=%d" % (url, seconds)) as answer:
        body = answer.read()
    return time.monotonic() - began - seconds, body


def main(argv):
    what, url, seconds, n = argv[1], argv[2], int(argv[3]), int(argv[4])
    found = []
    if what == "late":
        found = [late(url, seconds) for _ in range(n)]
    else:
        threads = [threading.Thread(target=lambda: found.append(late(url, seconds))) for _ in range(n)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        for thread in threads:
            thread.join()
    times = sorted(t for t, _ in found)
    print("%.3f %.3f %d" % (times[len(times) // 2], times[-1], len(found)))
    if what == "crowd":
        for number, (_, body) in enumerate(found):
            with open("%s.%d" % (argv[5], number), "wb") as out:
                out.write(body)


main(sys.argv)
