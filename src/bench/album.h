#pragma once
/*
 * The demo's web site: an album of painted photographs in four sizes, pages
 * that show them, and some files to download; at least 240 objects and 50 MB.
 *
 *	DIR/index.html  about.html  files.html  style.css  who.js  icon.svg
 *	DIR/albums/LIGHT.html		one per light
 *	DIR/photos/NN.html		one per photograph
 *	DIR/img/NN-WIDTH.jpg		300, 600, 900 and 1800 wide
 *	DIR/files/seven-SIZE.bin
 *	DIR/.complete			the version that was made
 */
#include <stddef.h>

enum { ALBUM_PHOTOS = 48 };

/* Makes all of it in dir, which is created if absent, with one thread per
 * core, unless it is there already and complete. Returns 1 when it had to be
 * made, 0 when not, or negative errno. progress, if not NULL, is called from
 * time to time by the calling thread with the photographs done so far. */
int album_make(const char *dir, void (*progress)(unsigned done));
