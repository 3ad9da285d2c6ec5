#pragma once
/* `sevenfold bench placement`; argv[0] is "placement". The exit status. */
int bench_placement(int argc, char **argv);
