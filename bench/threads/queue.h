/* How threads hand blocks to each other: a bounded first-in first-out queue of batches, so that its
 * lock is taken once for many blocks. Its memory does not come from malloc.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_QUEUE_H
#define BENCH_THREADS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

enum { BATCH = 256 };

typedef struct batch {
    void *blocks[BATCH];
} batch_t;

typedef struct queue queue_t;

/* A queue for `capacity` batches that `producers` threads put into: made where `*queue` is NULL,
 * else the one of the job before, opened again. */
void queue_open(queue_t **queue, size_t capacity, unsigned producers);

/* Waits while the queue is full. */
void queue_put(queue_t *queue, const batch_t *batch);

/* Each producer calls this once, after its last batch. */
void queue_close(queue_t *queue);

/* Waits while the queue is empty; false when it is and all producers have closed it. */
bool queue_take(queue_t *queue, batch_t *batch);

#endif
