// Asks for each picture as clients of several kinds would, and shows what they
// get: the picture, its type and size, and who made it.

const files = ["photo.jpg", "photo.png", "photo.webp", "photo.gif",
	"drawing.png", "screenshot.png", "screenshot.gif", "ball.gif",
	"ball.webp"];

const webp = "image/webp,image/*,*/*;q=0.8";
const clients = [
	{ "Cache-Control": "no-transform" },
	{ Accept: webp },
	{ Accept: webp, Width: "320" },
	{ Accept: webp, "Save-Data": "on" },
];

function size(bytes) {
	return bytes < 10000 ? `${bytes} bytes` : `${Math.round(bytes / 1000)} KB`;
}

async function cell(td, file, fields) {
	const answer = await fetch(`/pictures/${file}`,
		{ headers: fields, cache: "no-store" });
	const blob = await answer.blob();
	const image = new Image();
	const kind = blob.type.replace("image/", "");
	const said = answer.headers.get("cache-status") || "";
	const text = document.createElement("p");

	image.src = URL.createObjectURL(blob);
	await image.decode().catch(() => {});
	text.textContent = `${kind}, ${image.naturalWidth} × ` +
		`${image.naturalHeight}, ${size(blob.size)}, ` +
		said.split(",")[0].split(";").slice(0, 2).join(":");
	td.append(image, text);
	return blob.size;
}

async function row(file) {
	const tr = document.createElement("tr");

	document.getElementById("pictures").append(tr);
	return Promise.all(clients.map((fields) => {
		const td = document.createElement("td");

		tr.append(td);
		return cell(td, file, fields);
	}));
}

async function show() {
	const sums = clients.map(() => 0);

	for (const file of files)
		(await row(file)).forEach((bytes, i) => { sums[i] += bytes; });
	for (const bytes of sums) {
		const td = document.createElement("td");

		td.textContent = `${size(bytes)}, ` +
			`${Math.round(100 * bytes / sums[0])} %`;
		document.getElementById("sums").append(td);
	}
}

addEventListener("load", show);
