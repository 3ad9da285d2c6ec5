#pragma once
/*
 * What is said of the results: claims with their reasons, the paper's tables
 * beside ours, and every run with what proves it. Markdown that can be read as
 * text; the page has the same, with charts.
 */
#include "base/buf.h"
#include "paper/result.h"

/* Of each cell the last result. */
void report_markdown(const struct results *rs, struct buf *out);
/* A self-contained page. */
void report_html(const struct results *rs, struct buf *out);
/* All results and figures, comma-separated, with a head. */
void report_csv(const struct results *rs, struct buf *out);
/* The claims alone, for the end of a run. */
void report_claims(const struct results *rs, struct buf *out);
