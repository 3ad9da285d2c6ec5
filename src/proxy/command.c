#include "proxy/command.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/explain.h"
#include "proxy/membership.h"
#include "proxy/purge.h"
#include "proxy/status.h"

static void
answer_json(struct admin_request *request, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT);

	CHECK(text);
	admin_answer(request, str_z(text));
	free(text);
	json_decref(doc);
}

static void
refuse(struct admin_request *request, const char *why)
{
	answer_json(request, json_pack("{s:s}", "error", why));
}

static void
answer_self(struct worker *w, struct admin_request *request)
{
	char *text = status_self(w->node);

	admin_answer(request, str_z(text));
	free(text);
}

static void
run_status(struct worker *w, struct admin_request *request, struct str args)
{
	if (!args.n)
		status_survey(w, request);
	else if (str_eq(args, STR("self")))
		answer_self(w, request);
	else
		refuse(request, "status takes nothing, or self");
}

struct purging_for {
	struct worker *worker; /* borrowed */
	struct admin_request *request;
};

static void
on_purged(void *ctx, const struct purge_report *r)
{
	static const char *const names[] = {
		[PURGE_PENDING] = "pending",
		[PURGE_DONE] = "done",
		[PURGE_DOWN] = "down",
		[PURGE_LOST] = "lost",
	};
	struct purging_for *f = ctx;
	json_t *nodes = json_array();
	json_int_t done = 0, missed = 0;

	for (size_t i = 0; i < VIEW_MAX_NODES; i++) {
		enum purge_outcome o = r->peers[i].outcome;

		if (o == PURGE_UNASKED)
			continue;
		*(o == PURGE_DONE ? &done : &missed) += 1;
		json_array_append_new(nodes,
			json_pack("{s:s, s:s, s:I}", "name",
				membership_name(f->worker->node, i), "outcome",
				names[o], "objects",
				(json_int_t)r->peers[i].objects));
	}
	answer_json(f->request,
		json_pack("{s:I, s:I, s:I, s:o}", "objects",
			(json_int_t)r->objects, "peers", done, "peers_missed",
			missed, "nodes", nodes));
	free(f);
}

static void
start_purge(
	struct worker *w, const struct purge *p, struct admin_request *request)
{
	struct purging_for *f = NEW(struct purging_for);

	*f = (struct purging_for){w, request};
	purge_start(w, p, on_purged, f);
}

static void
run_purge(struct worker *w, struct admin_request *request, struct str args)
{
	struct buf key = {0};
	struct purge p;
	const char *wrong = purge_parse_line(args, &key, &p);

	if (wrong)
		refuse(request, wrong);
	else
		start_purge(w, &p, request);
	buf_fini(&key);
}

static void
run_member(struct worker *w, struct admin_request *request, struct str args)
{
	const char *wrong = membership_change(w->node, args);

	if (wrong) {
		refuse(request, wrong);
		return;
	}
	worker_members_changed(w->node);
	answer_json(request, json_pack("{s:b}", "done", true));
}

static void
run_explain(struct worker *w, struct admin_request *request, struct str url)
{
	struct buf key = {0};
	struct purge p; /* names a URL in the same way */
	struct buf line = {0};
	const char *wrong;

	buf_printf(&line, "hard url %.*s", STR_ARG(url));
	wrong = purge_parse_line(buf_view(&line), &key, &p);
	if (wrong)
		refuse(request, wrong);
	else
		explain_url(w, request, p.what);
	buf_fini(&line);
	buf_fini(&key);
}

static const struct {
	struct str name;
	void (*run)(struct worker *, struct admin_request *, struct str args);
} commands[] = {
	{STR("status"), run_status},
	{STR("purge"), run_purge},
	{STR("member"), run_member},
	{STR("explain"), run_explain},
};

void
command_run(struct worker *w, struct admin_request *request, struct str line)
{
	struct str args = line, name;

	(void)str_split(&args, ' ', &name);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq(name, commands[i].name)) {
			commands[i].run(w, request, args);
			return;
		}
	refuse(request,
		"no such command; try: status, purge, member, "
		"explain");
}
