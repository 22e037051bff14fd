/* MicroQuill's sh8bench: as sh6, but a part of the blocks is freed by other threads.
 * SPDX-License-Identifier: MIT */
#include "smartheap.h"

static size_t work(crew_seat_t *seat) { return smartheap_work(seat, true); }

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "sh8",
                            .summary = "as sh6, a part of the blocks freed by other threads",
                            .threads_min = 1,
                            .rounds = 300,
                            .prepare = smartheap_prepare,
                            .work = work};
    return crew_main(&job, argc, argv);
}
