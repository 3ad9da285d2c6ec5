/*
 * sevenfold bench pictures|distill|ssim: files to distil, what becomes of them
 * for which client and what it costs, and how alike two images are.
 */
#include "prog/bench_distill.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/own.h"
#include "bench/pictures.h"
#include "bench/ssim.h"
#include "distill/codec.h"
#include "distill/distill.h"
#include "distill/sniff.h"
#include "distill/text.h"

#ifdef HAVE_AVIF
#include <avif/avif.h>
#endif

static const char usage[] =
	"usage: sevenfold bench pictures DIR [--shrink N]\n"
	"       sevenfold bench distill [OPTIONS] FILE...\n"
	"       sevenfold bench ssim ORIGINAL FILE\n"
	"\n"
	"pictures\n"
	"Makes photographs, drawings, animations and text in DIR, in several\n"
	"formats; photographs have 1800 x 1200 pixels, divided by N.\n"
	"\n"
	"distill\n"
	"Shows what each file becomes for some classes of clients: type,\n"
	"bytes, how like the original it looks (SSIM), processor time.\n"
	"\n"
	"  --class NAME    only that class: plain, webp, avif, save, phone,\n"
	"                  gzip, zstd or br\n"
	"  --width N       at most so wide, whatever the class says\n"
	"  --quality N     of that quality, whatever the class says\n"
	"  --repeat N      take the fastest of N runs (3)\n"
	"  --blind         don't compute SSIM\n"
	"  --out DIR       write the results there, as FILE.CLASS\n"
	"  --json          a line of JSON for each\n"
	"\n"
	"ssim\n"
	"Says how alike two images look, 1 being the same, after ORIGINAL is\n"
	"scaled to FILE's size.\n";

static const struct {
	const char *name;
	struct order order;
} classes[] = {
	{"plain", {.formats = ORDER_JPEG, .quality = 75}},
	{"webp", {.formats = ORDER_WEBP, .quality = 75}},
	{"avif", {.formats = ORDER_FORMATS, .quality = 75}},
	{"phone", {.formats = ORDER_WEBP, .quality = 75, .width = 640}},
	{"save", {.formats = ORDER_WEBP, .quality = 45, .halve = 1}},
	{"gzip", {.kind = ORDER_TEXT, .coding = CODING_GZIP}},
	{"zstd", {.kind = ORDER_TEXT, .coding = CODING_ZSTD}},
	{"br", {.kind = ORDER_TEXT, .coding = CODING_BR}},
};
#define NCLASSES (sizeof(classes) / sizeof(classes[0]))

struct options {
	const char *class, *out;
	unsigned width, quality, repeat, shrink;
	bool json, blind;
};

static int
bad_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

