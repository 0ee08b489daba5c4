// SPDX-License-Identifier: GPL-2.0-or-later
//
// Values and shares as output/measure.c writes them, which is as go tool pprof does. A measure is
// {unit, factor}; the page has one for each list of values, chosen by its smallest and its largest.

// By the unit that a profile's type has; other values are plain numbers.
const UNITS = {
	nanoseconds: [["ns", 1], ["us", 1e3], ["ms", 1e6], ["s", 1e9], ["hrs", 3600e9]],
	bytes: [["B", 1], ["kB", 2 ** 10], ["MB", 2 ** 20], ["GB", 2 ** 30], ["TB", 2 ** 40]],
};

function measureOf(value, of) {
	const units = UNITS[of] || [["", 1]];
	let best = units[0];

	for (const unit of units)
		if (Math.abs(value) >= unit[1])
			best = unit;
	return {unit: best[0], factor: best[1]};
}

// A larger unit shows the smallest value as 0.01 at least.
function measureForTable(smallest, largest, of) {
	const low = measureOf(smallest, of), high = measureOf(largest, of);

	if (low.unit !== high.unit && smallest <= Math.trunc((largest - 1) / 100))
		return measureOf(smallest * 100, of);
	return low;
}

function measureValue(value, measure) {
	if (!value || measure.factor === 1)
		return value ? value + measure.unit : "0";
	return (value / measure.factor).toFixed(2).replace(/\.00$/, "") + measure.unit;
}

// In the unit that fits this one value.
function valueText(value, of) {
	return measureValue(value, measureOf(value, of));
}

function percentText(value, total) {
	const ratio = total ? Math.abs(100 * value / total) : 0;

	if (ratio >= 99.95 && ratio <= 100.05)
		return "100%";
	return (ratio >= 1 ? ratio.toFixed(2) : String(Number(ratio.toPrecision(2)))) + "%";
}

// As the text of -dump has them: 0.004s, 12.3s, 5m2s, 7h30m, 12d4h.
function spanText(ns) {
	const s = Math.floor(ns / 1e9);

	if (s < 1)
		return (ns / 1e9).toFixed(3) + "s";
	if (s < 60)
		return (ns / 1e9).toFixed(1) + "s";
	if (s < 3600)
		return Math.floor(s / 60) + "m" + s % 60 + "s";
	if (s < 48 * 3600)
		return Math.floor(s / 3600) + "h" + Math.floor(s / 60) % 60 + "m";
	return Math.floor(s / 86400) + "d" + Math.floor(s / 3600) % 24 + "h";
}

function countText(n, one, many) {
	return n + " " + (n === 1 ? one : many || one + "s");
}

function timeText(ns) {
	return new Date(ns / 1e6).toLocaleString(undefined, {dateStyle: "medium", timeStyle: "long"});
}

function baseName(path) {
	return path.slice(path.lastIndexOf("/") + 1) || path;
}
