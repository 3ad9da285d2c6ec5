#pragma once

/* `sevenfold bench placement`; argv[0] is "placement". */
int bench_placement(int argc, char **argv);
