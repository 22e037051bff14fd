/* The burst sweep: what one malloc+free pair costs over sizes, burst lengths and orders, with the
 * caller's loop; the bare list is its lower bound.
 * SPDX-License-Identifier: MIT */
#include "burst.h"

/* Blocks allocated in a round at least, so that the frame's part of a round vanishes. */
enum { ROUND_BLOCKS = 1000 };

static const bench_axis_t axes[] = {
    {"size", "16,32,64,128,256,512,1024", "16,64,256,1024", NULL},
    {"burst", "1,10,100,1000,10000,100000", "1,100,1000,10000,100000", NULL},
    {"order", "lifo,fifo,random", "lifo,random", burst_order_words},
    {NULL, NULL, NULL, NULL},
};

typedef struct sweep {
    size_t size, burst, repeats;
    void **blocks;
    uint32_t *order;
} sweep_t;

/* There when the bare list is preloaded: it serves one size only, and has to be told. */
extern void barelist_setup(size_t size) __attribute__((weak));

static void *begin(const bench_seat_t *seat) {
    sweep_t *sweep = bench_map(sizeof *sweep);
    sweep->size = bench_value(seat->point, "size", 0);
    sweep->burst = bench_value(seat->point, "burst", 0);
    sweep->repeats = sweep->burst < ROUND_BLOCKS ? ROUND_BLOCKS / sweep->burst : 1;
    sweep->blocks = bench_map(sweep->burst * sizeof(void *));
    sweep->order = burst_order_make((burst_order_t)bench_value(seat->point, "order", 0),
                                    sweep->burst, seat->seed);
    if (barelist_setup != NULL) barelist_setup(sweep->size);
    return sweep;
}

static size_t run_round(void *state) {
    const sweep_t *sweep = state;
    for (size_t i = 0; i < sweep->repeats; i++) {
        burst_allocate(sweep->blocks, sweep->burst, sweep->size);
        burst_free(sweep->blocks, sweep->order, sweep->burst);
    }
    return sweep->repeats * sweep->burst;
}

static void end(void *state) { (void)state; }

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "sweep", "bursts over all small sizes, against a bare list", axes, NULL, begin, run_round,
        end,
    };
    return bench_main(&program, argc, argv);
}
