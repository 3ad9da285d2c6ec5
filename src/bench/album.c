/* See album.h. */
#include "bench/album.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "bench/content.h"
#include "bench/pictures.h"
#include "bench/scene.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another one for every change of what is made. */
#define VERSION "3\n"

enum { WIDTH = 1800, HEIGHT = 1200 };
static const unsigned shrinks[] = {6, 3, 2, 1};
#define NSHRINKS (sizeof(shrinks) / sizeof(*shrinks))

static const char style_css[] = {
#include "bench/album_style.css.inc"
};
static const char who_js[] = {
#include "bench/album_who.js.inc"
};
static const char icon_svg[] = {
#include "bench/album_icon.svg.inc"
};

static const char distilled_html[] = {
#include "bench/album_distilled.html.inc"
};
static const char distilled_js[] = {
#include "bench/album_distilled.js.inc"
};

static const struct {
	const char *file, *title, *lead;
} albums[SCENE_LIGHTS] = {
	{"first-light", "First light", "Before anyone else is up."},
	{"noon", "High noon", "Short shadows, long views."},
	{"golden-hour", "Golden hour", "The last sun on the rock."},
	{"blue-hour", "Blue hour", "When the stars come out, one by one."},
	{"moonlight", "Moonlight", "Long exposures and cold fingers."},
	{"mist", "Mist", "Days on which the valleys stay in bed."},
};

static const char *const first_words[] = {"Silent", "Broken", "Upper", "Old",
	"Lonely", "Hidden", "North", "White", "Long", "Crooked", "Lower",
	"Windy"};
static const char *const last_words[] = {
	"Tarn", "Saddle", "Needle", "Basin", "Crossing", "Shoulder", "Meadow"};

/* 12 and 7 have no common divisor: 84 titles before one comes again. */
static const char *
first_word(unsigned photo)
{
	return first_words[photo % 12];
}

static const char *
last_word(unsigned photo)
{
	return last_words[photo % 7];
}

/* Photographs of one light are neighbours. */
static enum scene_light
light_of(unsigned photo)
{
	return (enum scene_light)(photo / (ALBUM_PHOTOS / SCENE_LIGHTS));
}

static int
write_file(const char *dir, const char *name, struct str text)
{
	own_free char *path = xasprintf("%s/%s", dir, name);
	own_file FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	if (fwrite(text.p, 1, text.n, f) != text.n || fflush(f) != 0)
		return -EIO;
	return 0;
}

/* --- pages --- */

static void
page_begin(struct buf *b, const char *title, const char *lead)
{
	buf_printf(b,
		"<!doctype html>\n"
		"<html lang=\"en\">\n"
		"<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>%s</title>\n"
		"<link rel=\"icon\" href=\"/icon.svg\">\n"
		"<link rel=\"stylesheet\" href=\"/style.css\">\n"
		"<script src=\"/who.js\" defer></script>\n"
		"</head>\n"
		"<body>\n"
		"<header>\n"
		"<a class=\"name\" href=\"/\">"
		"<img src=\"/icon.svg\" alt=\"\">Sevenfold</a>\n",
		title);
	for (unsigned i = 0; i < SCENE_LIGHTS; i++)
		buf_printf(b, "<a href=\"/albums/%s.html\">%s</a>\n",
			albums[i].file, albums[i].title);
	buf_printf(b,
		"</header>\n<main>\n<h1>%s</h1>\n<p class=\"lead\">%s</p>\n",
		title, lead);
}

/* Writes the page and empties b. */
static int
page_end(struct buf *b, const char *dir, const char *name)
{
	buf_z(b,
		"</main>\n"
		"<footer>\n"
		"<p id=\"who\"></p>\n"
		"<p><a href=\"/about.html\">About this site</a> · "
		"<a href=\"/distilled.html\">Distilled pictures</a> · "
		"<a href=\"/files.html\">Files to download</a></p>\n"
		"</footer>\n"
		"</body>\n"
		"</html>\n");
	int r = write_file(dir, name, buf_view(b));
	buf_fini(b);
	return r;
}

static void
grid(struct buf *b, enum scene_light light)
{
	buf_z(b, "<ul class=\"grid\">\n");
	for (unsigned i = 0; i < ALBUM_PHOTOS; i++)
		if (light_of(i) == light)
			buf_printf(b,
				"<li><a href=\"/photos/%02u.html\">"
				"<img src=\"/img/%02u-300.jpg\" width=\"300\" "
				"height=\"200\" loading=\"lazy\" alt=\"\">"
				"%s %s</a></li>\n",
				i + 1, i + 1, first_word(i), last_word(i));
	buf_z(b, "</ul>\n");
}

