// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page either has a profile in it (-format html), or it was served by the profiler and asks it.

const data = byId("data").textContent.trim();
const report = new Report();

function tell(text) {
	byId("error").textContent = text || "";
	show(byId("error"), !!text);
}

function showProfile(json) {
	try {
		report.show(new Profile(json));
	} catch (error) {
		tell("the profile cannot be shown: " + error.message);
	}
}

function goTo(page, dump) {
	const isDump = page === "threads";

	byId("to_profile").setAttribute("aria-current", isDump ? "false" : "page");
	byId("to_dump").setAttribute("aria-current", isDump ? "page" : "false");
	show(byId("take"), !isDump);
	show(byId("report"), !isDump && !!report.profile);
	tell(null);
	dump.show(isDump);
	// It had no size while it was hidden.
	if (!isDump && report.profile)
		report.draw();
}

async function serve() {
	let target;

	try {
		target = await requestJson("api/target");
	} catch (error) {
		tell(error.message);
		return;
	}
	const taker = new Taker(target, showProfile, tell);
	const dump = new DumpPage(signal => requestJson("api/dump" + (taker.pid() ? "?" + query({pid: taker.pid()}) : ""), signal), tell);
	const page = () => location.hash.slice(1);

	byId("program").textContent = target.processes.length === 1
		? `${target.processes[0].comm}, process ${target.processes[0].pid}` : countText(target.processes.length, "process", "processes");
	show(byId("top"), true);
	byId("to_profile").addEventListener("click", () => location.hash = "profile");
	byId("to_dump").addEventListener("click", () => location.hash = "threads");
	byId("pid").addEventListener("change", () => dump.isShown && dump.refresh());
	addEventListener("hashchange", () => goTo(page(), dump));
	goTo(page(), dump);
}

// --- keys of the whole page -------------------------------------------------------------------

addEventListener("keydown", event => {
	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key === "/" && !isTyping()) {
		const field = byId(byId("dump").hidden ? "search" : "filter");
		if (field.checkVisibility && !field.checkVisibility())
			return;
		event.preventDefault();
		field.focus();
		field.select();
	} else if (event.key === "Escape" && report.profile && !byId("report").hidden) {
		report.reset();
	}
});

if (data)
	showProfile(JSON.parse(data));
else
	serve();
