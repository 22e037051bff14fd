/* The options: one table of names, defaults and ranges; read from the program's link-time string
 * and the environment at first use.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_CONFIG_OPTIONS_H
#define EDDY_CONFIG_OPTIONS_H

#include "base/base.h"
#include "eddy.h"

/* Read the link-time string and the environment; once, before any other thread uses Eddy. */
void options_load(void);
/* Bytes, milliseconds or a truth value, as eddy.h says. */
int64_t option_get(eddy_option_t option);
/* False for a value out of range. */
bool option_set(eddy_option_t option, int64_t value);
/* The same, but an option that was set before keeps its value. */
bool option_set_default(eddy_option_t option, int64_t value);

/* EDDY_OPTION_STATS as text that names a place or a signal; programs set 0 and 1 only. */
enum { STATS_NO, STATS_AT_EXIT, STATS_AS_JSON, STATS_AT_SIGNAL };
/* What it named. */
const char *option_argument(void);

#endif
