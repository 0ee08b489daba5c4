// SPDX-License-Identifier: GPL-2.0-or-later
//
// Taking a profile from the server that this page came from. All addresses are relative: the page
// may be in a folder with a secret name. An answer that is no success has one line that says why.

const KIND_WORDS = {
	cpu: "where CPU time goes: threads that run",
	wall: "where the time of every thread goes, whether it runs or waits",
	threads: "the stack of every thread, at this moment",
	goroutine: "the stack of every goroutine of a Go program, at this moment",
	block: "who waits for others: for locks, conditions, semaphores, channels",
	mutex: "who holds what others wait for",
	threadcreate: "who creates threads",
	heap: "memory that was allocated and not freed, by who allocated it",
	allocs: "all memory that was allocated, by who allocated it",
};

async function request(address, signal) {
	let answer;

	try {
		answer = await fetch(address, {signal, cache: "no-store", credentials: "same-origin"});
	} catch (error) {
		if (signal && signal.aborted)
			throw error;
		throw new Error("the profiler does not answer: it has ended, or the network is gone");
	}
	if (answer.ok)
		return answer;
	const text = (await answer.text()).trim().slice(0, 1000);
	throw new Error(text || `the profiler answered ${answer.status}`);
}

async function requestJson(address, signal) {
	return (await request(address, signal)).json();
}

function query(values) {
	const given = Object.entries(values).filter(([, value]) => value !== null && value !== "");

	return given.map(([key, value]) => key + "=" + encodeURIComponent(value)).join("&");
}

class Taker {
	// whenTaken(JSON of a profile); tell(text or null)
	constructor(target, whenTaken, tell) {
		this.target = target;
		this.whenTaken = whenTaken;
		this.tell = tell;
		fillSelect(byId("kind"), target.kinds.map(kind => [kind.name, kind.name]));
		fillSelect(byId("pid"), target.processes.length < 2 ? [] : [["", "all"],
			...target.processes.map(one => [one.pid, `${one.pid} ${one.comm}`])]);
		show(byId("kind").closest("label"), true);
		byId("seconds").max = target.most_seconds;
		byId("form").addEventListener("submit", event => {
			event.preventDefault();
			this.start();
		});
		for (const id of ["kind", "seconds", "since", "pid"])
			byId(id).addEventListener("input", () => this.update());
		byId("cancel").addEventListener("click", () => this.asked.abort());
		byId("save").addEventListener("click", () => this.save());
		this.update();
		show(byId("take"), true);
	}

	kind() {
		return this.target.kinds.find(kind => kind.name === byId("kind").value);
	}

	// null: it takes no time
	seconds() {
		const kind = this.kind();

		return kind.of_moment || (kind.counter && byId("since").checked) ? null : Number(byId("seconds").value);
	}

	pid() {
		return byId("pid").value;
	}

	query() {
		return query({kind: this.kind().name, seconds: this.seconds(), pid: this.pid()});
	}

	update() {
		const kind = this.kind(), name = kind.name === "cpu" ? "profile" : kind.name;
		const seconds = query({seconds: this.seconds()}), speedscope = "api/speedscope?" + this.query();

		show(byId("seconds_part"), !kind.of_moment);
		show(byId("since_part"), kind.counter);
		byId("seconds").disabled = this.seconds() === null;
		byId("kind_words").textContent = KIND_WORDS[kind.name] || "";
		byId("as_pprof").setAttribute("href", (this.pid() ? `pid/${this.pid()}/` : "") + "debug/pprof/" + name +
			(seconds ? "?" + seconds : ""));
		byId("as_speedscope").setAttribute("href", speedscope);
		byId("viewer").setAttribute("href", "speedscope/#profileURL=" + encodeURIComponent("../" + speedscope));
		show(byId("viewer_part"), this.target.speedscope);
	}

	async start() {
		this.asked = new AbortController();
		this.tell(null);
		this.setBusy(true);
		try {
			this.taken = await requestJson("api/view?" + this.query(), this.asked.signal);
			this.say("The profile is here.");
			this.whenTaken(this.taken);
			show(byId("save"), true);
		} catch (error) {
			this.say(this.asked.signal.aborted ? "Cancelled." : "");
			if (!this.asked.signal.aborted)
				this.tell(error.message);
		}
		this.setBusy(false);
	}

	// --- the time left --------------------------------------------------------------------

	setBusy(isBusy) {
		clearInterval(this.timer);
		for (const id of ["kind", "seconds", "since", "start", "pid"])
			byId(id).disabled = isBusy;
		show(byId("start"), !isBusy);
		show(byId("cancel"), isBusy);
		show(byId("progress_part"), isBusy);
		if (!isBusy) {
			this.update();
			byId("start").focus();
			return;
		}
		byId("cancel").focus();
		this.began = performance.now();
		this.isLate = false;
		this.say(this.seconds() ? `Sampling for ${this.seconds()} seconds.` : "Asking for it.");
		this.timer = setInterval(() => this.tick(), 200);
		this.tick();
	}

	tick() {
		const all = this.seconds() || 0, gone = (performance.now() - this.began) / 1000;
		const isLate = gone >= all;

		byId("progress").max = all || 1;
		if (isLate)
			byId("progress").removeAttribute("value");
		else
			byId("progress").value = gone;
		byId("left").textContent = isLate ? "finding names" : Math.ceil(all - gone) + " s left";
		if (isLate && !this.isLate)
			this.say("The window is over; names are looked for.");
		this.isLate = isLate;
	}

	// For screen readers: only what changes.
	say(text) {
		byId("progress_said").textContent = text;
	}

	// --- keeping it -----------------------------------------------------------------------

	// The page as -format html writes it.
	async save() {
		const escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"};
		const data = JSON.stringify(this.taken).replace(/[<>&\u2028\u2029]/g, c => escapes[c]);
		const page = await (await request("./")).text(), place = 'id="data">';
		const at = page.indexOf(place) + place.length;
		const blob = new Blob([page.slice(0, at), data, page.slice(at)], {type: "text/html"});
		const name = (this.target.processes[0] || {comm: "profile"}).comm.replace(/[^\w.+-]/g, "_");
		const link = make("a", {href: URL.createObjectURL(blob), download: `${name}.${this.taken.kind}.html`});

		link.click();
		URL.revokeObjectURL(link.href);
	}
}
