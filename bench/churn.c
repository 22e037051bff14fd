/* Bursts: allocate all, free all, again and again. The load that this allocator is made for.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "burst.h"
#include "mailbox.h"
#include "random.h"

/* Short bursts are repeated within a round, so that the frame's part of a round vanishes. */
enum { ROUND_BLOCKS = 1000, BURST_BYTES_MAX = 256 << 20 };

typedef enum handoff { HANDOFF_NO, HANDOFF_YES, HANDOFF_TURNS } handoff_t;
static const char *const handoff_words[] = {"no", "yes", "turns", NULL};

static const bench_axis_t axes[] = {
    {"size", "8,64,256,1024,4096,32768", "64,1024", NULL},
    {"burst", "1,10,100,1000,10000,100000,1000000", "1,100,10000", NULL},
    {"order", "lifo,fifo,random,half", "lifo,random", burst_order_words},
    /* Per cent of the blocks, chosen at random, that outlive the next burst. */
    {"survivors", "0,1,5,50", "0", NULL},
    {"gap", "0,1,100", "0", NULL},
    {"threads", "1,2", "1", NULL},
    /* Each burst is freed by the next thread; or the threads burst one after the other. */
    {"handoff", "no,yes,turns", "no", handoff_words},
    {NULL, NULL, NULL, NULL},
};

typedef struct churn {
    bench_seat_t seat;
    size_t size, burst;
    size_t repeats; /* bursts in a round */
    size_t mortal;  /* blocks freed in the same burst */
    handoff_t handoff;
    uint32_t *order;  /* the mortal blocks first */
    void **blocks;    /* of this burst */
    void **survivors; /* the burst before: its immortal blocks are alive */
} churn_t;

static mailbox_t mailboxes[BENCH_THREADS];

static bool sensible(const bench_point_t *point) {
    const size_t bytes = bench_value(point, "size", 0) * bench_value(point, "burst", 0);
    const size_t threads = bench_value(point, "threads", 0);
    const bool alone = threads == 1 && bench_value(point, "handoff", 0) != HANDOFF_NO;
    return bytes * threads <= BURST_BYTES_MAX && !alone;
}

/* Moves the chosen survivors behind the other blocks and keeps the order of these. */
static void part_survivors(churn_t *churn, size_t percent, uint64_t seed) {
    uint32_t *parted = bench_map(churn->burst * sizeof *parted);
    size_t mortal = 0, survivors = 0;
    for (size_t i = 0; i < churn->burst; i++) {
        if (random_below(&seed, 100) < percent) {
            parted[churn->burst - ++survivors] = churn->order[i];
        } else {
            parted[mortal++] = churn->order[i];
        }
    }
    churn->order = parted;
    churn->mortal = mortal;
}

static void *begin(const bench_seat_t *seat) {
    churn_t *churn = bench_map(sizeof *churn);
    churn->seat = *seat;
    churn->size = bench_value(seat->point, "size", 0);
    churn->burst = bench_value(seat->point, "burst", 0);
    const bool repeated = churn->burst < ROUND_BLOCKS && bench_value(seat->point, "gap", 0) == 0;
    churn->repeats = repeated ? ROUND_BLOCKS / churn->burst : 1;
    churn->handoff = (handoff_t)bench_value(seat->point, "handoff", 0);
    churn->order = burst_order_make((burst_order_t)bench_value(seat->point, "order", 0),
                                    churn->burst, seat->seed);
    part_survivors(churn, bench_value(seat->point, "survivors", 0), seat->seed);
    churn->blocks = bench_map(churn->burst * sizeof(void *));
    churn->survivors = bench_map(churn->burst * sizeof(void *));
    return churn;
}

/* The blocks behind the mortal ones in the order; none before the first burst. */
static inline void free_survivors(const churn_t *churn) {
    burst_free(churn->survivors, churn->order + churn->mortal, churn->burst - churn->mortal);
}

static inline void run_burst(churn_t *churn) {
    burst_allocate(churn->blocks, churn->burst, churn->size);
    if (churn->handoff == HANDOFF_YES) {
        churn->blocks = mailbox_exchange(mailboxes, &churn->seat, churn->blocks);
    }
    burst_free(churn->blocks, churn->order, churn->mortal);
    free_survivors(churn);
    void **burst_before = churn->survivors;
    churn->survivors = churn->blocks;
    churn->blocks = burst_before;
}

/* The first thread begins a round unasked and ends it when the turn has come back. */
static void begin_turn(const bench_seat_t *seat) {
    if (seat->index != 0) mailbox_take(&mailboxes[seat->index]);
}

static void end_turn(churn_t *churn) {
    const bench_seat_t *seat = &churn->seat;
    mailbox_give(&mailboxes[(seat->index + 1) % seat->count], churn);
    if (seat->index == 0) mailbox_take(&mailboxes[0]);
}

static size_t run_round(void *state) {
    churn_t *churn = state;
    const bool in_turns = churn->handoff == HANDOFF_TURNS;
    if (in_turns) begin_turn(&churn->seat);
    for (size_t i = 0; i < churn->repeats; i++) run_burst(churn);
    if (in_turns) end_turn(churn);
    return churn->repeats * churn->burst;
}

static void end(void *state) { free_survivors(state); }

int main(int argc, char **argv) {
    static const bench_program_t program = {
        "churn", "bursts of blocks, all allocated, then all freed; none above 256 MiB",
        axes,    sensible,
        begin,   run_round,
        end,
    };
    return bench_main(&program, argc, argv);
}
