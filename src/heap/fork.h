/* The child of a fork, where every thread but one is gone, in the middle of whatever it did.
 *
 * fork copies memory as it was at one moment for each processor, so the child finds, of each
 * vanished thread, the stores up to some point. The order of the stores on all paths is such that
 * every prefix leaves: spans that tile their regions, pages whose `used` is not too low, and free
 * lists that hold no block twice. Everything else (lists, bins, counts, locks) is made anew from
 * the descriptors. What a vanished thread had in hand may be lost, but no block is ever handed out
 * twice. Of each thread, one of these at most:
 *  - while it frees: REMOTE_ENTRIES gathered chains (128 KiB), the block that it pushes or gathers,
 *    and a token that it settles;
 *  - in the slow path of malloc, which begins by giving away what is gathered: the blocks of one
 *    page that others freed, while it collects them; or one extension of a page; or a token.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_HEAP_FORK_H
#define EDDY_HEAP_FORK_H

#include "base/base.h"

/* Threads have vanished in this process: what they were about to do may be lost. Written by the
 * repair. */
extern bool fork_lost_threads hidden_symbol;

/* What forked_watch calls in the child. Takes no lock. */
void fork_repair(void);

#endif
