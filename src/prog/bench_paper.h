#pragma once

int bench_paper(int argc, char **argv);
