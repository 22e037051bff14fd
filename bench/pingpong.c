/* One block allocated and freed again and again while the number of live blocks beneath it climbs:
 * sooner or later it is the first block of a page, where an allocator may make and drop a page for
 * every pair. With several threads the live blocks of a round are freed by the next thread.
 * SPDX-License-Identifier: MIT */
#include "burst.h"
#include "mailbox.h"

enum { REPEATS = 8 };

static const bench_axis_t axes[] = {
    {"size", "16,64,256,1024,8192", "64,1024", NULL},
    {"levels", "100,5000", "1000", NULL}, /* live blocks at the top */
    {"threads", "1,2", "1,2", NULL},
    {NULL, NULL, NULL, NULL},
};

typedef struct pingpong {
    bench_seat_t seat;
    size_t size, levels;
    uint32_t *order;
    void **live;
} pingpong_t;

static mailbox_t mailboxes[BENCH_THREADS];

static void *begin(const bench_seat_t *seat) {
    pingpong_t *pingpong = bench_map(sizeof *pingpong);
    pingpong->seat = *seat;
    pingpong->size = bench_value(seat->point, "size", 0);
    pingpong->levels = bench_value(seat->point, "levels", 0);
    pingpong->order = burst_order_make(BURST_LIFO, pingpong->levels, seat->seed);
    pingpong->live = bench_map(pingpong->levels * sizeof(void *));
    return pingpong;
}

static size_t run_round(void *state) {
    pingpong_t *pingpong = state;
    for (size_t level = 0; level < pingpong->levels; level++) {
        for (size_t i = 0; i < REPEATS; i++) {
            void *block = malloc(pingpong->size);
            bench_touch(block);
            free(block);
        }
        burst_allocate(pingpong->live + level, 1, pingpong->size);
    }
    pingpong->live = mailbox_exchange(mailboxes, &pingpong->seat, pingpong->live);
    burst_free(pingpong->live, pingpong->order, pingpong->levels);
    return pingpong->levels * (REPEATS + 1);
}

static void end(void *state) { (void)state; }

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "pingpong", "one block to and fro at every fill level", axes, NULL, begin, run_round, end,
    };
    return bench_main(&program, argc, argv);
}
