/* MicroQuill's sh6bench: every thread for itself, in the orders of smartheap.h.
 * SPDX-License-Identifier: MIT */
#include "smartheap.h"

static size_t work(crew_seat_t *seat) { return smartheap_work(seat, false); }

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "sh6",
                            .summary = "blocks freed in order, in reverse order, and later",
                            .threads_min = 1,
                            .rounds = 300,
                            .prepare = smartheap_prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
