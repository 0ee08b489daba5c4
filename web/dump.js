// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page of all threads, from the JSON of -dump (its keys are in the manual page): deadlocks in
// words, then threads with equal stacks together. It asks again by itself while it is shown.

const FEW_GROUPS = 12; // so many are unfolded from the start

class DumpPage {
	// ask(signal): a promise of the JSON; tell(text or null): an error to show
	constructor(ask, tell) {
		this.ask = ask;
		this.tell = tell;
		this.folded = new Map(); // by group, where the user has said
		this.isShown = false;
		byId("filter").addEventListener("input", () => this.render());
		byId("every").addEventListener("change", () => this.plan());
		byId("again").addEventListener("click", () => this.refresh());
		byId("pause").addEventListener("click", () => this.pause());
	}

	show(isShown) {
		this.isShown = isShown;
		show(byId("dump"), isShown);
		clearTimeout(this.timer);
		if (this.asked)
			this.asked.abort();
		if (isShown)
			this.refresh();
	}

	isPaused() {
		return byId("pause").getAttribute("aria-pressed") === "true";
	}

	pause() {
		byId("pause").setAttribute("aria-pressed", String(!this.isPaused()));
		byId("pause").textContent = this.isPaused() ? "Paused" : "Pause";
		this.plan();
	}

	plan() {
		clearTimeout(this.timer);
		if (this.isShown && !this.isPaused())
			this.timer = setTimeout(() => this.refreshIfSeen(), Number(byId("every").value) * 1000);
	}

	// Nobody looks: the target is left in peace.
	refreshIfSeen() {
		if (document.hidden)
			document.addEventListener("visibilitychange", () => this.plan(), {once: true});
		else
			this.refresh();
	}

	async refresh() {
		const asked = new AbortController();

		clearTimeout(this.timer);
		if (this.asked)
			this.asked.abort();
		this.asked = asked;
		try {
			this.take(await this.ask(asked.signal));
			this.tell(null);
		} catch (error) {
			if (asked.signal.aborted)
				return;
			this.tell(error.message);
		}
		this.plan();
	}

	take(dump) {
		this.dump = dump;
		this.threads = new Map(dump.threads.map(thread => [thread.tid, thread]));
		for (const group of dump.groups)
			group.members = group.threads.map(tid => this.threads.get(tid)).filter(Boolean);
		this.render();
	}

	// --- words ----------------------------------------------------------------------------

	nameOf(tid) {
		const thread = this.threads.get(tid);

		return tid + (thread ? ` "${thread.name}"` : "");
	}

	lockText({kind, lock, lock_name: name}) {
		return [kind, name || lock].filter(Boolean).join(" ");
	}

	holderText(wait) {
		const verb = wait.kind === "join" ? " of " : " held by ";
		const readers = wait.held_by_readers ? " held by readers" : "";

		if (!wait.holder)
			return readers;
		if (wait.holder_has_ended)
			return readers + verb + wait.holder + ", a thread that has ended";
		return readers + verb + this.nameOf(wait.holder);
	}

	callText({call, wait}) {
		const of = [];

		if (wait)
			of.push(this.lockText(wait));
		if (call.descriptor !== undefined)
			of.push("fd " + call.descriptor);
		if (call.descriptor_is)
			of.push(call.descriptor_is);
		return (call.name || "system call " + call.number) + (of.length ? "(" + of.join(" ") + ")" : "");
	}

	waitText(thread) {
		const parts = [];

		if (thread.ran_meanwhile)
			parts.push("ran meanwhile");
		if (thread.call)
			parts.push(this.callText(thread) + (thread.wait ? this.holderText(thread.wait) : ""));
		else if (thread.wait)
			parts.push(this.lockText(thread.wait) + this.holderText(thread.wait));
		if (thread.call && thread.call.left_ns !== undefined)
			parts.push("at most " + spanText(thread.call.left_ns) + " left");
		if (thread.kernel && (!thread.call || thread.state === "disk"))
			parts.push("in the kernel: " + thread.kernel.slice(0, 6).join(" < "));
		return parts.join(", ");
	}

	// Threads outside the circle that wait for one in it, also through others.
	heldUp(circle) {
		const isHeldUp = ({tid}) => {
			const met = new Set();
			for (let at = tid; at && !met.has(at); at = this.holderOf(at)) {
				if (circle.has(at))
					return !circle.has(tid);
				met.add(at);
			}
			return false;
		};

		return this.dump.threads.filter(isHeldUp).length;
	}

	holderOf(tid) {
		const thread = this.threads.get(tid);

		return thread && thread.wait ? thread.wait.holder : 0;
	}

	deadlockText(tids) {
		const parts = tids.map((tid, i) => {
			const {wait} = this.threads.get(tid) || {}, next = tids[(i + 1) % tids.length];
			const what = !wait ? "waits for" : wait.kind === "join" ? "waits for the end of"
				: "waits for " + this.lockText(wait) + " held by";
			return `thread ${this.nameOf(tid)} ${what} thread ${this.nameOf(next)}${tids.length === 1 ? " itself" : ""}`;
		});
		const others = this.heldUp(new Set(tids));
		const more = others ? `; ${countText(others, "other thread waits", "other threads wait")} for them` : "";

		return "Deadlock: " + parts.join(", ") + more + ".";
	}

