// SPDX-License-Identifier: GPL-2.0-or-later
//
// Elements of the page. Text only ever becomes a text node: names of functions, files, threads and
// locks come from the target, which may be hostile.

function byId(id) {
	return document.getElementById(id);
}

// make("button", {type: "button", class: "quiet"}, "text", element, ...)
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {}))
		if (value === true)
			element.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			element.setAttribute(name, value);
	element.append(...children.filter(child => child !== null && child !== undefined));
	return element;
}

function makeButton(text, whenPressed, attributes) {
	const button = make("button", {type: "button", ...attributes}, text);

	button.addEventListener("click", whenPressed);
	return button;
}

function fill(element, ...children) {
	element.replaceChildren(...children.filter(child => child !== null && child !== undefined));
}

function show(element, isShown) {
	element.hidden = !isShown;
}

// choices: [[value, text], ...]; keeps what was chosen, where that is still among them.
function fillSelect(select, choices) {
	const before = select.value;

	fill(select, ...choices.map(([value, text]) => make("option", {value}, text)));
	if (choices.some(([value]) => String(value) === before))
		select.value = before;
	show(select.closest("label"), choices.length > 1);
}

// A property of the style sheet, for what is drawn and not styled.
function styleValue(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function isTyping() {
	return /^(input|select|textarea)$/i.test(document.activeElement.tagName);
}
