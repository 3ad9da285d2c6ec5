// Says which nodes answered: this page, and the pictures on it. The browser's
// own cache gives back the headers with which each of them came, so nothing is
// asked twice.

// "n1; hit; ttl=60, n3; fwd=bypass" -> { owner: "n1", door: "n3", hit: true }
function trail(headers) {
	const caches = (headers.get("cache-status") || "").split(",");
	const name = (member) => member.split(";")[0].trim();
	return {
		owner: name(caches[0]),
		door: name(caches[caches.length - 1]),
		hit: /;\s*hit\b/.test(caches[0]),
	};
}

async function trailOf(url) {
	const answer = await fetch(url, { cache: "force-cache" });
	return trail(answer.headers);
}

function tally(names) {
	const count = {};
	for (const name of names)
		count[name] = (count[name] || 0) + 1;
	return Object.keys(count)
		.sort()
		.map((name) => `${name} ${count[name]}`)
		.join(", ");
}

async function say() {
	const page = await trailOf(location.href);
	if (!page.owner)
		return;
	const text = page.door === page.owner
		? `This page was answered by <strong>${page.door}</strong>, its owner`
		: `This page was answered by <strong>${page.door}</strong>, ` +
			`relayed from its owner <strong>${page.owner}</strong>`;
	const who = document.getElementById("who");
	who.innerHTML = `${text}: ${page.hit ? "a hit" : "a miss"}.`;

	const urls = [...document.images].map((image) => image.currentSrc);
	const pictures = await Promise.all(urls.filter(Boolean).map(trailOf));
	who.innerHTML += ` Pictures by owner: ` +
		`<strong>${tally(pictures.map((p) => p.owner))}</strong>; ` +
		`by the node that was asked: ` +
		`<strong>${tally(pictures.map((p) => p.door))}</strong>.`;
}

addEventListener("load", say);
