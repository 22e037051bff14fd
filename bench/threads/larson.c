/* After P.-A. Larson and M. Krishnan, "Memory Allocation for Long-Running Server Applications",
 * ISMM 1998: each thread stands for a server's connection. It replaces randomly chosen objects by
 * new ones of random size, and after a while hands all of them to a new thread and ends, so that
 * objects are freed by threads that did not allocate them, whose allocating thread is gone.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "bench.h"
#include "crew.h"
#include "random.h"

enum { OBJECTS = 5000, REPLACEMENTS = 50000, SMALLEST = 8, LARGEST = 1000 };

static void *(*objects)[OBJECTS]; /* of each thread */

static void prepare(unsigned threads) {
    if (objects == NULL) objects = bench_map(threads * sizeof *objects);
    memset(objects, 0, threads * sizeof *objects);
}

static void *serve(void *argument) {
    crew_seat_t *seat = argument;
    void **mine = objects[seat->index];
    for (size_t i = 0; i < REPLACEMENTS; i++) {
        void **object = &mine[random_below(&seat->random, OBJECTS)];
        crew_free(seat, *object); /* NULL at first */
        *object = crew_malloc(seat, crew_size(seat, SMALLEST, LARGEST));
    }
    return NULL;
}

/* The thread of the seat only waits: servers follow each other. */
static size_t work(crew_seat_t *seat) {
    for (size_t i = 0; i < seat->rounds; i++) {
        pthread_t server;
        if (pthread_create(&server, NULL, serve, seat) != 0) bench_fail("thread", "refused");
        pthread_join(server, NULL);
    }
    for (size_t i = 0; i < OBJECTS; i++) crew_free(seat, objects[seat->index][i]);
    return seat->rounds * REPLACEMENTS;
}

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "larson",
                            .summary = "a server whose threads end and leave their objects behind",
                            .threads_min = 1,
                            .rounds = 80,
                            .prepare = prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
