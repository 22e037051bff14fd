/* A library with a variable of which each thread has its own, too large to lie beside the thread.
 * SPDX-License-Identifier: MIT */
static _Thread_local char variable[100000];

char *room(void);

char *room(void) { return variable; }
