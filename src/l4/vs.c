#include "l4/vs.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "l4/control.h"
#include "l4/vs_args.h"
#include "l4/vs_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64 /* in a line of what is restored */

const char vs_usage[] =
	"usage: sevenfold vs -A|E -t|u|f SERVICE [-s SCHEDULER] [-p [SECONDS]]"
	" [-M MASK] [-b FLAGS] [-o]\n"
	"       sevenfold vs -D -t|u|f SERVICE\n"
	"       sevenfold vs -a|e -t|u|f SERVICE -r SERVER [-g|i|m] [-w WEIGHT]"
	" [-x UPPER] [-y LOWER]\n"
	"       sevenfold vs -d -t|u|f SERVICE -r SERVER\n"
	"       sevenfold vs -L|l [-t|u|f SERVICE] [-c] [-n] [--stats] "
	"[--rate] [--thresholds]\n"
	"                    [--persistent-conn] [--timeout] [--tun-info] "
	"[--exact] [--json]\n"
	"       sevenfold vs -C | -S [-n] | -R <FILE | -Z [-t|u|f SERVICE]\n"
	"       sevenfold vs --set TCP TCPFIN UDP\n"
	"       sevenfold vs --add-end|--delete-end -f MARK -t|u ADDRESS:PORT\n"
	"\nThe grammar is ipvsadm's; sevenfold(1) has the differences.\n";

/* as no_room() says */
_Static_assert(L4_SERVICES_MAX == 1024 && L4_FRONTS_MAX == 8192, "services");
_Static_assert(
	L4_SERVICE_DESTS_MAX == 1024 && L4_DESTS_MAX == 16384, "servers");

static const char *
no_room(enum vs_command c)
{
	switch (c) {
	case VS_ADD_SERVER:
		return "There is no room for another server: there may be 1024 "
		       "of a service, and 16383 in all";
	case VS_ADD:
	case VS_ADD_END:
		return "There is no room for another service: there may be "
		       "1023, at 8191 addresses and ports";
	default:
		return "There is no room for so many: there may be 1023 "
		       "services and 16383 servers";
	}
}

/* ipvsadm's words for what the kernel says. */
static const char *
reason(enum vs_command c, int err)
{
	bool server = c == VS_ADD_SERVER || c == VS_EDIT_SERVER ||
		c == VS_DELETE_SERVER;

	switch (err) {
	case -EPERM: return "Permission denied (you must be root)";
	case -ENOMEM: return "Memory allocation problem";
	case -ENOSPC: return no_room(c);
	case -EEXIST:
		return server		  ? "Destination already exists"
			: c == VS_ADD_END ? "A service has that end already"
					  : "Service already exists";
	case -ESRCH: return server ? "Service not defined" : "No such service";
	case -ENOENT:
		return server ? "No such destination"
			: c == VS_DELETE_END
			? "No such end"
			: "Scheduler or persistence engine not found";
	default: return strerror(-err);
	}
}

/* --- changes
 * ------------------------------------------------------------------- */

static int
set_timeouts(struct rules *r, const uint32_t s[3])
{
	r->tcp_s = s[0] ? s[0] : r->tcp_s;
	r->fin_s = s[1] ? s[1] : r->fin_s;
	r->udp_s = s[2] ? s[2] : r->udp_s;
	return 0;
}

static int
change(struct rules *r, void *arg)
{
	const struct vs_args *a = arg;
	const struct rules_id *id = &a->service.id;
	uint64_t now_s = clock_mono_ns() / NS_PER_S;

	switch (a->command) {
	case VS_ADD: return rules_add(r, &a->service);
	case VS_EDIT: return rules_edit(r, &a->service);
	case VS_DELETE: return rules_delete(r, id, now_s);
	case VS_CLEAR: rules_clear(r, now_s); return 0;
	case VS_ADD_SERVER: return rules_server_add(r, id, &a->server);
	case VS_EDIT_SERVER: return rules_server_edit(r, id, &a->server);
	case VS_DELETE_SERVER:
		return rules_server_delete(
			r, id, &a->server.addr, a->server.port, now_s);
	case VS_ADD_END: return rules_end_add(r, id, &a->end);
	case VS_DELETE_END: return rules_end_delete(r, id, &a->end);
	case VS_SET: return set_timeouts(r, a->timeouts);
	default: return -EINVAL;
	}
}

