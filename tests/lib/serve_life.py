#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a server does when something ends: clients, roles, the target, itself.

serve_life.py idle URL SERVER TARGET OUTPUT    "idle", no background: nobody runs
serve_life.py gone URL SERVER TARGET OUTPUT    "turns": clients that go away
serve_life.py killed URL SERVER TARGET OUTPUT  "turns": tracer and worker are killed
serve_life.py torn URL SERVER TARGET OUTPUT    "crowd": the tracer is killed while it looks
serve_life.py interrupt URL SERVER TARGET OUTPUT   "turns": Ctrl-C in the middle
serve_life.py twice URL SERVER TARGET OUTPUT       and again, while the worker hangs
serve_life.py ends URL SERVER TARGET OUTPUT    "guests": the target ends under what waits
serve_life.py held URL SERVER TARGET OUTPUT    "shares": stopped, or somebody else's
serve_life.py execs URL SERVER TARGET OUTPUT   "exec_storm 1000000"
"""
import os
import random
import signal
import subprocess
import time

import proof
from served import PPROF, Served, Turns, is_equal, is_sane, is_true, judge_turns, main, stop_and_read, until


def children(pid):
    """Of any depth, itself first: id to name."""
    found, todo = {}, [int(pid)]
    for one in todo:
        try:
            found[one] = open("/proc/%d/comm" % one).read().strip()
            todo += map(int, open("/proc/%d/task/%d/children" % (one, one)).read().split())
        except OSError:
            pass
    return found


def role(server, name):
    return until("a " + name, lambda: next((pid for pid, comm in children(server).items() if comm == name), 0))


def state(pid):
    try:
        return open("/proc/%d/stat" % int(pid)).read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def has_ended(pid):
    return state(pid) in ("", "Z")


def runs(pid):
    """How often all of its threads were put on a CPU."""
    return sum(int(open("/proc/%s/task/%s/schedstat" % (pid, tid)).read().split()[2])
               for tid in os.listdir("/proc/%s/task" % pid))


def idle(url, server, target, output):
    served = Served(url)
    is_equal("a window", 200, served.window("profile?seconds=1").status())
    is_equal("counters", 200, served.window("block").status())
    time.sleep(3)
    roles = children(server)
    is_equal("processes", ["cpprof-attach", "session", "tracer", "worker"], sorted(roles.values()))
    before = {comm: runs(pid) for pid, comm in roles.items()}
    of_target = runs(target)
    time.sleep(2)
    now = {comm: runs(pid) - before[comm] for pid, comm in roles.items()}
    # Who starts the others looks after them once a minute.
    is_true("runs while nobody asks", now.pop("cpprof-attach") <= 1 and not any(now.values()), now)
    is_equal("runs of the target", of_target, runs(target))
    is_equal("looks a second", 0, served.metric("sampling_hertz"))


def gone(url, server, target, output):
    served = Served(url)
    # The last one that goes leaves nobody to sample for.
    alone = served.window("profile?seconds=60")
    until("open", lambda: served.metric("sampling_hertz") == 200)
    alone.hang_up()
    until("back to the low rate", lambda: served.metric("sampling_hertz") == 1, 2)
    long = [served.window(path) for path in ("profile?seconds=60", "wall?seconds=60", "threads?seconds=60")]
    stays = served.window("profile?seconds=2", 0.2)
    until("all open", lambda: served.metric("windows") == 4)
    is_equal("looks a second", 200, served.metric("sampling_hertz"))
    for i, window in enumerate(long):
        window.hang_up()
        until("the window ends with its client", lambda: served.metric("windows") == 3 - i, 2)
    stays.join()
    is_equal("windows", 0, served.metric("windows"))
    is_equal("clients that hung up", 4, served.metric("http_hung_up_total"))
    until("back to the low rate", lambda: served.metric("sampling_hertz") == 1, 2)
    # One that hangs up when its window is just being answered, or has not begun.
    for after in (0, 0.001, 0.01, 0.03, 0.98, 1.0, 1.02):
        window = served.window("profile?seconds=1")
        until("asked", lambda: window.sock)
        time.sleep(after)
        window.hang_up()
    until("windows end with their clients", lambda: served.metric("windows") == 0, 5)
    until("back to the low rate", lambda: served.metric("sampling_hertz") == 1, 2)
    is_equal("and then", 200, served.window("threads").status())
    stop_and_read(target, output)
    judge_turns("one that stayed", stays.profile(), Turns(output))


def killed(url, server, target, output):
    served, rng = Served(url), random.Random(5)
    windows = [(served.window("profile?seconds=%d" % n, after), n) for n, after in
               ((6, 0), (2, 0.1), (2, 1.3), (3, 2.4))]
    others = [served.window(path, after) for path, after in
              (("wall?seconds=1", 0.5), ("block?seconds=2", 1), ("threads?seconds=1", 2), ("threadcreate", 3))]
    for i in range(8):
        time.sleep(0.35 + 0.3 * rng.random())
        name = ("tracer", "worker")[i % 2]
        os.kill(role(server, name), signal.SIGKILL)
        answer = served.get(PPROF + ("threads", "block", "cmdline", "goroutine?debug=2")[i % 4])
        is_true("asked when a %s is gone" % name, answer.status in (200, 503), answer.status)
    for window, _ in windows:
        window.join()
    restarts = served.metric("tracer_restarts_total"), served.metric("worker_restarts_total")
    is_true("restarts", min(restarts) >= 4, restarts)
    is_equal("and then", 200, served.window("threads").status())
    stop_and_read(target, output)
    for window, n in windows:
        profile = window.profile()
        # What lies in a worker that is killed is lost; the sum is not.
        judge_turns("%d s" % n, profile, Turns(output), may_lack=0.1)
        is_sane("%d s" % n, profile)
    for window in others:
        is_true(window.path, window.status() in (200, 503), window.status())


def torn(url, server, target, output):
    """A look at all threads is whole, or there is none."""
    served, rng, seen = Served(url), random.Random(3), []
    threads = len(os.listdir("/proc/%s/task" % target))
    for i in range(12):
        delta = served.window("threads?seconds=1") if i % 4 == 3 else None
        window = None if delta else served.window("threads")
        time.sleep(0.2 * rng.random())
        os.kill(role(server, "tracer"), signal.SIGKILL)
        if window and window.status() == 200:
            seen.append(sum(s.values[0] for s in window.profile().samples) - threads)
        elif delta and delta.status() == 200:
            # One that runs is somewhere else.
            seen += [sum(s.values[0] for s in delta.profile().samples)]
        else:
            is_equal("the tracer is killed while it looks", 503, (window or delta).status())
    is_equal("looks that are not whole", [], [n for n in seen if n])
    is_true("and then", sum(s.values[0] for s in served.profile("threads").samples) == threads)


def interrupt(url, server, target, output):
    served = Served(url)
    windows = [served.window("profile?seconds=60"), served.window("profile?seconds=60", 0.5)]
    delta = served.window("threads?seconds=60", 0.2)
    time.sleep(1.5)
    os.kill(int(server), signal.SIGINT)
    stop_and_read(target, output)
    for i, window in enumerate(windows):
        profile = window.profile()
        judge_turns("interrupted, window %d" % (i + 1), profile, Turns(output))
        is_true("interrupted: its length", profile and profile.duration < 5e9)
    is_equal("interrupted: what has no second look", 503, delta.status())
    until("the server ends", lambda: has_ended(server))


def twice(url, server, target, output):
    served = Served(url)
    window = served.window("profile?seconds=60")
    until("open", lambda: served.metric("windows") == 1)
    worker = role(server, "worker")
    os.kill(worker, signal.SIGSTOP)
    os.kill(int(server), signal.SIGINT)
    time.sleep(0.5)
    is_true("the first waits for the worker", not has_ended(server))
    os.kill(int(server), signal.SIGINT)
    until("the second ends it", lambda: has_ended(server), 5)
    until("no worker is left", lambda: has_ended(worker), 5)
    is_true("its client is answered", window.status() == 503, window.status())


def ends(url, server, target, output):
    served = Served(url)
    paths = {"profile?seconds=60": 200, "block?seconds=60": 200, "wall?seconds=60": 200, "threads?seconds=60": 503}
    windows = [served.window(path) for path in paths]
    until("open", lambda: served.metric("windows") == len(windows))
    time.sleep(0.3)
    os.kill(int(target), signal.SIGTERM)
    for window in windows:
        is_equal(window.path + ": the target ends", paths[window.path.split("/")[-1]], window.status())
    until("the server ends", lambda: has_ended(server))


def held(url, server, target, output):
    served = Served(url)
    os.kill(int(target), signal.SIGSTOP)
    until("the target's stop", lambda: state(target) == "T")
    windows = {path: served.window(path) for path in ("threads", "profile?seconds=1", "wall?seconds=1")}
    # Each of our own stops, for the stacks, lets it run for a moment: a tick may fall into that.
    for _ in range(40):
        is_equal("stopped: threads", 200, served.window("threads").status())
    profiles = {path: window.profile() for path, window in windows.items()}
    is_true("stopped: it runs no more", sum(s.values[1] for s in profiles["profile?seconds=1"].samples) < 1e6)
    for path in "threads", "wall?seconds=1":
        is_equal("stopped: states", {"stopped"}, {s.labels.get("state") for s in profiles[path].samples})
    is_equal("stopped: it stays so", "T", state(target))
    os.kill(int(target), signal.SIGCONT)
    is_true("it goes on", sum(s.values[1] for s in served.profile("profile?seconds=1").samples) > 1e6)
    gdb = subprocess.Popen(["gdb", "-q", "-batch", "-p", target, "-ex", "continue"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until("gdb lets it run", lambda: runs_traced(target))
        windows = {path: served.window(path) for path in ("profile?seconds=1", "threads", "block?seconds=1")}
        found = {path: window.status() for path, window in windows.items()}
        is_equal("traced by gdb", {"profile?seconds=1": 503, "threads": 200, "block?seconds=1": 200}, found)
        is_equal("traced by gdb: creations", 503, served.window("threadcreate?seconds=1").status())
        is_equal("traced by gdb: a thread that cannot be read", {"[not readable: refused by the kernel]"},
                 {name for s in windows["threads"].profile().samples for name in s.all_names()})
    finally:
        gdb.kill()
        gdb.wait()
    until("gdb is gone", lambda: tracer_of(target) == "0" and state(target) == "R")
    is_true("and then", sum(s.values[1] for s in served.profile("profile?seconds=1").samples) > 1e6)


def tracer_of(pid):
    return next(line.split()[1] for line in open("/proc/%s/status" % pid) if line.startswith("TracerPid"))


def runs_traced(pid):
    """For some time: while gdb attaches it runs and stops."""
    for _ in range(20):
        if tracer_of(pid) == "0" or state(pid) != "R":
            return False
        time.sleep(0.02)
    return True


def execs(url, server, target, output):
    served = Served(url)
    windows = [served.window(path) for path in
               ("profile?seconds=1", "wall?seconds=2", "threads?seconds=1", "block?seconds=1")]
    for window in windows:
        profile = window.profile()
        is_sane(window.path, profile)
    is_sane("creations", served.profile("threadcreate?seconds=1"))
    # It may be replaced just while it is looked at: asked again, all is well.
    answers = []

    def look():
        answers.append(served.get(PPROF + "threads"))
        return answers[-1].status == 200

    for _ in range(3):
        until("threads of a program that is replaced", look)
    is_true("threads of a program that is replaced", {a.status for a in answers} <= {200, 503},
            "%d of %d answered" % ([a.status for a in answers].count(200), len(answers)))
    bad = [s.labels for a in answers if a.status == 200 for s in proof.Profile(a.body).samples
           if s.values[0] != 1 and s.labels.get("tid")]
    is_true("each thread once", not bad, bad[:3])


main({"idle": idle, "gone": gone, "killed": killed, "interrupt": interrupt, "torn": torn, "twice": twice, "ends": ends,
      "held": held, "execs": execs})
