/* A pipeline: each round allocates a batch and frees the oldest of the batches in flight, so that
 * blocks die in the order in which they were born, never all at once. With several threads the
 * batch is freed by the next one.
 * SPDX-License-Identifier: MIT */
#include "burst.h"
#include "mailbox.h"

enum { IN_FLIGHT_MAX = 64 };

static const bench_axis_t axes[] = {
    {"size", "16,64,256,1024,8192", "64,1024", NULL},
    {"batch", "10,100,1000", "100,1000", NULL},
    {"in-flight", "2,8,32", "8", NULL}, /* batches alive between two rounds */
    {"threads", "1,2", "1,2", NULL},
    {NULL, NULL, NULL, NULL},
};

typedef struct batch {
    bench_seat_t seat;
    size_t size, count, in_flight;
    size_t oldest;
    uint32_t *order;
    void **batches[IN_FLIGHT_MAX];
} batch_t;

static mailbox_t mailboxes[BENCH_THREADS];

static bool sensible(const bench_point_t *point) {
    return bench_value(point, "in-flight", 0) - 1 < IN_FLIGHT_MAX;
}

static void *begin(const bench_seat_t *seat) {
    batch_t *batch = bench_map(sizeof *batch);
    batch->seat = *seat;
    batch->size = bench_value(seat->point, "size", 0);
    batch->count = bench_value(seat->point, "batch", 0);
    batch->in_flight = bench_value(seat->point, "in-flight", 0);
    batch->order = burst_order_make(BURST_FIFO, batch->count, seat->seed);
    for (size_t i = 0; i < batch->in_flight; i++) {
        batch->batches[i] = bench_map(batch->count * sizeof(void *));
        burst_allocate(batch->batches[i], batch->count, batch->size);
    }
    return batch;
}

static size_t run_round(void *state) {
    batch_t *batch = state;
    void **blocks = batch->batches[batch->oldest];
    if (batch->seat.count > 1) blocks = mailbox_exchange(mailboxes, &batch->seat, blocks);
    burst_free(blocks, batch->order, batch->count);
    burst_allocate(blocks, batch->count, batch->size);
    batch->batches[batch->oldest] = blocks;
    batch->oldest = (batch->oldest + 1) % batch->in_flight;
    return batch->count;
}

static void end(void *state) {
    const batch_t *batch = state;
    for (size_t i = 0; i < batch->in_flight; i++) {
        burst_free(batch->batches[i], batch->order, batch->count);
    }
}

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "batch", "batches that die in the order of their birth", axes, sensible, begin, run_round,
        end,
    };
    return bench_main(&program, argc, argv);
}