/* --- restoring
 * ------------------------------------------------------------------ */

struct restore {
	struct str input;
	struct buf *err; /* borrowed */
	unsigned line;
	int status;
};

/* Words between blanks, into argv; a first word "ipvsadm" is none. */
static int
split_words(char *line, char **argv)
{
	int argc = 0;
	char *save = NULL;

	argv[argc++] = NULL; /* the program's */
	for (char *w = strtok_r(line, " \t\r", &save); w && argc < WORDS_MAX;
		w = strtok_r(NULL, " \t\r", &save))
		if (argc > 1 || strcmp(w, "ipvsadm") != 0)
			argv[argc++] = w;
	argv[argc] = NULL;
	return argc;
}

static int
restore_line(struct rules *r, struct restore *in, struct str text)
{
	own_free char *line = xstrndup(text.p ? text.p : "", text.n);
	char *argv[WORDS_MAX + 1], name[] = "vs";
	struct vs_args a;
	int argc = split_words(line, argv), err;

	argv[0] = name;
	if (argc == 1 || *argv[1] == '#')
		return 0;
	in->status = vs_args(argc, argv, &a, in->err);
	if (in->status)
		return -EINVAL;
	if (a.command == VS_LIST || a.command == VS_RESTORE ||
		a.command == VS_SAVE || a.command == VS_ZERO) {
		buf_z(in->err, "only changes can be restored\n");
		in->status = 2;
		return -EINVAL;
	}
	err = change(r, &a);
	if (err)
		buf_printf(in->err, "%s\n", reason(a.command, err));
	return err;
}

static int
restore(struct rules *r, void *arg)
{
	struct restore *in = arg;
	struct str rest = in->input, line;
	int err = 0;

	while (!err && rest.p && str_split(&rest, '\n', &line)) {
		in->line++;
		err = restore_line(r, in, line);
	}
	if (err)
		buf_printf(in->err, "line %u: nothing was changed\n", in->line);
	return err;
}

static int
run_restore(struct control *c, struct str input, struct buf *err)
{
	struct restore in = {.input = input, .err = err};
	int r = control_change(c, restore, &in);

	if (r && !buf_len(err))
		buf_printf(err, "%s\n", reason(VS_RESTORE, r));
	return r ? (in.status ? in.status : 1) : 0;
}

/* --- all
 * -------------------------------------------------------------------------- */

static int
run_zero(struct control *c, const struct vs_args *a, struct buf *err)
{
	const struct rules_service *s = NULL;

	if (a->service.id.mark || a->service.id.proto) {
		s = rules_find(control_rules(c), &a->service.id);
		if (!s) {
			buf_z(err, "No such service\n");
			return 1;
		}
	}
	control_zero(c, s);
	return 0;
}

static int
run_change(struct control *c, struct vs_args *a, struct buf *err)
{
	int r = control_change(c, change, a);

	if (r)
		buf_printf(err, "%s\n", reason(a->command, r));
	return r ? 1 : 0;
}

int
vs_run(struct control *c, int argc, char **argv, struct str input,
	struct buf *out, struct buf *err)
{
	struct vs_args a;
	int r = vs_args(argc, argv, &a, err);

	if (r)
		return r;
	switch (a.command) {
	case VS_LIST:
		if (vs_list(c, &a, out))
			return 0;
		buf_z(err, "No such service\n");
		return 1;
	case VS_SAVE: vs_save(c, out); return 0;
	case VS_RESTORE: return run_restore(c, input, err);
	case VS_ZERO: return run_zero(c, &a, err);
	case VS_HELP: buf_z(out, vs_usage); return 0;
	case VS_VERSION:
		buf_z(out,
			"sevenfold " SEVENFOLD_VERSION
			", with the grammar of ipvsadm 1.31\n");
		return 0;
	default: return run_change(c, &a, err);
	}
}

bool
vs_wants_input(int argc, char **argv)
{
	struct buf err = {0};
	struct vs_args a;
	int r = vs_args(argc, argv, &a, &err);

	buf_fini(&err);
	return !r && a.command == VS_RESTORE;
}
