// SPDX-License-Identifier: GPL-2.0-or-later
//
// The functions of a profile as a table: flat is what a function used itself, cum what it and all
// that it called did. Columns are sorted by their heads; the name in a row selects the function.
// A cell's data-value is its exact value.

const MOST_ROWS = 300; // at first; there is a button for more

const COLUMNS = [
	{key: "flat", text: "Flat", title: "in the function itself", isNumber: true},
	{key: "flatShare", text: "Flat %", title: "share of all", isNumber: true},
	{key: "cum", text: "Cum", title: "in the function and all that it called", isNumber: true},
	{key: "cumShare", text: "Cum %", title: "share of all", isNumber: true},
	{key: "text", text: "Function"},
	{key: "file", text: "File"},
	{key: "module", text: "Module"},
];

class FunctionTable {
	// whenSelected(id or null)
	constructor(whenSelected) {
		this.whenSelected = whenSelected;
		this.sort = {key: "flat", isUp: false};
		this.body = make("tbody");
		this.heads = new Map();
		this.status = byId("rows");
		this.more = makeButton("", () => this.render(Infinity), {class: "more"});
		fill(byId("functions"), make("caption", {class: "unseen"}, "Functions of the profile"),
			make("thead", {}, make("tr", {}, ...COLUMNS.map(column => this.makeHead(column)))), this.body);
		byId("functions").after(this.more);
	}

	makeHead(column) {
		const button = makeButton(column.text, () => this.sortBy(column), {title: column.title});
		const head = make("th", {scope: "col", class: column.isNumber ? "number" : null}, button);

		this.heads.set(column.key, head);
		return head;
	}

	// Largest numbers first, texts from a to z; again: the other way round.
	sortBy(column) {
		this.sort = {key: column.key,
			isUp: this.sort.key === column.key ? !this.sort.isUp : !column.isNumber};
		this.render();
	}

	show(profile, type) {
		this.total = profile.total(type);
		this.rows = profile.functions(type).filter(row => row.cum).map(row => ({
			id: row.id,
			flat: row.flat,
			flatShare: row.flat,
			cum: row.cum,
			cumShare: row.cum,
			text: row.name.text,
			inlined: inlinedText(row.name),
			isPseudo: profile.isPseudo(row.id),
			file: row.name.files.length > 1 ? countText(row.name.files.length, "file") : row.name.files[0] || "",
			files: row.name.files.join("\n"),
			module: moduleText(profile, row.name),
		}));
		const smallest = this.rows.reduce((least, row) => Math.min(least, Math.abs(row.flat || row.cum)), Infinity);
		this.measure = measureForTable(isFinite(smallest) ? smallest : this.total, this.total, profile.unit(type));
		this.is = null;
		this.selected = null;
		this.render();
	}

	// is: for each name whether it matches the search, or null.
	filter(is) {
		this.is = is;
		this.render();
	}

	select(id) {
		this.selected = id;
		for (const tr of this.body.rows)
			tr.setAttribute("aria-selected", String(Number(tr.dataset.id) === id));
	}

	sorted() {
		const {key, isUp} = this.sort, rows = this.rows.filter(row => !this.is || this.is[row.id]);
		const order = (a, b) => a < b ? -1 : a > b ? 1 : 0;

		return rows.sort((a, b) => (isUp ? 1 : -1) * order(a[key], b[key]) ||
			order(b.flat, a.flat) || order(a.text, b.text));
	}

	render(most = MOST_ROWS) {
		const rows = this.sorted(), shown = rows.slice(0, most);

		for (const [key, head] of this.heads)
			head.setAttribute("aria-sort", key !== this.sort.key ? "none" : this.sort.isUp ? "ascending" : "descending");
		fill(this.body, ...shown.map(row => this.makeRow(row)));
		show(this.more, shown.length < rows.length);
		this.more.textContent = "Show all " + rows.length;
		this.status.textContent = rows.length === this.rows.length
			? String(rows.length) : rows.length + " of " + this.rows.length;
	}

	makeRow(row) {
		const value = number => make("td", {class: "number", "data-value": number}, measureValue(number, this.measure));
		const share = number => make("td", {class: "number"}, percentText(number, this.total));
		const name = makeButton(row.text, () => this.whenSelected(this.selected === row.id ? null : row.id),
			{class: row.isPseudo ? "name pseudo" : "name"});
		const inlined = row.inlined ? make("span", {class: "note"}, " " + row.inlined) : null;

		return make("tr", {"data-id": row.id, "aria-selected": String(this.selected === row.id)},
			value(row.flat), share(row.flat), value(row.cum), share(row.cum),
			make("td", {class: "function"}, name, inlined),
			make("td", {class: "file", title: row.files}, row.file), make("td", {class: "module"}, row.module));
	}
}

function inlinedText(name) {
	return !name.inlined ? "" : name.called ? "(inlined in part)" : "(inlined)";
}

function moduleText(profile, name) {
	const files = name.modules.filter(module => module).map(module => baseName(profile.modules[module - 1].file));

	return [...new Set(files)].join(", ");
}