static int
make_index(const char *dir)
{
	struct buf b = {0};

	page_begin(&b, "Forty-eight mountains",
		"Served by a cluster without a middle box: whichever node your "
		"connection reached, each picture comes from the one node that "
		"owns it. See the foot of the page for who that was.");
	for (unsigned i = 0; i < SCENE_LIGHTS; i++) {
		buf_printf(&b, "<h2>%s</h2>\n", albums[i].title);
		grid(&b, i);
	}
	return page_end(&b, dir, "index.html");
}

static int
make_albums(const char *dir)
{
	for (unsigned i = 0; i < SCENE_LIGHTS; i++) {
		struct buf b = {0};
		char name[64];

		page_begin(&b, albums[i].title, albums[i].lead);
		grid(&b, i);
		snprintf(name, sizeof(name), "albums/%s.html", albums[i].file);
		int r = page_end(&b, dir, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
make_photo_page(const char *dir, unsigned i)
{
	unsigned previous = (i + ALBUM_PHOTOS - 1) % ALBUM_PHOTOS + 1;
	unsigned next = (i + 1) % ALBUM_PHOTOS + 1;
	struct buf b = {0};
	char title[64], name[32];

	snprintf(title, sizeof(title), "%s %s", first_word(i), last_word(i));
	page_begin(&b, title, albums[light_of(i)].title);
	buf_printf(&b,
		"<figure>\n"
		"<a href=\"/img/%02u-1800.jpg\">"
		"<img src=\"/img/%02u-900.jpg\" "
		"srcset=\"/img/%02u-600.jpg 600w, /img/%02u-900.jpg 900w, "
		"/img/%02u-1800.jpg 1800w\" sizes=\"min(100vw, 76rem)\" "
		"width=\"1800\" height=\"1200\" alt=\"%s\"></a>\n"
		"<figcaption>No. %u of %u</figcaption>\n"
		"</figure>\n",
		i + 1, i + 1, i + 1, i + 1, i + 1, title, i + 1, ALBUM_PHOTOS);
	buf_printf(&b,
		"<nav class=\"turn\">"
		"<a href=\"/photos/%02u.html\" rel=\"prev\">← previous</a>"
		"<a href=\"/photos/%02u.html\" rel=\"next\">next →</a>"
		"</nav>\n",
		previous, next);
	snprintf(name, sizeof(name), "photos/%02u.html", i + 1);
	return page_end(&b, dir, name);
}

static int
make_about(const char *dir)
{
	struct buf b = {0};

	page_begin(&b, "About this site", "What you are looking at.");
	buf_z(&b,
		"<p>These mountains do not exist. They were painted by "
		"<code>sevenfold demo</code> a moment ago, and put on an "
		"ordinary web server: the origin.</p>\n"
		"<p>Your browser talks to one address. Behind it, a layer-4 "
		"balancer spreads connections over the nodes, and each node "
		"finds out by the URL which of them owns the object. The owner "
		"fetches it from the origin once, keeps it, and answers from "
		"then on. There is one copy of each object in the whole "
		"cluster, and no answer passes the balancer.</p>\n"
		"<p>Every answer says in <code>Cache-Status</code> and "
		"<code>Via</code> which nodes it came through: "
		"<code>curl -sI</code> shows them, and so does the foot of "
		"each page.</p>\n");
	return page_end(&b, dir, "about.html");
}

/* --- files to download --- */

static const struct {
	const char *name;
	uint64_t bytes;
} files[] = {
	{"1k", 1000},
	{"2k", 2000},
	{"3k", 3000},
	{"5k", 5000},
	{"7k", 7000},
	{"10k", 10000},
	{"15k", 15000},
	{"20k", 20000},
	{"30k", 30000},
	{"50k", 50000},
	{"70k", 70000},
	{"100k", 100000},
	{"150k", 150000},
	{"200k", 200000},
	{"300k", 300000},
	{"500k", 500000},
	{"700k", 700000},
	{"1m", 1000000},
	{"2m", 2000000},
	{"5m", 5000000},
};
#define NFILES (sizeof(files) / sizeof(*files))

static int
make_files(const char *dir)
{
	struct buf b = {0};
	int r = 0;

	page_begin(&b, "Files to download", "Bytes without a meaning.");
	buf_z(&b, "<table>\n<tr><th>File</th><th>Bytes</th></tr>\n");
	for (size_t i = 0; i < NFILES && r == 0; i++) {
		own_free char *target =
			xasprintf("/files/seven-%s.bin", files[i].name);
		own_free char *path = xasprintf("%s%s", dir, target);

		buf_printf(&b,
			"<tr><td><a href=\"%s\">seven-%s.bin</a></td>"
			"<td>%llu</td></tr>\n",
			target, files[i].name,
			(unsigned long long)files[i].bytes);
		r = content_write_file(
			path, content_seed(str_z(target)), files[i].bytes);
	}
	buf_z(&b, "</table>\n");
	if (r == 0)
		return page_end(&b, dir, "files.html");
	buf_fini(&b);
	return r;
}

/* --- photographs --- */

struct darkroom {
	const char *dir;
	struct scene_noise *noise;
	_Atomic unsigned next, done;
	_Atomic int error; /* the first */
};

static int
make_photo(const struct darkroom *d, unsigned photo)
{
	struct image whole;
	int r = 0;

	image_init(&whole, WIDTH, HEIGHT);
	scene_paint(d->noise, UINT64_C(7919) * (photo + 1), light_of(photo),
		&whole);
	for (size_t i = 0; i < NSHRINKS && r == 0; i++) {
		own_free char *path = xasprintf("%s/img/%02u-%u.jpg", d->dir,
			photo + 1, WIDTH / shrinks[i]);
		/* Photographers differ in how much they compress. */
		int quality = 91 + (int)(photo * 5 % 8);
		struct image small;

		if (shrinks[i] == 1) {
			r = image_write_jpeg(&whole, path, quality, photo + 1);
			continue;
		}
		image_shrink(&whole, shrinks[i], &small);
		r = image_write_jpeg(&small, path, quality, photo + 1);
		image_fini(&small);
	}
	image_fini(&whole);
	return r;
}

static void *
develop(void *arg)
{
	struct darkroom *d = arg;
	unsigned photo;

	while ((photo = atomic_fetch_add(&d->next, 1)) < ALBUM_PHOTOS) {
		int r = make_photo(d, photo), none = 0;

		if (r < 0)
			atomic_compare_exchange_strong(&d->error, &none, r);
		atomic_fetch_add(&d->done, 1);
	}
	return NULL;
}

static int
make_photos(const char *dir, void (*progress)(unsigned done))
{
	struct darkroom d = {.dir = dir, .noise = scene_noise_new()};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cores < 1 ? 1 : cores > 64 ? 64 : (size_t)cores, started = 0;
	pthread_t threads[64];

	while (started < n &&
		pthread_create(&threads[started], NULL, develop, &d) == 0)
		started++;
	if (started == 0)
		develop(&d);
	while (progress && atomic_load(&d.done) < ALBUM_PHOTOS) {
		progress(atomic_load(&d.done));
		usleep(100000);
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	scene_noise_free(d.noise);
	return atomic_load(&d.error);
}

/* --- all of it --- */

static bool
is_complete(const char *dir)
{
	own_free char *path = xasprintf("%s/.complete", dir);
	own_file FILE *f = fopen(path, "re");
	char text[sizeof(VERSION)] = "";

	return f && fgets(text, sizeof(text), f) && !strcmp(text, VERSION);
}

static int
make_dirs(const char *dir)
{
	static const char *const subs[] = {
		"", "/albums", "/photos", "/img", "/files"};

	for (size_t i = 0; i < sizeof(subs) / sizeof(*subs); i++) {
		own_free char *path = xasprintf("%s%s", dir, subs[i]);

		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int
make_pages(const char *dir)
{
	static const struct {
		const char *name;
		struct str text;
	} shipped[] = {
		{"style.css", {style_css, sizeof(style_css) - 1}},
		{"who.js", {who_js, sizeof(who_js) - 1}},
		{"icon.svg", {icon_svg, sizeof(icon_svg) - 1}},
		{"distilled.html",
			{distilled_html, sizeof(distilled_html) - 1}},
		{"distilled.js", {distilled_js, sizeof(distilled_js) - 1}},
	};
	int r = make_index(dir);

	for (unsigned i = 0; i < ALBUM_PHOTOS && r == 0; i++)
		r = make_photo_page(dir, i);
	for (size_t i = 0; i < sizeof(shipped) / sizeof(*shipped) && r == 0;
		i++)
		r = write_file(dir, shipped[i].name, shipped[i].text);
	if (r == 0)
		r = make_albums(dir);
	return r == 0 ? make_about(dir) : r;
}

int
album_make(const char *dir, void (*progress)(unsigned done))
{
	int r;

	if (is_complete(dir))
		return 0;
	own_free char *pictures = xasprintf("%s/pictures", dir);
	if ((r = make_dirs(dir)) < 0 || (r = pictures_make(pictures, 1)) < 0 ||
		(r = make_pages(dir)) < 0 || (r = make_files(dir)) < 0 ||
		(r = make_photos(dir, progress)) < 0 ||
		(r = write_file(dir, ".complete", STR(VERSION))) < 0)
		return r;
	return 1;
}