	headText() {
		const dump = this.dump;
		const processes = dump.processes.map(one => `process ${one.pid} "${one.name}", ${countText(one.threads, "thread")}`);
		const states = tally(dump.threads.map(thread => thread.state)).map(([state, n]) => n + " " + state);

		return [processes.join("; ") + ": " + states.join(", "),
			timeText(dump.time_ns) + ", taken in " + spanText(dump.took_ns),
			countText(dump.stops, "thread") + " stopped for it",
			dump.lost ? countText(dump.lost, "stack") + " lost" : ""].filter(Boolean).join(" · ");
	}

	// --- elements -------------------------------------------------------------------------

	render() {
		if (!this.dump)
			return;
		const word = byId("filter").value.trim().toLowerCase();
		const groups = this.dump.groups.filter(group => !word || this.groupWords(group).includes(word));
		const n = groups.reduce((sum, group) => sum + group.threads.length, 0);

		byId("dump_head").textContent = this.headText();
		const said = this.dump.deadlocks.map(({threads}) => this.deadlockText(threads));
		// What has not changed is not said again.
		if (said.join("\n") !== this.said)
			fill(byId("deadlocks"), ...said.map(text => make("p", {}, text)));
		this.said = said.join("\n");
		fill(byId("groups"), ...groups.map(group => this.makeGroup(group)));
		byId("dump_rows").textContent = word ? `${countText(n, "thread")} of ${this.dump.threads.length}` : "";
	}

	groupWords(group) {
		const words = [group.state, group.pid];

		for (const thread of group.members)
			words.push(thread.tid, thread.name, this.waitText(thread));
		for (const frame of group.frames)
			words.push(frame.function, frame.file, frame.module, frame.ends);
		return words.join("\n").toLowerCase();
	}

	// The same from one dump to the next.
	key(group) {
		return group.pid + group.state + group.frames.map(frame => frame.module + frame.offset).join();
	}

	makeGroup(group) {
		const key = this.key(group), isOpen = this.folded.has(key) ? !this.folded.get(key)
			: this.dump.groups.length <= FEW_GROUPS || group === this.dump.groups[0];
		const details = make("details", {class: "group", open: isOpen}, this.makeSummary(group));
		const fillOnce = () => details.childElementCount === 1 && details.append(...this.makeInside(group));

		if (isOpen)
			fillOnce();
		details.addEventListener("toggle", () => {
			if (details.open !== isOpen || this.folded.has(key))
				this.folded.set(key, !details.open);
			fillOnce();
		});
		return details;
	}

	makeSummary(group) {
		const names = tally(group.members.map(thread => thread.name));
		const shown = names.slice(0, 8).map(([name, n]) => (names.length > 1 ? n + " " : "") + `"${name}"`);
		const more = names.length > 8 ? ` and ${names.length - 8} other names` : "";
		const top = group.frames.find(frame => frame.function);

		return make("summary", {}, make("span", {class: "count"}, countText(group.threads.length, "thread")),
			": " + shown.join(", ") + more, make("span", {class: "note"},
				`, ${group.state}${this.timesText(group)}${top ? ", in " + top.function : ""}` +
				(this.dump.processes.length > 1 ? ", process " + group.pid : "")));
	}

	timesText(group) {
		const range = (values, text) => {
			const low = text(Math.min(...values)), high = text(Math.max(...values));
			return low === high ? low : low + " to " + high;
		};
		const idle = group.members.map(thread => thread.not_run_ns).filter(ns => ns !== undefined);
		const cpu = group.members.map(thread => thread.cpu_ns);

		return (idle.length && group.state !== "running" ? ", not run for " + range(idle, spanText) : "") +
			(cpu.length ? ", CPU " + range(cpu, spanText) : "");
	}

	makeInside(group) {
		const waits = tally(group.members.map(thread => this.waitText(thread)).filter(Boolean));
		const wait = ([text, n]) => make("li", {}, (group.threads.length > 1 ? n + " × " : "") + text);
		const frames = group.frames.map(frame => frame.ends
			? make("li", {class: "ends"}, "-- " + frame.ends) : this.makeFrame(frame));

		return [
			make("p", {class: "tids note"}, "tids " + rangesText(group.threads)),
			waits.length ? make("ul", {class: "waits"}, ...waits.map(wait)) : null,
			make("ol", {class: "stack", start: "0"}, ...frames),
		].filter(Boolean);
	}

	makeFrame(frame) {
		const place = (frame.file ? frame.file + (frame.line ? ":" + frame.line : "") : frame.offset) +
			" [" + baseName(frame.module) + "]" + (frame.inlined ? " (inlined)" : "") + (frame.guessed ? " (guessed)" : "");

		return make("li", {}, (frame.function || "(no name)") + " ", make("span", {class: "place"}, place));
	}
}

// [text, how many], the most frequent first.
function tally(texts) {
	const counts = new Map();

	for (const text of texts)
		counts.set(text, (counts.get(text) || 0) + 1);
	return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

// "3-5 9"
function rangesText(numbers) {
	const sorted = [...numbers].sort((a, b) => a - b), ranges = [];

	for (const n of sorted) {
		const last = ranges[ranges.length - 1];
		if (last && last[1] === n - 1)
			last[1] = n;
		else
			ranges.push([n, n]);
	}
	const texts = ranges.slice(0, 40).map(([low, high]) => low === high ? String(low) : low + "-" + high);
	return texts.join(" ") + (ranges.length > 40 ? " and others" : "");
}
