#pragma once
/*
 * The binary records of the UC Berkeley Home IP Web Traces (S. Gribble, 1996;
 * https://ita.ee.lbl.gov/html/contrib/UCB.home-IP-HTTP.html, logparse.h of its
 * tools). All numbers are in network order; all ones: not seen.
 *
 *	 0  12	 seconds, microseconds: the request; 8: the response's first
 *		 byte; 16: its last
 *	24   6	 client: address, port
 *	30   6	 server: address, port
 *	36   2	 bits of headers seen: client's, server's
 *	38  12	 seconds: If-Modified-Since, Expires, Last-Modified
 *	50   8	 bytes: the response's head, its body
 *	58   2	 bytes of the request line that follows:
 *		 "GET 9168504434183313441..gif HTTP/1.0", URLs made anonymous
 *
 * There is no status. One with a body has been a 200; one without, of a request
 * with If-Modified-Since, a 304; of all others nothing is told.
 */
#include "bench/trace.h"

enum { HOME_IP_HEAD = 60 };

enum trace_result
home_ip_parse(struct str in, struct trace_entry *out, size_t *used);
