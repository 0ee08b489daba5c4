// SPDX-License-Identifier: GPL-2.0-or-later
//
// A flame graph on a canvas: one row for each depth, the width of a frame is its value. The canvas
// is as high as its holder, which scrolls; what is narrower than a pixel is not drawn, but a grey
// rest says that it is there. Keys: arrows go to the caller, a callee, the neighbours; Enter zooms,
// Escape shows all again.
//
// Its owner is told: whenFocused(tree, node) of the frame that the keyboard is at or that was
// zoomed to, whenOpened(tree, node) of one that was asked for by a double click or by "c".

const ROW = 19; // height of one, with the line below it
const LEAST = 1; // width of a frame that is drawn
const BORDERS = 2; // of its holder
const REST = -1; // in place of a node: all siblings that are too narrow

class Flame {
	constructor(holder, label, owner) {
		this.owner = owner;
		this.canvas = make("canvas", {tabindex: "0", role: "application", "aria-label": label,
			"aria-roledescription": "flame graph", "aria-describedby": "details keys"});
		this.spacer = make("div", {class: "spacer"});
		this.holder = holder;
		this.tree = null;
		fill(holder, this.canvas, this.spacer);
		this.listen();
	}

	listen() {
		this.holder.addEventListener("scroll", () => this.draw());
		this.canvas.addEventListener("mousemove", event => this.hover(event));
		this.canvas.addEventListener("mouseleave", () => this.leave());
		this.canvas.addEventListener("click", event => this.click(event));
		this.canvas.addEventListener("dblclick", event => this.open(this.nodeAt(event)));
		this.canvas.addEventListener("keydown", event => this.key(event));
		this.canvas.addEventListener("focus", () => this.focus(this.focused));
		this.canvas.addEventListener("blur", () => this.draw());
		new ResizeObserver(() => this.resize()).observe(this.holder);
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
	}

	// isUp: the root at the bottom. Zoom and focus stay where the new tree has the same path.
	show(tree, colours, isUp) {
		const zoomed = this.tree ? this.tree.path(this.zoomed) : [];
		const focused = this.tree ? this.tree.path(this.focused) : [];

		this.tree = tree;
		this.colours = colours;
		this.isUp = isUp;
		this.hovered = REST;
		this.zoomed = tree.follow(zoomed);
		this.focused = tree.follow(focused);
		this.resize();
		if (this.rows)
			this.holder.style.height = Math.min(Math.max(rowsHeight(this), 5 * ROW), innerHeight * 0.6) + BORDERS + "px";
		this.holder.scrollTop = isUp ? this.holder.scrollHeight : 0;
	}

	// is: for each name of the profile whether it is highlighted, or null.
	highlight(is) {
		this.is = is;
		this.draw();
	}

	zoom(node) {
		this.zoomed = node;
		this.layout();
		this.focus(node);
	}

	isDrawn(node) {
		return (this.rows[this.tree.depth[node]] || []).some((other, i) => i % 3 === 0 && other === node);
	}

	open(node) {
		if (node > 0)
			this.owner.whenOpened(this.tree, node);
	}

	unzoom() {
		this.zoomed = 0;
		this.layout();
		this.focus(this.focused);
	}

	// A frame that is not drawn, for it is elsewhere or too narrow, is zoomed to.
	focus(node) {
		this.focused = node;
		for (let to = this.tree.parent[node]; to !== null && !this.isDrawn(node); to = to === node ? null : node) {
			this.zoomed = Math.max(to, 0);
			this.layout();
		}
		this.scrollTo(this.tree.depth[node]);
		this.draw();
		this.owner.whenFocused(this.tree, node);
	}

	// --- where everything is --------------------------------------------------------------

	resize() {
		const scale = devicePixelRatio || 1;

		if (!this.tree || !this.holder.clientWidth)
			return;
		this.width = this.holder.clientWidth;
		this.height = this.holder.clientHeight;
		this.canvas.width = Math.round(this.width * scale);
		this.canvas.height = Math.round(this.height * scale);
		this.canvas.style.width = this.width + "px";
		this.canvas.style.height = this.height + "px";
		this.layout();
	}

