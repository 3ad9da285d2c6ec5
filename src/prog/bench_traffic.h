#pragma once
/* Verbs of `sevenfold bench` that send traffic; as those of prog/verb.h. */
int bench_replay(int argc, char **argv);
int bench_load(int argc, char **argv);
int bench_webstone(int argc, char **argv);
int bench_surge(int argc, char **argv);
int bench_crowd(int argc, char **argv);
