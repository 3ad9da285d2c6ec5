#pragma once
/*
 * How much the machine under the lab is strained, and so whether what is
 * measured in the lab is the lab's or the machine's: its idle and stolen CPU
 * time, and how late a sleep of 1 ms ends.
 */
#include "base/str.h"
#include "bench/hist.h"

struct strain_times {
	uint64_t idle, steal, all; /* ticks since the machine started */
};

/* From the text of /proc/stat. False when it isn't one. */
bool strain_parse(struct str proc_stat, struct strain_times *out);
/* 0 or negative errno. */
int strain_read(struct strain_times *out);

/* Between two readings: of all CPUs' time. */
double strain_idle(const struct strain_times *a, const struct strain_times *b);
double strain_steal(const struct strain_times *a, const struct strain_times *b);

/* Sleeps for 1 ms again and again, for ever, and has in *late_ns how late it
 * woke. For a process of its own, which shares *late_ns. */
_Noreturn void strain_sleep(struct hist *late_ns);

/* What was added to a between two copies of it, into *out, but for its max,
 * which is b's. */
void strain_since(const struct hist *a, const struct hist *b, struct hist *out);
