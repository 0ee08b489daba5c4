// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tree that a flame graph shows: stacks of samples, equal names under one parent together. Node
// 0 is the root; a parent's number is smaller than its children's. A node's name is one of the
// profile's, or -1 - GROUP where the samples were split by a label.

const MIXED = -2; // its samples are of several groups

// Children by parent and name: open addressing, a power of two, at most half full.
class ChildIndex {
	constructor() {
		this.slots = new Int32Array(1024);
		this.n = 0;
	}

	place(parent, name, mask) {
		return (Math.imul(parent, 0x9e3779b1) ^ Math.imul(name, 0x85ebca6b)) >>> 7 & mask;
	}

	find(tree, parent, name) {
		const mask = this.slots.length - 1;

		for (let at = this.place(parent, name, mask); this.slots[at]; at = at + 1 & mask) {
			const node = this.slots[at];
			if (tree.parent[node] === parent && tree.name[node] === name)
				return node;
		}
		return 0;
	}

	add(tree, node) {
		if (++this.n * 2 > this.slots.length)
			this.grow(tree);
		this.put(tree, node);
	}

	put(tree, node) {
		const mask = this.slots.length - 1;
		let at = this.place(tree.parent[node], tree.name[node], mask);

		while (this.slots[at])
			at = at + 1 & mask;
		this.slots[at] = node;
	}

	grow(tree) {
		const old = this.slots;

		this.slots = new Int32Array(old.length * 2);
		for (const node of old)
			if (node)
				this.put(tree, node);
	}
}

class Tree {
	constructor(profile, type, rootText) {
		this.profile = profile;
		this.type = type;
		this.rootText = rootText;
		this.parent = [-1];
		this.name = [0];
		this.frame = [0]; // the first one seen; 0: none
		this.frames = new Map(); // of nodes that have several
		this.self = [0];
		this.mark = [-1]; // the group of all of its samples, or MIXED
		this.groupNames = [];
		this.index = new ChildIndex();
	}

	child(parent, name, frame) {
		let node = this.index.find(this, parent, name);

		if (!node) {
			node = this.parent.push(parent) - 1;
			this.name.push(name);
			this.frame.push(frame);
			this.self.push(0);
			this.mark.push(-1);
			this.index.add(this, node);
		} else if (this.frame[node] !== frame) {
			if (!this.frames.has(node))
				this.frames.set(node, new Set([this.frame[node]]));
			this.frames.get(node).add(frame);
		}
		return node;
	}

	addValue(node, value, mark) {
		this.self[node] += value;
		this.mark[node] = this.mark[node] === -1 || this.mark[node] === mark ? mark : MIXED;
	}

	// Sums, depths, and where each node begins among its siblings, the largest first.
	finish() {
		const n = this.parent.length;

		this.total = Float64Array.from(this.self);
		this.depth = new Int32Array(n);
		for (let i = n - 1; i > 0; i--) {
			const parent = this.parent[i];
			this.total[parent] += this.total[i];
			if (this.mark[i] !== -1 && this.mark[parent] !== this.mark[i])
				this.mark[parent] = this.mark[parent] === -1 ? this.mark[i] : MIXED;
		}
		for (let i = 1; i < n; i++)
			this.depth[i] = this.depth[this.parent[i]] + 1;
		this.sortChildren(n);
		return this;
	}

	sortChildren(n) {
		const first = new Int32Array(n + 1);

		for (let i = 1; i < n; i++)
			first[this.parent[i] + 1]++;
		for (let i = 0; i < n; i++)
			first[i + 1] += first[i];
		const at = first.slice(), children = new Int32Array(n);
		for (let i = 1; i < n; i++)
			children[at[this.parent[i]]++] = i;
		this.start = new Float64Array(n);
		for (let i = 0; i < n; i++) {
			if (first[i + 1] - first[i] > 1)
				children.subarray(first[i], first[i + 1])
					.sort((a, b) => this.total[b] - this.total[a] || a - b);
			let start = this.start[i];
			for (let k = first[i]; k < first[i + 1]; k++) {
				this.start[children[k]] = start;
				start += this.total[children[k]];
			}
		}
		this.first = first;
		this.children = children;
	}

