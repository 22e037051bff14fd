/* A pool of slots, half of them full: each step takes a random slot, frees the block in it or
 * allocates one where there is none. No page ever fills or empties for long. With several threads
 * the pools go round the ring, so that most blocks are freed by a thread that did not allocate
 * them.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bench.h"
#include "mailbox.h"
#include "random.h"

/* Steps of a round: half of them allocate. */
enum { STEPS = 2000 };

static const bench_axis_t axes[] = {
    {"size", "16,64,256,1024,8192", "64,1024", NULL},
    {"slots", "100,10000,100000", "1000,20000", NULL},
    {"threads", "1,2", "1,2", NULL},
    {NULL, NULL, NULL, NULL},
};

typedef struct interleaved {
    bench_seat_t seat;
    size_t size;
    uint32_t slots;
    uint64_t random;
    void **pool;
} interleaved_t;

static mailbox_t mailboxes[BENCH_THREADS];

static void *make_block(size_t size) {
    void *block = malloc(size);
    bench_touch(block);
    return block;
}

static void *begin(const bench_seat_t *seat) {
    interleaved_t *interleaved = bench_map(sizeof *interleaved);
    interleaved->seat = *seat;
    interleaved->size = bench_value(seat->point, "size", 0);
    interleaved->slots = (uint32_t)bench_value(seat->point, "slots", 0);
    interleaved->random = seat->seed;
    interleaved->pool = bench_map(interleaved->slots * sizeof(void *));
    for (uint32_t i = 0; i < interleaved->slots; i += 2) {
        interleaved->pool[i] = make_block(interleaved->size);
    }
    return interleaved;
}

static size_t run_round(void *state) {
    interleaved_t *interleaved = state;
    void **pool = interleaved->pool;
    for (size_t i = 0; i < STEPS; i++) {
        void **slot = &pool[random_below(&interleaved->random, interleaved->slots)];
        if (*slot == NULL) {
            *slot = make_block(interleaved->size);
        } else {
            free(*slot);
            *slot = NULL;
        }
    }
    if (interleaved->seat.count > 1) {
        interleaved->pool = mailbox_exchange(mailboxes, &interleaved->seat, pool);
    }
    return STEPS / 2;
}

static void end(void *state) {
    const interleaved_t *interleaved = state;
    for (uint32_t i = 0; i < interleaved->slots; i++) free(interleaved->pool[i]);
}

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "interleaved", "random slots of a half-full pool", axes, NULL, begin, run_round, end,
    };
    return bench_main(&program, argc, argv);
}
