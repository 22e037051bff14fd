/* The child of a fork, where every thread but one is gone, in the middle of whatever it did.
 *
 * fork copies memory as it was at one moment for each processor, so the child finds, of each
 * vanished thread, the stores up to some point. The order of the stores on all paths is such that
 * every prefix leaves: spans that tile their regions, pages whose `used` is not too low, and free
 * lists that hold no block twice. Everything else (lists, bins, counts, locks) is made anew from
 * the descriptors. A block that a vanished thread was about to push, pop or pass on may be lost:
 * at most one operation and REMOTE_ENTRIES gathered chains per thread (128 KiB), and up to the
 * extension of one page; no block is ever handed out twice.
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
