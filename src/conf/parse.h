#pragma once
/*
 * The grammar:
 *
 *	file      := { statement }
 *	statement := word { word } ( END | "{" { statement } "}" )
 *
 * where END is `;` or the end of the line, and may be left out before `}`.
 * Which first words a block knows, and what follows them, is in param.h. After
 * a mistake the parser goes on with the next statement.
 */
#include "conf/mistake.h"

/* Fills c, which is all zero. What it holds afterwards is right only if no
 * mistake was reported. */
void parse(struct str text, struct conf *c, struct conf_errors *errors);