	// rows[depth]: node, x, width, node, x, width, ...
	layout() {
		const tree = this.tree, rows = [], scale = this.width / (tree.total[this.zoomed] || 1);
		const add = (depth, node, x, width) => (rows[depth] = rows[depth] || []).push(node, x, width);

		for (let node = tree.parent[this.zoomed]; node >= 0; node = tree.parent[node])
			add(tree.depth[node], node, 0, this.width);
		const stack = [this.zoomed];
		while (stack.length) {
			const node = stack.pop(), x = (tree.start[node] - tree.start[this.zoomed]) * scale;
			add(tree.depth[node], node, x, tree.total[node] * scale);
			for (const child of tree.childrenOf(node)) {
				if (tree.total[child] * scale < LEAST) {
					const left = tree.total[node] - tree.self[node] - (tree.start[child] - tree.start[node]);
					add(tree.depth[child], REST, (tree.start[child] - tree.start[this.zoomed]) * scale, left * scale);
					break;
				}
				stack.push(child);
			}
		}
		this.rows = rows;
		this.spacer.style.height = Math.max(0, rows.length * ROW - this.height) + "px";
		this.draw();
	}

	top(depth) {
		return this.isUp ? Math.max(rowsHeight(this), this.height) - (depth + 1) * ROW : depth * ROW;
	}

	depthAt(y) {
		return Math.floor((this.isUp ? Math.max(rowsHeight(this), this.height) - y : y) / ROW);
	}

	scrollTo(depth) {
		const top = this.top(depth);

		if (top < this.holder.scrollTop)
			this.holder.scrollTop = top - ROW;
		else if (top + ROW > this.holder.scrollTop + this.height)
			this.holder.scrollTop = top + 2 * ROW - this.height;
	}

	nodeAt(event) {
		const box = this.canvas.getBoundingClientRect();
		const x = event.clientX - box.left, y = event.clientY - box.top + this.holder.scrollTop;
		const row = this.rows[this.depthAt(y)] || [];

		for (let i = 0; i < row.length; i += 3)
			if (x >= row[i + 1] && x < row[i + 1] + Math.max(row[i + 2], LEAST))
				return row[i];
		return REST;
	}

	// --- drawing --------------------------------------------------------------------------

	// Soon, and once for all that asks for it until then.
	draw() {
		if (this.isDue || !this.rows)
			return;
		this.isDue = true;
		requestAnimationFrame(() => {
			this.isDue = false;
			this.drawNow();
		});
	}

	drawNow() {
		const scale = devicePixelRatio || 1, pen = this.canvas.getContext("2d");
		const scroll = this.holder.scrollTop;

		this.isDark = matchMedia("(prefers-color-scheme: dark)").matches;
		this.ink = styleValue("--ink");
		this.match = styleValue("--match");
		this.line = styleValue("--line");
		this.font = styleValue("--graph-font");
		pen.setTransform(scale, 0, 0, scale, 0, 0);
		pen.clearRect(0, 0, this.width, this.height);
		pen.textBaseline = "middle";
		for (let depth = 0; depth < this.rows.length; depth++) {
			const y = this.top(depth) - scroll;
			if (y > -ROW && y < this.height)
				this.drawRow(pen, this.rows[depth] || [], y);
		}
		this.drawFocus(pen, scroll);
	}

	drawRow(pen, row, y) {
		for (let i = 0; i < row.length; i += 3) {
			const node = row[i], x = row[i + 1], width = row[i + 2];
			if (node === REST)
				this.drawRest(pen, x, y, width);
			else
				this.drawFrame(pen, node, x, y, width);
		}
	}

	drawRest(pen, x, y, width) {
		pen.globalAlpha = 0.4;
		pen.fillStyle = this.line;
		pen.fillRect(x, y + ROW / 2 - 1, Math.max(width, 0.5), 2);
		pen.globalAlpha = 1;
	}