static int
read_file(const char *path, struct buf *out)
{
	own_file FILE *f = fopen(path, "re");
	size_t n;

	while (f && (n = fread(buf_reserve(out, 65536), 1, 65536, f)) > 0)
		buf_commit(out, n);
	if (f && !ferror(f))
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", path, strerror(errno));
	return -EIO;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- any image, as pixels ------------------------------------------------- */

static enum result
read_first(struct str in, struct frames *(*open)(struct str),
	int (*next)(struct frames *, const struct raster **, int *),
	void (*close)(struct frames *), struct raster *out)
{
	struct frames *f = open(in);
	const struct raster *frame;
	int ms;
	bool done = f && next(f, &frame, &ms) > 0 && raster_copy(frame, out);

	close(f);
	return done ? RESULT_DONE : RESULT_BROKEN;
}

static enum result
read_avif(struct str in, struct raster *out)
{
	enum result result = RESULT_UNKNOWN;
#ifdef HAVE_AVIF
	avifDecoder *d = avifDecoderCreate();
	avifImage *image = avifImageCreateEmpty();
	avifRGBImage rgb;

	if (d && image &&
		avifDecoderReadMemory(d, image, (const uint8_t *)in.p, in.n) ==
			AVIF_RESULT_OK &&
		raster_init(out, image->width, image->height)) {
		avifRGBImageSetDefaults(&rgb, image);
		rgb.format = AVIF_RGB_FORMAT_BGRA;
		rgb.pixels = (uint8_t *)out->picture.argb;
		rgb.rowBytes = 4 * (uint32_t)out->picture.argb_stride;
		if (avifImageYUVToRGB(image, &rgb) == AVIF_RESULT_OK)
			result = RESULT_DONE;
	}
	if (image)
		avifImageDestroy(image);
	if (d)
		avifDecoderDestroy(d);
#endif
	return result;
}

static enum result
read_any(struct str in, struct raster *out)
{
	const struct order whole = {.kind = ORDER_IMAGE};
	struct sniff s;

	if (!sniff(in, &s))
		return read_avif(in, out);
	if (s.type == TYPE_GIF)
		return read_first(in, gif_open, gif_next, gif_close, out);
	if (s.type == TYPE_WEBP && s.moving)
		return read_first(in, webp_open, webp_next, webp_close, out);
	if (s.type == TYPE_WEBP)
		return webp_read(in, out);
	return s.type == TYPE_PNG ? png_read(in, out)
				  : jpeg_read(in, &whole, out);
}

/* Of the first picture of each; -1: one of them can't be read. */
static double
likeness(struct str original, struct str result)
{
	struct raster a, b;
	double s = -1;

	if (read_any(original, &a) != RESULT_DONE)
		return -1;
	if (read_any(result, &b) == RESULT_DONE) {
		if (raster_turn(&a) && raster_turn(&b) &&
			raster_shrink(
				&a, raster_width(&b), raster_height(&b)) &&
			raster_width(&a) == raster_width(&b) &&
			raster_height(&a) == raster_height(&b))
			s = ssim(&a, &b);
		raster_fini(&b);
	}
	raster_fini(&a);
	return s;
}

/* --- distill -------------------------------------------------------------- */

static const char *
result_name(enum result o)
{
	static const char *const names[] = {
#define RESULT(name, meaning) meaning,
#include "distill/results.def"
#undef RESULT
	};

	return names[o];
}

static enum result
run(const struct order *o, struct str in, unsigned repeat, struct distilled *d,
	double *best_s)
{
	enum result result = RESULT_FAILED;

	for (unsigned i = 0; i < repeat; i++) {
		double start_s = cpu_s(), s;

		if (i)
			buf_fini(&d->bytes);
		result = distill(o, in, d);
		s = cpu_s() - start_s;
		if (i == 0 || s < *best_s)
			*best_s = s;
	}
	return result;
}

struct row {
	const char *file, *class;
	const struct distilled *d;
	enum result outcome;
	size_t before;
	double seconds, likeness;
};

static void
print_row(const struct row *r, bool json)
{
	const char *type = r->outcome != RESULT_DONE ? "-"
		: r->d->type ? image_type_name(r->d->type) + 6
			     : r->class;
	size_t after =
		r->outcome == RESULT_DONE ? buf_len(&r->d->bytes) : r->before;
	double mpix = (double)r->d->pixels / 1e6;

	if (json) {
		printf("{\"file\": \"%s\", \"class\": \"%s\", \"type\": "
		       "\"%s\", \"before\": %zu, \"after\": %zu, \"ssim\": "
		       "%.4f, \"cpu_s\": %.5f, \"megapixels\": %.4f}\n",
			r->file, r->class, type, r->before, after, r->likeness,
			r->seconds, mpix);
		return;
	}
	printf("%-16s %-6s %-5s %9zu %9zu %5.1f%% ", r->file, r->class, type,
		r->before, after, 100.0 * (double)after / (double)r->before);
	if (r->likeness >= 0)
		printf("%7.4f ", r->likeness);
	else
		printf("%7s ", "");
	printf("%8.1f ms", r->seconds * 1e3);
	if (mpix > 0 && r->outcome == RESULT_DONE)
		printf(" %7.1f MP/s", mpix / r->seconds);
	else if (r->outcome != RESULT_DONE)
		printf("  %s", result_name(r->outcome));
	puts("");
}

static int
write_result(const char *dir, const struct row *r)
{
	own_free char *path = xasprintf("%s/%s.%s", dir, r->file, r->class);
	own_file FILE *f = fopen(path, "we");
	struct str s = buf_view(&r->d->bytes);

	if (f && fwrite(s.p, 1, s.n, f) == s.n && fflush(f) == 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", path, strerror(errno));
	return 1;
}

static int
distill_one(const struct options *o, const char *path, struct str in, size_t c)
{
	struct order order = classes[c].order;
	struct distilled d;
	own_free char *name = xstrdup(path);
	struct row row = {.file = basename(name),
		.class = classes[c].name,
		.d = &d,
		.before = in.n,
		.likeness = -1};
	int r = 0;

	order.magic = ORDER_MAGIC;
	order.bytes = (uint32_t)in.n;
	order.width = o->width ? (uint16_t)o->width : order.width;
	order.quality = o->quality ? (uint8_t)o->quality : order.quality;
	row.outcome = run(&order, in, o->repeat, &d, &row.seconds);
	if (row.outcome == RESULT_DONE && d.type && !o->blind)
		row.likeness = likeness(in, buf_view(&d.bytes));
	print_row(&row, o->json);
	if (row.outcome == RESULT_DONE && o->out)
		r = write_result(o->out, &row);
	buf_fini(&d.bytes);
	return r;
}

static int
distill_file(const struct options *o, const char *path)
{
	struct buf in = {0};
	struct sniff s;
	enum order_kind kind;
	int r = 0;

	if (read_file(path, &in) < 0) {
		buf_fini(&in);
		return 1;
	}
	if (buf_len(&in) == 0 || buf_len(&in) > ORDER_BYTES_MAX) {
		fprintf(stderr, "sevenfold bench: %s: not 1 byte to %d MB\n",
			path, ORDER_BYTES_MAX >> 20);
		buf_fini(&in);
		return 1;
	}
	kind = sniff(buf_view(&in), &s) ? ORDER_IMAGE : ORDER_TEXT;
	for (size_t c = 0; c < NCLASSES && r == 0; c++)
		if (o->class ? !strcmp(o->class, classes[c].name)
			     : classes[c].order.kind == kind)
			r = distill_one(o, path, buf_view(&in), c);
	buf_fini(&in);
	return r;
}

static const struct option long_options[] = {
	{"class", required_argument, NULL, 'c'},
	{"width", required_argument, NULL, 'w'},
	{"quality", required_argument, NULL, 'q'},
	{"repeat", required_argument, NULL, 'r'},
	{"out", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, 'j'},
	{"blind", no_argument, NULL, 'b'},
	{"shrink", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool
parse_number(unsigned most, unsigned *out)
{
	uint64_t n;

	if (str_u64(str_z(optarg), most, &n) < 0 || n == 0)
		return false;
	*out = (unsigned)n;
	return true;
}

static bool
is_class(const char *name)
{
	for (size_t i = 0; i < NCLASSES; i++)
		if (!strcmp(name, classes[i].name))
			return true;
	return false;
}

static bool
parse_option(int c, struct options *o)
{
	switch (c) {
	case 'c': o->class = optarg; return is_class(optarg);
	case 'w': return parse_number(UINT16_MAX, &o->width);
	case 'q': return parse_number(100, &o->quality);
	case 'r': return parse_number(1000, &o->repeat);
	case 's': return parse_number(20, &o->shrink);
	case 'o': o->out = optarg; return true;
	case 'j': o->json = true; return true;
	case 'b': o->blind = true; return true;
	default: return false;
	}
}

static int
distill_files(const struct options *o, char **files)
{
	int r = 0;

	if (!o->json)
		printf("%-16s %-6s %-5s %9s %9s %6s %7s %11s\n", "file",
			"class", "type", "before", "after", "", "SSIM", "CPU");
	for (; *files; files++)
		r |= distill_file(o, *files);
	return r;
}

static int
make_pictures(const struct options *o, const char *dir)
{
	int r = pictures_make(dir, o->shrink);

	if (r == 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", dir, strerror(-r));
	return 1;
}

static int
compare(const char *original, const char *result)
{
	struct buf a = {0}, b = {0};
	double s = -1;

	if (read_file(original, &a) == 0 && read_file(result, &b) == 0)
		s = likeness(buf_view(&a), buf_view(&b));
	buf_fini(&a);
	buf_fini(&b);
	if (s < 0)
		return 1;
	printf("%.4f\n", s);
	return 0;
}

int
bench_distill(int argc, char **argv)
{
	struct options o = {.repeat = 3, .shrink = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!parse_option(c, &o))
			return bad_usage();
	}
	if (!strcmp(argv[0], "pictures") && argc - optind == 1)
		return make_pictures(&o, argv[optind]);
	if (!strcmp(argv[0], "ssim") && argc - optind == 2)
		return compare(argv[optind], argv[optind + 1]);
	if (!strcmp(argv[0], "distill") && argc - optind >= 1)
		return distill_files(&o, argv + optind);
	return bad_usage();
}
