// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page of one profile: what it is, its flame graph with search, colours and split, callers and
// callees of one function, the table of functions, and what the profile says of itself.

// Frames that are no code (output/pseudo.c), by how they begin.
const PSEUDO_WORDS = [
	["[guessed step]", "all frames from here to the root rest on a step without unwind information: they are guessed"],
	["[CPU of threads never sampled]", "CPU time of threads that no tick met; no stack is known for it"],
	["[CPU of threads that ended unseen]", "CPU time of threads or processes that came and went between ticks"],
	["[not readable", "the thread's stack could not be read, for the reason that it says"],
	["[not read", "there was no room to keep the stack"],
	["[holder", "who held the lock is not known, for the reason that it says"],
	["[holders are readers]", "the lock was held by readers, who are not recorded"],
	["[table of stacks full]", "there were more different stacks than are kept"],
];
const PSEUDO_OTHER = "the stack is not whole: it ends here for the reason that it says";

class Report {
	constructor() {
		this.flame = new Flame(byId("flame"), "Flame graph", this.owner("details"));
		this.callers = new Flame(byId("callers"), "Callers", this.owner("details"));
		this.callees = new Flame(byId("callees"), "Callees", this.owner("details"));
		this.table = new FunctionTable(id => this.select(id));
		for (const id of ["type", "colour", "split"])
			byId(id).addEventListener("change", () => this.draw());
		byId("type").addEventListener("change", () => this.fillTable());
		byId("layout").addEventListener("change", () => this.drawTrees());
		byId("search").addEventListener("input", () => this.search());
		byId("reset").addEventListener("click", () => this.reset());
		byId("both").addEventListener("click", () => this.showCalls(true));
		byId("back").addEventListener("click", () => this.leave(() => this.showCalls(false)));
		byId("deselect").addEventListener("click", () => this.leave(() => this.select(null)));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawLegend());
	}

	owner(details) {
		return {
			whenFocused: (tree, node) => byId(details).textContent = this.frameText(tree, node),
			whenHovered: (tree, node, event) => this.tip(tree, node, event),
			whenOpened: (tree, node) => this.open(tree.name[node]),
		};
	}

	show(profile) {
		const labels = profile.labels();

		this.profile = profile;
		this.selected = null;
		this.isCalls = false;
		fillSelect(byId("type"), profile.types.map((type, i) => [i, type.type]));
		byId("type").value = String(profile.json.default);
		fillSelect(byId("colour"), [["module", "module"], ...labels]);
		fillSelect(byId("split"), [["", "nothing"], ...labels]);
		byId("search").value = "";
		show(byId("report"), true);
		this.fillTable();
		this.search();
		this.draw();
	}

	type() {
		return Number(byId("type").value) || 0;
	}

	text(value) {
		return valueText(value, this.profile.unit(this.type()));
	}

	share(value) {
		return percentText(value, this.total);
	}

	// --- what it is -----------------------------------------------------------------------

	fillTable() {
		const profile = this.profile, type = this.type();

		this.total = profile.total(type);
		this.table.show(profile, type);
		this.table.filter(this.is || null);
		this.table.select(this.selected);
		this.fillHead();
		this.fillNotes();
	}

	fillHead() {
		const profile = this.profile, {duration_ns: duration, time_ns: time} = profile.json;
		const type = profile.types[this.type()], isTime = profile.unit(this.type()) === "nanoseconds";
		const fact = (name, ...values) => make("div", {}, make("dt", {}, name), make("dd", {}, ...values));
		const total = make("span", {id: "total", "data-value": this.total}, this.text(this.total));
		const share = isTime && duration ? ` (${percentText(this.total, duration)})` : "";

		byId("title").textContent = profile.kind + " profile of " + (profile.program() || "a process");
		byId("about").textContent = profile.json.comments[0] || "";
		document.title = profile.kind + " · " + (profile.program() || "cpprof-attach");
		fill(byId("facts"), fact("Total " + type.type, total, share),
			duration ? fact("Window", valueText(duration, "nanoseconds")) : fact("Window", "one moment"),
			fact("Taken", timeText(time)), fact("Stacks", String(profile.n)));
	}

	fillNotes() {
		const notes = this.table.rows.filter(row => row.isPseudo).map(row => {
			const known = PSEUDO_WORDS.find(([begin]) => row.text.startsWith(begin));
			return [make("dt", {}, row.text, " ", make("span", {class: "note"}, this.share(row.cum))),
				make("dd", {}, known ? known[1] : PSEUDO_OTHER)];
		});

		fill(byId("comments"), ...this.profile.json.comments.map(line => make("li", {}, line)));
		fill(byId("pseudo"), ...notes.flat());
		show(byId("pseudo_part"), notes.length > 0);
		byId("code").textContent = this.profile.json.program + ", " + this.profile.kind + ", one sample each " +
			(UNITS[this.profile.json.period.unit]
				? valueText(this.profile.json.period.value, this.profile.json.period.unit)
				: this.profile.json.period.type);
		fill(byId("modules"), ...this.profile.modules.map(module => make("tr", {},
			make("td", {}, module.file || "(code in no file)"), make("td", {class: "id"}, module.buildId))));
	}

	// --- the graph ------------------------------------------------------------------------

	groups(select) {
		return select.value && select.value !== "module" ? this.profile.groups(select.value) : null;
	}

	draw() {
		const type = this.type(), colour = this.groups(byId("colour"));

		this.colours = new Colours(this.profile, type, colour);
		this.tree = callTree(this.profile, type, this.groups(byId("split")), colour);
		this.drawTrees();
	}

	drawTrees() {
		const type = this.type(), colour = this.colours.groups, name = this.selected;

		show(byId("graph"), !this.isCalls);
		show(byId("calls"), this.isCalls);
		if (this.isCalls) {
			this.callers.show(callerTree(this.profile, type, name, colour), this.colours, true);
			this.callees.show(calleeTree(this.profile, type, name, colour), this.colours, false);
		} else {
			this.flame.show(this.tree, this.colours, byId("layout").value === "up");
		}
		byId("details").textContent = this.frameText(this.tree, 0);
		this.highlight();
		this.drawLegend();
	}

	drawLegend() {
		if (!this.colours)
			return;
		const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
		const row = ({text, colour, size}) => {
			const swatch = make("span", {class: "swatch"});
			swatch.style.background = colour;
			return make("li", {}, swatch, text, size === null || size < 1 ? null : make("span", {class: "note"}, " " + this.share(size)));
		};
		fill(byId("legend"), ...this.colours.legend(isDark).map(row));
	}

	// --- search and selection -------------------------------------------------------------

	search() {
		const word = byId("search").value.trim().toLowerCase(), has = text => text.toLowerCase().includes(word);
		const module = number => number ? baseName(this.profile.modules[number - 1].file) : "";

		this.is = !word ? null : this.profile.names.map(name =>
			has(name.text) || name.files.some(has) || name.modules.some(number => has(module(number))));
		this.table.filter(this.is);
		this.highlight();
	}

	// A selected function is shown rather than what was searched.
	highlight() {
		const is = this.selected !== null && !this.isCalls ? this.profile.names.map((name, id) => id === this.selected) : this.is;

		for (const flame of [this.flame, this.callers, this.callees])
			flame.highlight(is);
		byId("matched").textContent = this.matchText();
		this.showSelected();
	}

	// The line is always there: nothing moves when a search begins.
	matchText() {
		const all = countText(this.table.rows.length, "function"), rows = this.table.rows;
		const n = this.is ? rows.filter(row => this.is[row.id]).length : 0;

		if (!rows.length)
			return "the profile is empty: nothing was seen in its window";
		if (!this.is || !this.tree)
			return `${all}, ${this.text(this.total)}`;
		const value = this.tree.valueOf(this.is);
		return `${n} of ${all} ${n === 1 ? "matches" : "match"}: ${this.text(value)}, ${this.share(value)} of all`;
	}

	showSelected() {
		const row = this.selected === null ? null : this.table.rows.find(one => one.id === this.selected);

		show(byId("selected"), !!row);
		if (!row)
			return;
		byId("selected_text").textContent = row.text;
		byId("selected_value").textContent = `${this.text(row.cum)}, ${this.share(row.cum)}; ` +
			`itself ${this.text(row.flat)}, ${this.share(row.flat)}`;
		show(byId("both"), !this.isCalls);
		show(byId("back"), this.isCalls);
	}

	select(id) {
		this.selected = id;
		this.table.select(id);
		if (this.isCalls)
			this.showCalls(id !== null);
		else
			this.highlight();
	}

	open(name) {
		if (name < 0)
			return;
		this.selected = name;
		this.table.select(name);
		this.showCalls(true);
	}

	showCalls(isCalls) {
		this.isCalls = isCalls;
		this.drawTrees();
		if (isCalls)
			this.callees.canvas.focus();
	}

	// The button that was pressed is hidden afterwards: the keyboard goes on in the graph.
	leave(how) {
		how();
		this.flame.canvas.focus({preventScroll: true});
	}

	// Escape takes back the last: the zoom first, then what was searched and selected.
	reset() {
		const shown = this.isCalls ? [this.callers, this.callees] : [this.flame];
		const zoomed = shown.filter(flame => flame.zoomed);

		if (zoomed.length) {
			zoomed.forEach(flame => flame.unzoom());
			return;
		}
		byId("search").value = "";
		this.search();
		this.select(null);
	}

	// --- one frame ------------------------------------------------------------------------

	places(tree, node) {
		const places = [...new Set(tree.framesOf(node).map(frame => this.profile.placeText(frame)))].filter(Boolean);

		return places.length > 3 ? [...places.slice(0, 3), "and " + (places.length - 3) + " more"] : places;
	}

	facts(tree, node) {
		const total = tree.total[node], parent = tree.parent[node], frames = tree.framesOf(node);
		const module = tree.moduleOf(node);
		const self = tree.self[node] && (node || !tree.isPart()) ? `itself ${this.text(tree.self[node])}, ${this.share(tree.self[node])}` : null;
		const inCaller = parent > 0 ? `${percentText(total, tree.total[parent])} of its caller` : null;
		const mark = tree.groupNames.length || tree.mark[node] < 0 || !this.colours.groups ? null
			: this.colours.groups.names[tree.mark[node]];

		return [
			[`${this.text(total)}, ${this.share(total)} of all`, inCaller, self].filter(Boolean).join("; "),
			this.places(tree, node).join(", "),
			module ? this.profile.modules[module - 1].file || "code in no file" : "",
			frames.length && frames.every(frame => frame.isInlined) ? "inlined into its caller" : "",
			mark || "",
		].filter(Boolean);
	}

	frameText(tree, node) {
		const zoomed = !this.isCalls && this.flame.tree === tree && node && node === this.flame.zoomed ? "Zoomed to " : "";

		return zoomed + tree.text(node) + " — " + this.facts(tree, node).join(" · ");
	}

	tip(tree, node, event) {
		const tip = byId("tip");

		show(tip, node >= 0);
		if (node < 0)
			return;
		fill(tip, make("strong", {}, tree.text(node)), ...this.facts(tree, node).map(line => make("div", {}, line)));
		const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
		const below = event.clientY + 18, above = event.clientY - tip.offsetHeight - 10;
		tip.style.left = Math.max(left, 4) + "px";
		tip.style.top = (below + tip.offsetHeight > innerHeight ? Math.max(above, 4) : below) + "px";
	}
}