	drawFrame(pen, node, x, y, width) {
		const name = this.tree.name[node], isMatch = this.is && node && name >= 0 && this.is[name];
		const isAbove = this.tree.depth[node] < this.tree.depth[this.zoomed];

		pen.globalAlpha = this.is && !isMatch ? 0.4 : isAbove ? 0.6 : 1;
		pen.fillStyle = isMatch ? this.match : this.colours.fill(this.tree, node, this.isDark);
		pen.fillRect(x, y, Math.max(width - (width > 3 ? 1 : 0), LEAST), ROW - 1);
		pen.globalAlpha = this.is && !isMatch ? 0.7 : 1;
		if (width > 24)
			this.drawText(pen, node, x + 5, y, width - 10);
		pen.globalAlpha = 1;
		if (node === this.hovered)
			outline(pen, x, y, width, this.ink, 1);
	}

	drawText(pen, node, x, y, room) {
		const isCode = this.tree.moduleOf(node) !== 0 || this.tree.name[node] < 0 || !node;

		pen.font = (isCode ? "" : "italic ") + this.font;
		pen.fillStyle = this.ink;
		pen.fillText(cutText(pen, this.tree.text(node), room), x, y + ROW / 2);
	}

	drawFocus(pen, scroll) {
		const row = this.rows[this.tree.depth[this.focused]] || [];
		const at = row.findIndex((node, i) => i % 3 === 0 && node === this.focused);

		if (document.activeElement === this.canvas && at >= 0)
			outline(pen, row[at + 1], this.top(this.tree.depth[this.focused]) - scroll,
				row[at + 2], styleValue("--accent"), 2);
	}

	// --- mouse and keyboard ---------------------------------------------------------------

	hover(event) {
		const node = this.nodeAt(event);

		if (node !== this.hovered) {
			this.hovered = node;
			this.draw();
		}
		this.canvas.style.cursor = node === REST ? "default" : "pointer";
		this.owner.whenHovered(this.tree, node, event);
	}

	leave() {
		this.hovered = REST;
		this.owner.whenHovered(this.tree, REST, null);
		this.draw();
	}

	click(event) {
		const node = this.nodeAt(event);

		if (node >= 0)
			this.zoom(node);
	}

	sibling(step) {
		if (!this.focused)
			return 0;
		const all = this.tree.childrenOf(this.tree.parent[this.focused]);
		const at = all.indexOf(this.focused) + step;
		return at >= 0 && at < all.length ? all[at] : this.focused;
	}

	// Down is towards the leaf, or with the root at the bottom towards the root.
	key(event) {
		const caller = Math.max(this.tree.parent[this.focused], 0);
		const callees = this.tree.childrenOf(this.focused);
		const callee = callees.length ? callees[0] : this.focused;
		const to = {
			ArrowUp: () => this.focus(this.isUp ? callee : caller),
			ArrowDown: () => this.focus(this.isUp ? caller : callee),
			ArrowLeft: () => this.focus(this.sibling(-1)),
			ArrowRight: () => this.focus(this.sibling(1)),
			Home: () => this.focus(0),
			Enter: () => this.zoom(this.focused),
			c: () => this.open(this.focused),
		}[event.key];

		if (!to || event.ctrlKey || event.altKey || event.metaKey)
			return;
		event.preventDefault();
		to();
	}
}

function rowsHeight(flame) {
	return flame.rows.length * ROW;
}

function outline(pen, x, y, width, colour, thickness) {
	pen.strokeStyle = colour;
	pen.lineWidth = thickness;
	pen.strokeRect(x + thickness / 2, y + thickness / 2, Math.max(width - 1 - thickness, 1), ROW - 1 - thickness);
}

// As much of a text as there is room for, with an ellipsis.
function cutText(pen, text, room) {
	let width = pen.measureText(text).width, n = text.length;

	while (width > room && n > 1) {
		n = Math.max(1, Math.min(n - 1, Math.floor(n * room / width)));
		width = pen.measureText(text.slice(0, n) + "…").width;
	}
	return n === text.length ? text : width > room || n < 2 ? "" : text.slice(0, n) + "…";
}
