#pragma once

/* `sevenfold bench crowd`; argv[0] is "crowd". */
int bench_crowd(int argc, char **argv);
