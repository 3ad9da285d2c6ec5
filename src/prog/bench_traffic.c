/* sevenfold bench replay, load, webstone, surge, crowd. */
#include "prog/bench_traffic.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/own.h"
#include "bench/crowd.h"
#include "bench/load.h"
#include "bench/logfile.h"
#include "bench/mix.h"
#include "bench/surge.h"
#include "bench/webstone.h"
#include "prog/bench_options.h"

#include <jansson.h>
#include <stdio.h>

#define SEED 20081

/* --- replay -------------------------------------------------------------- */

static int
read_log(const struct bench_options *o, struct catalog *c)
{
	const char *path = o->args[0];
	enum trace_format format;
	struct logfile log;
	int r;

	if (o->format && !trace_format_named(str_z(o->format), &format))
		return bench_bad_usage(
			"not one of clf, squid, home-ip:", o->format);
	r = logfile_open(path, &log);
	if (r == 0) {
		int closed;

		r = catalog_read(c, log.f, o->format ? &format : NULL);
		closed = logfile_close(&log);
		if (r == 0)
			r = closed;
	}
	if (r == 0 && c->nrequests > 0)
		return 0;
	fprintf(stderr, "sevenfold bench: %s: %s\n", path,
		r < 0 ? strerror(-r) : "no request could be read");
	return 1;
}

int
bench_replay(int argc, char **argv)
{
	struct bench_options o = {.listen = 80, .connections = 64};
	struct catalog c = {0};
	int r = bench_options_read(&o, "tohcsxrdnFplj", argc, argv);

	if (r != 0)
		return r;
	if (o.nargs != 1)
		return bench_bad_usage(
			"needs one log, got", o.nargs ? o.args[1] : "none");
	r = read_log(&o, &c);
	if (r == 0) {
		struct play_log log = {.catalog = &c};
		struct play p = bench_play_of(&o);

		p.load.expected = o.limit && o.limit < c.nrequests
			? o.limit
			: c.nrequests;
		p.order = play_log_order;
		p.order_ctx = &log;
		r = bench_play(&o, &p, &c);
	}
	catalog_fini(&c);
	return r;
}

/* --- mixes: load, webstone ----------------------------------------------- */

static int
play_mix(const struct bench_options *o, struct mix *m,
	const struct bench_epilogue *e)
{
	struct play p = bench_play_of(o);

	p.order = mix_order;
	p.order_ctx = m;
	return bench_play_with(o, &p, &m->catalog, e);
}

/* Targets on the command line, each as often as the others. */
static int
read_targets(const struct bench_options *o, struct mix *m)
{
	struct mix_mistake mistake;
	struct buf list = {0};

	for (int i = 0; i < o->nargs; i++)
		buf_printf(&list, "%s\n", o->args[i]);
	bool ok = mix_parse(m, buf_view(&list), o->seed, &mistake);
	buf_fini(&list);
	if (ok)
		return 0;
	return bench_bad_usage("neither a workload nor a target:",
		mistake.line ? o->args[mistake.line - 1] : o->args[0]);
}

int
bench_load(int argc, char **argv)
{
	struct bench_options o = {
		.listen = 80,
		.connections = BENCH_PER_SERVER,
		.duration_ns = 60 * NS_PER_S,
		.seed = SEED,
	};
	struct mix m = {0};
	int r = bench_options_read(&o, "tohcsxrdnSplj", argc, argv);

	if (r != 0)
		return r;
	if (o.nargs == 0)
		return bench_bad_usage(
			"needs targets, or a workload:", mix_names());
	if (!(o.nargs == 1 && mix_named(&m, str_z(o.args[0]), o.seed)))
		r = read_targets(&o, &m);
	if (r == 0)
		r = play_mix(&o, &m, NULL);
	mix_fini(&m);
	return r;
}

static void
webstone_text(const struct play *p, const struct play_result *r)
{
	webstone_report(stdout, &p->load, &r->load);
}

static json_t *
webstone_object(const struct play_result *r)
{
	return webstone_json(&r->load);
}

/* Of a file that may be compressed. *text is the caller's, and *out in it. */
static int
read_text(const char *path, char **text, struct str *out)
{
	struct logfile log;
	size_t cap = 0;
	ssize_t n;
	int r = logfile_open(path, &log);

	if (r < 0)
		return r;
	n = getdelim(text, &cap, '\0', log.f);
	*out = str_of(*text, n > 0 ? (size_t)n : 0);
	return logfile_close(&log);
}

static int
read_list(const char *path, struct mix *m, uint64_t seed)
{
	struct mix_mistake mistake;
	own_free char *text = NULL;
	struct str list;
	int r = read_text(path, &text, &list);

	if (r < 0) {
		fprintf(stderr, "sevenfold bench: %s: %s\n", path,
			strerror(-r));
		return 1;
	}
	if (mix_parse(m, list, seed, &mistake))
		return 0;
	fprintf(stderr, "sevenfold bench: %s:%u: %s\n", path, mistake.line,
		mistake.what);
	return 1;
}

int
bench_webstone(int argc, char **argv)
{
	static const struct bench_epilogue epilogue = {
		webstone_text, "webstone", webstone_object};
	struct bench_options o = {
		.listen = 80,
		.connections = BENCH_PER_SERVER,
		.duration_ns = 60 * NS_PER_S,
		.seed = SEED,
		.close = true,
	};
	struct mix m = {0};
	int r = bench_options_read(&o, "tohcsdnSplj", argc, argv);

	if (r != 0)
		return r;
	if (o.nargs > 1)
		return bench_bad_usage("needs one list, got also", o.args[1]);
	if (o.nargs == 1)
		r = read_list(o.args[0], &m, o.seed);
	else
		(void)mix_named(&m, STR("webstone"), o.seed);
	if (r == 0)
		r = play_mix(&o, &m, &epilogue);
	mix_fini(&m);
	return r;
}

/* --- surge --------------------------------------------------------------- */

int
bench_surge(int argc, char **argv)
{
	struct bench_options o = {
		.listen = 80,
		.connections = 100,
		.duration_ns = 60 * NS_PER_S,
		.seed = SEED,
		.files = SURGE_FILES,
	};
	int r = bench_options_read(&o, "tohuxdnfSplj", argc, argv);

	if (r != 0)
		return r;
	if (o.nargs > 0)
		return bench_bad_usage("no argument is needed, got", o.args[0]);
	struct surge *s = surge_new(o.files, o.connections, o.seed);
	struct play p = bench_play_of(&o);
	p.order = surge_order;
	p.order_ctx = s;
	r = bench_play(&o, &p, surge_catalog(s));
	surge_free(s);
	return r;
}

/* --- crowd --------------------------------------------------------------- */

int
bench_crowd(int argc, char **argv)
{
	struct bench_options o = {
		.listen = 80,
		.connections = 64,
		.duration_ns = 10 * NS_PER_S,
		.seed = SEED,
		.objects = 100,
		.alpha = 0.8,
	};
	int r = bench_options_read(&o, "tohcsxPrdnSpljNabk", argc, argv);
	struct crowd c;

	if (r != 0)
		return r;
	if (o.nargs > 0)
		return bench_bad_usage("no argument is needed, got", o.args[0]);
	crowd_init(&c, o.objects, o.alpha,
		o.bytes ? o.bytes : CATALOG_ANY_BYTES, o.seed);
	struct play p = bench_play_of(&o);
	p.order = crowd_order;
	p.order_ctx = &c;
	if (o.flash_ns)
		crowd_flash(&c, o.flash_ns);
	r = bench_play(&o, &p, &c.catalog);
	crowd_fini(&c);
	return r;
}
