// SPDX-License-Identifier: GPL-2.0-or-later
//
// A profile, from the JSON that output/view_json.h describes. Functions are told apart by name, as
// pprof does by default: names[id] has the text, and where its code is.

// Labels of samples by which a graph can be coloured and split, and their words.
const LABELS = [
	["thread", "thread name"],
	["tid", "thread"],
	["pid", "process"],
	["state", "state"],
	["kind", "kind of lock"],
	["lock", "lock"],
];

class Profile {
	constructor(json) {
		if (json.version !== 1)
			throw new Error("this page does not know version " + json.version + " of a profile");
		this.json = json;
		this.kind = json.kind;
		this.types = json.types;
		this.samples = json.samples;
		this.n = json.samples.node.length;
		this.parent = [0].concat(json.nodes.parent);
		this.frame = [0].concat(json.nodes.frame);
		this.modules = json.modules.map(([file, id]) => ({file: this.text(file), buildId: this.text(id)}));
		this.nameFrames();
	}

	text(number) {
		return this.json.strings[number];
	}

	// "[app]", as pprof calls code without names.
	moduleName(module) {
		return module ? "[" + baseName(this.modules[module - 1].file || "anon") + "]" : "<unknown>";
	}

	nameFrames() {
		const ids = new Map();

		this.names = [];
		this.frames = this.json.frames.map(([number, line, module, isInlined, offset]) => {
			const f = number ? this.json.functions[number - 1] : null;
			const text = f ? this.text(f[0]) : this.moduleName(module);
			let id = ids.get(text);
			if (id === undefined) {
				id = this.names.length;
				ids.set(text, id);
				this.names.push({text, files: [], modules: [], inlined: 0, called: 0});
			}
			const file = f ? this.text(f[1]) : "";
			this.describe(this.names[id], file, module, isInlined);
			return {name: id, line, module, file, offset: offset || "", isInlined: !!isInlined};
		});
	}

	describe(name, file, module, isInlined) {
		if (file && !name.files.includes(file))
			name.files.push(file);
		if (!name.modules.includes(module))
			name.modules.push(module);
		if (isInlined)
			name.inlined++;
		else
			name.called++;
	}

	unit(type) {
		return this.types[type].unit;
	}

	total(type) {
		return this.samples.values[type].reduce((sum, value) => sum + value, 0);
	}

	program() {
		return this.modules.length ? baseName(this.modules[0].file) : "";
	}

	// Its name's number at a node of the tree of all stacks.
	nameAt(node) {
		return this.frames[this.frame[node] - 1].name;
	}

	// A name is no code if none of its frames is in a module: "[guessed step]", ...
	isPseudo(name) {
		return this.names[name].modules.every(module => module === 0);
	}

	// Each function's own value (flat) and that of the stacks that it is in (cum).
	functions(type) {
		const values = this.samples.values[type], n = this.names.length;
		const flat = new Float64Array(n), cum = new Float64Array(n);
		const seen = new Int32Array(n); // the sample that was counted last: cum counts it once

		for (let i = 0; i < this.n; i++) {
			const leaf = this.samples.node[i];
			if (leaf)
				flat[this.nameAt(leaf)] += values[i];
			for (let node = leaf; node; node = this.parent[node]) {
				const name = this.nameAt(node);
				if (seen[name] !== i + 1)
					cum[name] += values[i];
				seen[name] = i + 1;
			}
		}
		return this.names.map((name, id) => ({id, name, flat: flat[id], cum: cum[id]}));
	}

	// The labels that these samples have: [key, words].
	labels() {
		const has = LABELS.filter(([key]) => this.samples[key]);
		const tids = this.samples.tid && new Set(this.samples.tid);
		const threads = this.samples.thread && new Set(this.samples.thread);

		// Threads of different names need no numbers.
		return has.filter(([key]) => key !== "tid" || !threads || tids.size > threads.size);
	}

	// Samples by one label: {names: text of each group, of: group of each sample}.
	groups(key) {
		const column = this.samples[key], ids = new Map(), names = [];
		const of = new Int32Array(this.n);

		for (let i = 0; i < this.n; i++) {
			const text = this.labelText(key, column ? column[i] : 0, i);
			if (!ids.has(text)) {
				ids.set(text, names.length);
				names.push(text);
			}
			of[i] = ids.get(text);
		}
		return {names, of};
	}

	labelText(key, value, sample) {
		if (!value)
			return "no " + LABELS.find(label => label[0] === key)[1];
		if (key === "pid")
			return "process " + value;
		if (key !== "tid")
			return this.text(value);
		const thread = this.samples.thread ? this.text(this.samples.thread[sample]) : "thread";
		return thread + " (" + value + ")";
	}

	// Where a frame is: "file.c:12", or the offset in its module.
	placeText(frame) {
		const file = frame.file + (frame.file && frame.line ? ":" + frame.line : "");

		return file || frame.offset;
	}
}
