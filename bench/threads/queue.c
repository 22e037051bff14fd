/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "bench.h"
#include "queue.h"

struct queue {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t not_full, not_empty;
    size_t capacity, first, filled;
    unsigned producers; /* that have not closed yet */
    batch_t batches[];
};

static queue_t *queue_new(size_t capacity) {
    const size_t size = sizeof(queue_t) + capacity * sizeof(batch_t);
    queue_t *queue = bench_map(size);
    memset(queue, 0, size); /* resident before the memory is measured */
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    queue->capacity = capacity;
    return queue;
}

void queue_open(queue_t **queue, size_t capacity, unsigned producers) {
    if (*queue == NULL) *queue = queue_new(capacity);
    (*queue)->producers = producers;
}

void queue_put(queue_t *queue, const batch_t *batch) {
    pthread_mutex_lock(&queue->lock);
    while (queue->filled == queue->capacity) pthread_cond_wait(&queue->not_full, &queue->lock);
    queue->batches[(queue->first + queue->filled++) % queue->capacity] = *batch;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

void queue_close(queue_t *queue) {
    pthread_mutex_lock(&queue->lock);
    if (--queue->producers == 0) pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_take(queue_t *queue, batch_t *batch) {
    pthread_mutex_lock(&queue->lock);
    while (queue->filled == 0 && queue->producers > 0) {
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    }
    const bool taken = queue->filled > 0;
    if (taken) {
        *batch = queue->batches[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->filled--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}
