#pragma once
/* The part of `sevenfold bench` that is about distilling: argv[0] is pictures,
 * distill or ssim. The exit status. */
int bench_distill(int argc, char **argv);
