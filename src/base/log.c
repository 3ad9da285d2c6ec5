#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level log_most = LOG_INFO;
static const char *log_name = "sevenfold";

void
log_setup(enum log_level most, const char *name)
{
	log_most = most;
	log_name = name;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char line[1024];
	va_list ap;
	int n, more;

	if (level > log_most)
		return;
	n = snprintf(line, sizeof(line), "level=%s who=%s event=", names[level],
		log_name);
	if (n < 0 || (size_t)n >= sizeof(line) - 2)
		return;
	va_start(ap, fmt);
	more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (more < 0)
		return;
	n += more;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	/* One write, so that lines of several threads never mix. */
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

struct log_quoted
log_quote(struct str s)
{
	struct log_quoted q;
	size_t n = 0;

	q.z[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (n > sizeof(q.z) - 9) {
			memcpy(q.z + n, "...", 3);
			n += 3;
			break;
		}
		if (c == '"' || c == '\\')
			q.z[n++] = '\\';
		if (c >= 0x20 && c < 0x7f)
			q.z[n++] = (char)c;
		else
			n += (size_t)sprintf(q.z + n, "\\x%02x", c);
	}
	q.z[n++] = '"';
	q.z[n] = '\0';
	return q;
}
