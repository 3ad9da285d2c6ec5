#pragma once
/* `sevenfold bench paper`; argv[0] is "paper". The exit status. */
int bench_paper(int argc, char **argv);
