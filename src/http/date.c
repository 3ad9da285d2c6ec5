/*
 * A strict, locale-free strptime() and its inverse, for the three formats of
 * RFC 9110, 5.6.7. Days are counted with Howard Hinnant's civil algorithms.
 */
#include "http/date.h"

#include <stdio.h>

#define DAY_S 86400
#define FIRST_S INT64_C(-62167219200) /* 0000-01-01 00:00:00 */
#define LAST_S INT64_C(253402300799)  /* 9999-12-31 23:59:59 */

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday"};
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil {
	int64_t year;
	int64_t month; /* 1 to 12 */
	int64_t day, hour, minute, second;
};

/* Days since 1970 of a day in the proleptic Gregorian calendar. Years begin in
 * March here, so that the leap day is the last of the year. */
static int64_t
days_of(const struct civil *c)
{
	int64_t y = c->year - (c->month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year =
		(153 * ((c->month + 9) % 12) + 2) / 5 + c->day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
		year_of_era / 100 + day_of_year - 719468;
}

static void
civil_of(int64_t day, struct civil *c)
{
	int64_t z = day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	c->day = doy - (153 * mp + 2) / 5 + 1;
	c->month = mp < 10 ? mp + 3 : mp - 9;
	c->year = yoe + era * 400 + (c->month <= 2);
}

static int64_t
month_days(const struct civil *c)
{
	bool leap = c->year % 4 == 0 && (c->year % 100 || c->year % 400 == 0);

	if (c->month == 2)
		return leap ? 29 : 28;
	return 30 + ((c->month + c->month / 8) & 1);
}

static bool
eat(struct str *s, struct str text)
{
	if (!str_starts(*s, text))
		return false;
	s->p += text.n;
	s->n -= text.n;
	return true;
}

static bool
eat_number(struct str *s, size_t digits, int64_t *out)
{
	uint64_t v;

	if (s->n < digits || str_u64(str_of(s->p, digits), 9999, &v))
		return false;
	*out = (int64_t)v;
	s->p += digits;
	s->n -= digits;
	return true;
}

static bool
eat_day_name(struct str *s, bool whole)
{
	for (unsigned i = 0; i < 7; i++)
		if (eat(s, str_of(days[i], whole ? strlen(days[i]) : 3)))
			return true;
	return false;
}

static bool
eat_month(struct str *s, int64_t *month)
{
	for (*month = 1; *month <= 12; (*month)++)
		if (eat(s, str_of(months + (*month - 1) * 3, 3)))
			return true;
	return false;
}

static bool
eat_time(struct str *s, struct civil *c)
{
	return eat_number(s, 2, &c->hour) && eat(s, STR(":")) &&
		eat_number(s, 2, &c->minute) && eat(s, STR(":")) &&
		eat_number(s, 2, &c->second);
}

/* One conversion, by its letter in strptime(). */
static bool
convert(struct str *s, char conversion, struct civil *c)
{
	switch (conversion) {
	case 'a': return eat_day_name(s, false);
	case 'A': return eat_day_name(s, true);
	case 'b': return eat_month(s, &c->month);
	case 'd': return eat_number(s, 2, &c->day);
	case 'e': return eat_number(s, eat(s, STR(" ")) ? 1 : 2, &c->day);
	case 'T': return eat_time(s, c);
	case 'Y': return eat_number(s, 4, &c->year);
	case 'y':
		if (!eat_number(s, 2, &c->year))
			return false;
		c->year += c->year < 70 ? 2000 : 1900;
		return true;
	default: return false;
	}
}

static bool
scan(struct str s, const char *format, struct civil *c)
{
	for (const char *f = format; *f; f++)
		if (*f == '%' ? !convert(&s, *++f, c) : !eat(&s, str_of(f, 1)))
			return false;
	return s.n == 0;
}

int64_t
date_parse(struct str s)
{
	struct civil c;

	if (!scan(s, "%a, %d %b %Y %T GMT", &c) &&
		!scan(s, "%A, %d-%b-%y %T GMT", &c) &&
		!scan(s, "%a %b %e %T %Y", &c))
		return INT64_MIN;
	if (c.day < 1 || c.day > month_days(&c) || c.hour > 23 ||
		c.minute > 59 || c.second > 60)
		return INT64_MIN;
	if (c.second == 60) /* a leap second; POSIX time has none */
		c.second = 59;
	return days_of(&c) * DAY_S + c.hour * 3600 + c.minute * 60 + c.second;
}

int64_t
date_in(const struct head *h, enum field_id id)
{
	const struct field *f = head_find(h, id);

	return f ? date_parse(f->value) : INT64_MIN;
}

size_t
date_format(char out[DATE_SIZE], int64_t t)
{
	struct civil c;
	int64_t day, rest;

	t = t < FIRST_S ? FIRST_S : t > LAST_S ? LAST_S : t;
	day = (t - FIRST_S) / DAY_S + FIRST_S / DAY_S;
	rest = t - day * DAY_S;
	civil_of(day, &c);
	/* 1970 began on a Thursday; + 7000000 keeps the sum positive. */
	return (size_t)snprintf(out, DATE_SIZE,
		"%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		days[(day + 4 + 7000000) % 7], (int)c.day,
		months + (c.month - 1) * 3, (int)c.year, (int)(rest / 3600),
		(int)(rest / 60 % 60), (int)(rest % 60));
}
