/* Bursts of each thread for itself: scale.h.
 * SPDX-License-Identifier: MIT */
#include "scale.h"

static size_t work(crew_seat_t *seat) { return scale_work(seat, malloc, free); }

int main(int argc, char **argv) {
    const crew_job_t job = {.name = "scale",
                            .summary = "bursts of each thread for itself",
                            .threads_min = 1,
                            .rounds = 30000,
                            .work = work};
    return crew_main(&job, argc, argv);
}
