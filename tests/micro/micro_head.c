/*
 * What the way from bytes to a key costs: nanoseconds of CPU per call, for
 * requests as real clients send them. Not a test: read the figures, before and
 * after a change, on the same quiet machine.
 *
 *	nice build/tests/micro/micro_head
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "http/frame.h"
#include "http/uri.h"

enum { REPEATS = 21, ROUNDS = 20000 };

#define CHROMIUM                                                              \
	"Host: example.org\r\nConnection: keep-alive\r\n"                     \
	"sec-ch-ua: \"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\"\r\n"      \
	"sec-ch-ua-mobile: ?0\r\n"                                            \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "     \
	"(KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"              \
	"sec-ch-ua-platform: \"Linux\"\r\n"                                   \
	"Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,"     \
	"*/*;q=0.8\r\n"                                                       \
	"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\n"          \
	"Sec-Fetch-Dest: image\r\nReferer: http://example.org/albums/17/\r\n" \
	"Accept-Encoding: gzip, deflate\r\n\r\n"

static const struct {
	const char *name;
	struct str in;
	bool response;
} subjects[] = {
	{"wrk",
		STR("GET /photos/1.jpg HTTP/1.1\r\nHost: 192.0.2.10:8080\r\n"
		    "\r\n")},
	{"wrk, 3 fields",
		STR("GET /photos/1.jpg HTTP/1.1\r\nHost: 192.0.2.10:8080\r\n"
		    "Accept: */*\r\nUser-Agent: load/1.0\r\n\r\n")},
	{"curl",
		STR("GET /photos/1.jpg?w=640 HTTP/1.1\r\nHost: example.org\r\n"
		    "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n")},
	{"Chromium", STR("GET /photos/1.jpg?w=640 HTTP/1.1\r\n" CHROMIUM)},
	{"Chromium, escapes",
		STR("GET /photos/./%41%20b.jpg?w=%36 HTTP/1.1\r\n" CHROMIUM)},
	{"nginx",
		STR("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
		    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		    "Content-Type: image/jpeg\r\nContent-Length: 10240\r\n"
		    "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n"
		    "Connection: keep-alive\r\nETag: \"5f-2800\"\r\n"
		    "Cache-Control: max-age=3600\r\nAccept-Ranges: bytes\r\n"
		    "\r\n"),
		true},
};

static struct head head;
static struct frame frame;
static struct buf key;

static void
parse(struct str in)
{
	CHECK(head_parse_request(in, &head) == HEAD_DONE);
}

static void
parse_response(struct str in)
{
	CHECK(head_parse_response(in, &head) == HEAD_DONE);
}

/* How the message ends, and whether another may follow. */
static void
frame_head(struct str in)
{
	const char *why;

	CHECK(frame_of_request(&head, &frame, &why) == FRAME_OK);
	CHECK(head_keep_alive(&head));
}

static void
make_key(struct str in)
{
	struct uri u;

	CHECK(uri_parse_target(head.target, &u) == 0);
	buf_consume(&key, buf_len(&key));
	u.host = STR("example.org");
	uri_key(&u, &key);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The median over the repeats. */
static double
cost_ns(void (*call)(struct str), struct str in)
{
	double ns[REPEATS];

	for (unsigned i = 0; i < REPEATS; i++) {
		double start = now_ns();

		for (unsigned k = 0; k < ROUNDS; k++)
			call(in);
		ns[i] = (now_ns() - start) / ROUNDS;
	}
	qsort(ns, REPEATS, sizeof(ns[0]), compare);
	return ns[REPEATS / 2];
}

int
main(void)
{
	printf("%-18s %6s %7s %9s %9s %12s\n", "ns of CPU", "bytes", "fields",
		"parse", "frame", "target, key");
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct str in = subjects[i].in;
		bool response = subjects[i].response;
		double ns = cost_ns(response ? parse_response : parse, in);

		printf("%-18s %6zu %7u %9.0f", subjects[i].name, in.n,
			head.nfields, ns);
		if (!response)
			printf(" %9.0f %12.0f", cost_ns(frame_head, in),
				cost_ns(make_key, in));
		printf("\n");
	}
	buf_fini(&key);
	return 0;
}
