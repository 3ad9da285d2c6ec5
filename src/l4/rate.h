#pragma once
/*
 * Counters as they are shown: from the zero point that was set last, and per
 * second, smoothed as IPVS does: every two seconds a quarter of the difference
 * is added.
 */
#include "l4/driver.h"

struct rates;
struct control_rate;

struct rates *rates_new(void);
void rates_free(struct rates *r); /* NULL is fine */
void rates_tick(struct rates *r, const struct driver *d,
	const struct rules *rules, uint64_t now_ns);
/* Takes its zero point off *stat. */
void rates_server(const struct rates *r, const struct rules_server *s,
	struct l4_stat *stat, struct control_rate *rate);
/* Those it has and those it had. */
void rates_service(const struct rates *r, const struct driver *d,
	const struct rules *rules, const struct rules_service *s,
	struct l4_stat *out, struct control_rate *rate);
/* Of one service, or of all (NULL). */
void rates_zero(struct rates *r, const struct driver *d,
	const struct rules *rules, const struct rules_service *s);
