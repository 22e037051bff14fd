/* Bursts of mixed sizes, as a parser or an interpreter makes them: small blocks many, large ones
 * few. `mixed` draws a new size for every block; `phases` gives each round one size, so that the
 * demand wanders from class to class and memory has to follow it.
 * SPDX-License-Identifier: MIT */
#include "burst.h"
#include "random.h"

enum { SIZES = 4096, SIZE_MIN = 8 };

typedef enum mix { MIX_MIXED, MIX_PHASES } mix_t;
static const char *const mix_words[] = {"mixed", "phases", NULL};

static const bench_axis_t axes[] = {
    {"mix", "mixed,phases", "mixed,phases", mix_words},
    {"max", "256,2048,32768", "2048", NULL}, /* the largest size */
    {"burst", "100,1000,10000", "1000,10000", NULL},
    {"threads", "1,2", "1,2", NULL},
    {NULL, NULL, NULL, NULL},
};

typedef struct multisize {
    size_t burst;
    mix_t mix;
    size_t round;
    uint32_t *order;
    void **blocks;
    size_t sizes[SIZES]; /* drawn beforehand: drawing costs as much as a malloc */
} multisize_t;

/* Equally many sizes in each doubling from SIZE_MIN to `max`. */
static size_t draw_size(uint64_t *random, size_t max) {
    unsigned doublings = 0;
    while ((size_t)SIZE_MIN << doublings < max) doublings++;
    const size_t size = (size_t)SIZE_MIN << random_below(random, doublings);
    return size + random_below(random, (uint32_t)size + 1);
}

static void *begin(const bench_seat_t *seat) {
    multisize_t *multisize = bench_map(sizeof *multisize);
    uint64_t random = seat->seed;
    multisize->burst = bench_value(seat->point, "burst", 0);
    multisize->mix = (mix_t)bench_value(seat->point, "mix", 0);
    multisize->order = burst_order_make(BURST_RANDOM, multisize->burst, random);
    multisize->blocks = bench_map(multisize->burst * sizeof(void *));
    for (size_t i = 0; i < SIZES; i++) {
        multisize->sizes[i] = draw_size(&random, bench_value(seat->point, "max", 0));
    }
    return multisize;
}

static size_t run_round(void *state) {
    multisize_t *multisize = state;
    const size_t round = multisize->round++;
    if (multisize->mix == MIX_PHASES) {
        burst_allocate(multisize->blocks, multisize->burst, multisize->sizes[round % SIZES]);
    } else {
        for (size_t i = 0; i < multisize->burst; i++) {
            multisize->blocks[i] = malloc(multisize->sizes[(round + i) % SIZES]);
            bench_touch(multisize->blocks[i]);
        }
    }
    burst_free(multisize->blocks, multisize->order, multisize->burst);
    return multisize->burst;
}

static void end(void *state) { (void)state; }

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "multisize", "bursts of mixed sizes", axes, NULL, begin, run_round, end,
    };
    return bench_main(&program, argc, argv);
}
