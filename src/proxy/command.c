#include "proxy/command.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
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
run_status(struct worker *w, struct admin_request *request, struct str args)
{
	if (args.n)
		refuse(request, "status takes nothing");
	else
		status_survey(w, request);
}

static void
on_purged(void *ctx, const struct purge_report *r)
{
	answer_json(ctx,
		json_pack("{s:I, s:I, s:I}", "objects", (json_int_t)r->objects,
			"peers", (json_int_t)r->told, "peers_missed",
			(json_int_t)r->missed));
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
		purge_start(w, &p, on_purged, request);
	buf_fini(&key);
}

static const struct {
	struct str name;
	void (*run)(struct worker *, struct admin_request *, struct str args);
} commands[] = {
	{STR("status"), run_status},
	{STR("purge"), run_purge},
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
	refuse(request, "no such command; try: status, purge");
}