	childrenOf(node) {
		return this.children.subarray(this.first[node], this.first[node + 1]);
	}

	isPart() {
		return this.frame[0] !== 0;
	}

	text(node) {
		if (!node)
			return this.rootText;
		const name = this.name[node];
		return name < 0 ? this.groupNames[-1 - name] : this.profile.names[name].text;
	}

	// All frames that are one node here.
	framesOf(node) {
		const numbers = this.frames.get(node) || (this.frame[node] ? [this.frame[node]] : []);

		return [...numbers].map(number => this.profile.frames[number - 1]);
	}

	moduleOf(node) {
		const frame = this.frame[node];

		return frame ? this.profile.frames[frame - 1].module : 0;
	}

	// The value of all nodes for which is(name), each sample once.
	valueOf(is) {
		const inside = new Uint8Array(this.parent.length);
		let sum = 0;

		for (let i = 1; i < this.parent.length; i++) {
			inside[i] = inside[this.parent[i]] || (this.name[i] >= 0 && is[this.name[i]]);
			if (inside[i] && !inside[this.parent[i]])
				sum += this.total[i];
		}
		return sum;
	}

	path(node) {
		const names = [];

		for (; node > 0; node = this.parent[node])
			names.unshift(this.name[node]);
		return names;
	}

	// The node at that path of names, or the last there is of it.
	follow(names) {
		let node = 0;

		for (const name of names) {
			const next = this.index.find(this, node, name);
			if (!next)
				break;
			node = next;
		}
		return node;
	}
}

// --- what of a profile is in it ---------------------------------------------------------------

// All stacks. split, colour: groups of Profile.groups(), or null.
function callTree(profile, type, split, colour) {
	const tree = new Tree(profile, type, "all"), values = profile.samples.values[type];
	const known = new Int32Array(profile.parent.length); // node here of each of the profile's,
	const knownIn = new Int32Array(profile.parent.length).fill(-1); // in that group
	const groupOf = sample => split ? split.of[sample] : 0, path = [];
	const order = Array.from(values.keys()).filter(i => values[i] > 0); // of a difference: what is more

	tree.groupNames = split ? split.names : [];
	for (const i of split ? order.sort((a, b) => groupOf(a) - groupOf(b)) : order) {
		const group = groupOf(i);
		let at = profile.samples.node[i];
		for (path.length = 0; at && knownIn[at] !== group; at = profile.parent[at])
			path.push(at);
		let node = at ? known[at] : split ? tree.child(0, -1 - group, 0) : 0;
		while (path.length) {
			at = path.pop();
			node = known[at] = tree.child(node, profile.nameAt(at), profile.frame[at]);
			knownIn[at] = group;
		}
		tree.addValue(node, values[i], colour ? colour.of[i] : -1);
	}
	return tree.finish();
}

// Each stack with that function, from the outermost call of it: of a recursion each sample counts
// once. isDown: from that call to the leaf; else from it to the root.
function partTree(profile, type, name, colour, isDown) {
	const tree = new Tree(profile, type, profile.names[name].text), values = profile.samples.values[type];

	for (let i = 0; i < profile.n; i++) {
		const path = [];
		let end = -1;
		for (let at = values[i] > 0 ? profile.samples.node[i] : 0; at; at = profile.parent[at]) {
			if (profile.nameAt(at) === name)
				end = path.length;
			path.push(at);
		}
		if (end < 0)
			continue;
		tree.frame[0] = tree.frame[0] || profile.frame[path[end]];
		const part = isDown ? path.slice(0, end).reverse() : path.slice(end + 1);
		let node = 0;
		for (const at of part)
			node = tree.child(node, profile.nameAt(at), profile.frame[at]);
		tree.addValue(node, values[i], colour ? colour.of[i] : -1);
	}
	return tree.finish();
}

function calleeTree(profile, type, name, colour) {
	return partTree(profile, type, name, colour, true);
}

function callerTree(profile, type, name, colour) {
	return partTree(profile, type, name, colour, false);
}
