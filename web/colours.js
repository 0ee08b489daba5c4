// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which colour a frame has: by the module that its code is in, or by a label that all of its
// samples have in common. The first groups have hues of their own, all others and what is no code
// are grey. The legend says which.

const HUES = [28, 205, 145, 275, 350, 55, 178, 320, 95, 235];

// Larger first; the legend and the hues go by it.
function bySize(sizes) {
	return [...sizes.keys()].filter(i => sizes[i] > 0).sort((a, b) => sizes[b] - sizes[a] || a - b);
}

class Colours {
	// groups: of Profile.groups(), or null: modules
	constructor(profile, type, groups) {
		this.profile = profile;
		this.groups = groups;
		this.sizes = groups ? this.groupSizes(type) : this.moduleSizes(type);
		this.hueOf = new Map();
		for (const group of this.order())
			if (this.hueOf.size < HUES.length)
				this.hueOf.set(group, HUES[this.hueOf.size]);
	}

	// The executable comes first, so that it has one colour in all profiles; 0 is no module.
	order() {
		const order = bySize(this.sizes).filter(i => this.groups || i !== 0);

		return this.groups || !this.sizes[1] ? order : [1, ...order.filter(i => i !== 1)];
	}

	groupSizes(type) {
		const sizes = this.groups.names.map(() => 0);

		this.profile.samples.values[type].forEach((value, i) => sizes[this.groups.of[i]] += value);
		return sizes;
	}

	// What runs there itself.
	moduleSizes(type) {
		const profile = this.profile, sizes = new Array(profile.modules.length + 1).fill(0);

		profile.samples.values[type].forEach((value, i) => {
			const frame = profile.frame[profile.samples.node[i]];
			sizes[frame ? profile.frames[frame - 1].module : 0] += value;
		});
		// One that only calls others has a colour, too.
		for (const frame of profile.frames)
			sizes[frame.module] = sizes[frame.module] || Number.MIN_VALUE;
		return sizes;
	}

	hue(tree, node) {
		return this.hueOf.get(this.groups ? tree.mark[node] : tree.moduleOf(node));
	}

	// Neighbours of one module differ a little in lightness, the same function never.
	fill(tree, node, isDark) {
		const hue = this.hue(tree, node), shade = (Math.imul(tree.name[node], 2654435761) >>> 28) / 15;

		if (hue === undefined)
			return isDark ? `hsl(220 6% ${27 + 5 * shade}%)` : `hsl(220 10% ${84 + 5 * shade}%)`;
		return isDark ? `hsl(${hue} 34% ${30 + 7 * shade}%)` : `hsl(${hue} 62% ${74 + 8 * shade}%)`;
	}

	swatch(group, isDark) {
		const hue = this.hueOf.get(group);

		if (hue === undefined)
			return isDark ? "hsl(220 6% 30%)" : "hsl(220 10% 86%)";
		return isDark ? `hsl(${hue} 34% 36%)` : `hsl(${hue} 62% 76%)`;
	}

	groupText(group) {
		if (this.groups)
			return this.groups.names[group];
		return baseName(this.profile.modules[group - 1].file) || "code in no file";
	}

	// [{text, colour, size}], the largest first; others as one.
	legend(isDark) {
		const order = this.order(), rows = [];
		const size = list => list.reduce((sum, i) => sum + this.sizes[i], 0);

		for (const group of order.filter(i => this.hueOf.has(i)))
			rows.push({text: this.groupText(group), colour: this.swatch(group, isDark), size: this.sizes[group]});
		const others = order.filter(i => !this.hueOf.has(i)), grey = this.swatch(-1, isDark);
		if (others.length)
			rows.push({text: countText(others.length, "other"), colour: grey, size: size(others)});
		if (this.groups && order.length > 1)
			rows.push({text: "in several of these", colour: grey, size: null});
		else if (!this.groups && this.sizes[0])
			rows.push({text: "no code: [in brackets]", colour: grey, size: this.sizes[0]});
		return rows;
	}
}
